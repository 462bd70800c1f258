"""Log, metrics and gates."""
