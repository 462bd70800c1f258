"""The host side: organizations of a product connect their workspaces; off without `SLACKAPP_HOST_KEYS_FILE`."""
