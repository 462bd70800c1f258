"""Handlers for the operator, and for the machines that watch the service."""
