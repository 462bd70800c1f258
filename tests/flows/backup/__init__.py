"""Tests of `slackapp/flows/backup`."""
