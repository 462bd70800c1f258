"""Uses, refreshes and judges tokens."""
