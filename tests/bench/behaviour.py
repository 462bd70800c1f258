"""Behaviours to measure with: one that does nothing, and one that makes a call to Slack."""

from collections.abc import Mapping
from typing import Any

from slackapp.behaviour import Context


def post(context: Context, event: Mapping[str, Any]) -> None:
    """One call, as a mention is usually answered."""
    context.call("chat.postMessage", {"channel": event["channel"], "text": "hello"})


QUIET = {"app_mention": lambda context, event: None}
POSTING = {"app_mention": post}
