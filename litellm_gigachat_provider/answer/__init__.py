"""What came back -> what was asked for: calls, JSON, stop words. Pure."""
