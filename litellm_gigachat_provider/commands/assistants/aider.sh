export OPENAI_API_BASE=$url
export OPENAI_API_KEY=$key
