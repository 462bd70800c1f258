"""Requests of the local Slack to the app: events, commands, interactions, and their delivery."""
