"""Stores for an app written with Bolt for Python: its tokens in this vault. See `stores.py`."""

from slackapp.bolt.stores import EncryptedInstallationStore, SignedStateStore

__all__ = ["EncryptedInstallationStore", "SignedStateStore"]
