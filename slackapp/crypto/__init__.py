"""Encryption: the record format and private files. The only place that imports `cryptography`."""
