"""Handlers of the host side: from a checked call to one flow, and from its result to JSON."""
