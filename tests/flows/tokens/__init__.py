"""Tests of `slackapp/flows/tokens`."""
