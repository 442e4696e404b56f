"""The service's methods."""
