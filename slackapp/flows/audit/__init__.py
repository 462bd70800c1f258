"""Writes the audit and verifies its chain."""
