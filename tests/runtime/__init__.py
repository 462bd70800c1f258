"""Tests of `slackapp/runtime`."""
