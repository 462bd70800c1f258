"""Tests of `slackapp/config`."""
