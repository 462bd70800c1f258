"""Calls to Slack, over real HTTP to a Slack that misbehaves."""
