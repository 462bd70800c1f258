"""Tests of the local Slack's delivery."""
