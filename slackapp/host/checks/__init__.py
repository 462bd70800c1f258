"""Checks of the host side: pure functions, one security decision per file."""
