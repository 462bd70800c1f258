"""Uninstalls and purges tenants."""
