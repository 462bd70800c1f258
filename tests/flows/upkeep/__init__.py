"""Tests of `slackapp/flows/upkeep`."""
