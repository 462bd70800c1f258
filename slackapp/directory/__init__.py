"""What Slack's directory asks of an app: the manifest, and the checks before a submission."""
