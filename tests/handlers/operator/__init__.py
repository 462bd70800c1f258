"""Tests of the handlers for the operator."""
