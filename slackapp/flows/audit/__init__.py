"""Audit: its notes, reading it, and verifying its chain."""
