"""The keyring and its key providers."""
