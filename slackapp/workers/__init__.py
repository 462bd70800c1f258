"""Threads that run the queues and the scheduled tasks."""
