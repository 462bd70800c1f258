"""The flows of the host side."""
