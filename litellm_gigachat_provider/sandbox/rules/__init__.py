"""What the service refuses, word for word where a text was observed. Pure."""
