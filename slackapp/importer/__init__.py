"""Installations out of another program's store."""
