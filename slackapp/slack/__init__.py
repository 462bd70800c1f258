"""Client for Slack, and the transport under it. The only place that imports `slack_sdk`."""
