"""Tests of `slackapp/flows/removal`."""
