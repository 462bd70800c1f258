"""What Slack and a browser on its way from Slack ask for."""
