"""What the sandbox's model says: deterministic, made of what was asked, or by a script."""
