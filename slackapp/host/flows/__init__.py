"""Flows of the host side: each is one thing that happens, in its order."""
