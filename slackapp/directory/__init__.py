"""Slack's app directory: writing the app's manifest, and the checks before a submission."""
