"""Tests of `slackapp/workers`."""
