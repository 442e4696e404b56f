"""Uploads, downloads and what a file is."""
