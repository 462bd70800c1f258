"""Rows beside those of connections and messages: what was said, and what Slack has told."""
