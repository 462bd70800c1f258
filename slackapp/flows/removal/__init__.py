"""Removal of tenants: uninstall, revocation and purge."""
