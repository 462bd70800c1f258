"""The record format, what a record is bound to, and private files."""
