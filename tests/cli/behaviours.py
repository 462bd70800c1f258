"""Behaviours for services that run as processes of their own: an event says what to do."""

import time
from collections.abc import Mapping
from typing import Any

from slackapp.behaviour import Context

POST = "chat.postMessage"


def act(context: Context, event: Mapping[str, Any]) -> None:
    """`think` for so many seconds, and then `say` something."""
    time.sleep(float(event.get("think", 0)))
    if "say" in event:
        context.call(POST, {"channel": event["channel"], "text": event["say"]})


EVENTS = {"app_mention": act}
