"""Webhook: the host is told what has happened."""
