"""Pages of the local Slack: consent, control, and what they are made of."""
