"""Stores for an app that is written with Bolt for Python; see `stores.py`."""

from slackapp.bolt.stores import EncryptedInstallationStore, SignedStateStore

__all__ = ["EncryptedInstallationStore", "SignedStateStore"]
