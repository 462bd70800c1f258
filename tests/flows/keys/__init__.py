"""Tests of `slackapp/flows/keys`."""
