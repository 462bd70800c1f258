"""Data keys in use, and the providers that wrap them."""
