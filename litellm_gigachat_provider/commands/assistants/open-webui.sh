export OPENAI_API_BASE_URL=$url/v1
export OPENAI_API_KEY=$key
export RAG_EMBEDDING_ENGINE=openai
export RAG_EMBEDDING_MODEL=$embeddings
export RAG_EMBEDDING_BATCH_SIZE=20
export RAG_OPENAI_API_BASE_URL=$url/v1
export RAG_OPENAI_API_KEY=$key
export ENABLE_IMAGE_GENERATION=true
export IMAGE_GENERATION_MODEL=$model
export IMAGES_OPENAI_API_BASE_URL=$url/v1
export IMAGES_OPENAI_API_KEY=$key
export DEFAULT_MODEL_METADATA='{"builtinTools": {"time": false, "user_input": false, "knowledge": false, "chats": false,
  "memory": false, "notes": false, "channels": false, "skills": false, "tasks": false, "automations": false,
  "calendar": false}}'
