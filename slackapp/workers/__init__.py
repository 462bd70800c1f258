"""Threads that run the inbox and the scheduled tasks."""
