export OPENAI_API_BASE_URL=$url/v1
export OPENAI_API_KEY=$key
export RAG_EMBEDDING_ENGINE=openai
export RAG_EMBEDDING_MODEL=$embeddings
export RAG_OPENAI_API_BASE_URL=$url/v1
export RAG_OPENAI_API_KEY=$key
