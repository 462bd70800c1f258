"""Backs up the data and, apart from it, the keys."""
