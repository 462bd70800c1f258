"""Runs that take minutes: `pytest -m long`."""
