"""Tests of the handlers, and helpers that tests of the edge share."""
