"""Flows, one per file: the only layer where order, transactions and calls to Slack meet."""
