"""GigaChat for LiteLLM: importing this package makes ``gigachat/<model>`` answer through it."""
