"""Opens, rotates and withholds tenants' keys."""
