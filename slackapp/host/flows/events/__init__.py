"""Events of Slack that the host side takes: of channels that settings name."""
