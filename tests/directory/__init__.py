"""Tests of `slackapp/directory`."""
