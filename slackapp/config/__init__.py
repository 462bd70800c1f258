"""Settings: every one in one table, read from the environment once, checked and frozen."""
