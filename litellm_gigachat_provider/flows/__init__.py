"""What a call does, in order, as generators over steps: chat, streams, embeddings and pictures."""
