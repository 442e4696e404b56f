"""How bytes reach GigaChat: TLS trust, tokens, pooled clients, server-sent events, files."""
