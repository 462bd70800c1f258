"""Receives what Slack sends and runs it."""
