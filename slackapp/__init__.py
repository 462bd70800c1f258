"""slackapp distributes one Slack app to many workspaces, and keeps each workspace's tokens encrypted and apart."""

__version__ = "0.1.0"
