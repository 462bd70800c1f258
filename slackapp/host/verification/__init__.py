"""Verification of connecting: it is played with this deployment's settings, and what was seen is compared."""
