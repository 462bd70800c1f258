"""Records that must open and records that must not, made apart from the code that they test."""
