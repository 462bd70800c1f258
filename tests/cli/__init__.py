"""Tests of the commands, as processes of their own."""
