"""Tests of `slackapp/flows/audit`."""
