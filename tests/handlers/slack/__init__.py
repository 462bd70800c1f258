"""Tests of the handlers for Slack, and for a browser on its way from Slack."""
