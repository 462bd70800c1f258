"""Flows that ask whether what is held is still needed, and is as it is thought to be."""
