"""The keyring, and which master keys open it."""
