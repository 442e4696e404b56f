"""All that knows LiteLLM: its seam, model metadata, versions, response and chunk objects, exceptions."""
