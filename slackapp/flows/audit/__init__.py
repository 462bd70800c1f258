"""Audit: writing it, and verifying its chain."""
