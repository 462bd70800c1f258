"""Upkeep: flows that the scheduler runs, and the present state of the service."""
