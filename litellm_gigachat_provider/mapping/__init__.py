"""Pure functions between OpenAI's vocabulary and GigaChat's wire. No I/O, clock, randomness or logging."""
