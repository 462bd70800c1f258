"""Tests of what the commands share of the terminal."""
