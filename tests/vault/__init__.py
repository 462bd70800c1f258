"""Keys, their providers, the audit, backups and purges, as an operator and a reviewer meet them."""
