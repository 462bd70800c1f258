"""Backup and restore: the data without keys, and apart from it the keys."""
