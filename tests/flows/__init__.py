"""Tests of the flows, through the service's own edge."""
