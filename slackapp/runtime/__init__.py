"""Runtime: log, metrics, health and rate limits of the running process."""
