"""Calls to Slack. The only place that imports `slack_sdk`."""
