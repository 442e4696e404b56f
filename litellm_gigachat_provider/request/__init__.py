"""OpenAI's words -> one neutral request. Pure: no I/O, clock, randomness or logging."""
