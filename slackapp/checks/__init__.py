"""Checks: each file is one security decision, a pure function that returns the verified value or raises `Refused`."""
