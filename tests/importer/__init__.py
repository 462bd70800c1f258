"""Tests of `slackapp/importer`."""
