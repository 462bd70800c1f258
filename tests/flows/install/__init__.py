"""Tests of `slackapp/flows/install`."""
