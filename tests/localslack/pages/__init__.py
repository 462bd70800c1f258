"""Tests of the local Slack's pages."""
