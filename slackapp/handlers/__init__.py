"""Handlers: each reads its inputs, calls one flow, shapes the response, and decides nothing."""
