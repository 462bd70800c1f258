"""Tokens in use: opened, refreshed, exchanged, checked, marked dead."""
