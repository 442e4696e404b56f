"""JSON schemas as GigaChat takes them: references, unions, and how much may be sent. Pure."""
