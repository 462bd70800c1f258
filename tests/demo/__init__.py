"""Tests of `slackapp/demo`."""
