"""Handlers for the operator alone."""
