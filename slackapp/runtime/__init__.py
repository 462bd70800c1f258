"""Log, metrics, health and rate limits of the running process."""
