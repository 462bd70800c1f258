"""Store of reviews."""
