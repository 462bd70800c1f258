"""Tests of `slackapp/flows/events`."""
