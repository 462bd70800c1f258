"""Connecting: begun, brought back from Slack, confirmed or given back, and ended."""
