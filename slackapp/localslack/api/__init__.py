"""Web API of the local Slack: its methods, and what they have in common."""
