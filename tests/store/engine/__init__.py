"""Tests of `slackapp/store/engine`."""
