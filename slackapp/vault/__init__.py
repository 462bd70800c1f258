"""Vault: the keyring, which opens tenants' data keys, and the providers that wrap them."""
