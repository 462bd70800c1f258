"""A response_url leads to Slack.

Stops:   a post, and what is in it, sent to an address of somebody else's choice.
How:     the origin must be exactly the configured one: scheme, host and port, no user, no fragment, and visible ASCII
         only. Redirects are not followed (slack/transport.py).
Does not stop: Slack's own address being used for another workspace's message, if Slack signed it so.
Read:    docs.slack.dev/interactivity/handling-user-interaction (response_url)
"""

import re
from collections.abc import Mapping
from typing import Any

_PATH = re.compile(r"/[A-Za-z0-9_~./-]{1,1024}")


def response_url_of(payload: Mapping[str, Any]) -> object:
    """Finds where a command or an interaction can be answered; a modal that asks for a conversation has a list.

    docs.slack.dev/reference/interaction-payloads/view-interactions-payload (response_urls)
    """
    listed = payload.get("response_urls")
    first = listed[0] if isinstance(listed, list) and listed else None
    return payload.get("response_url") or (first.get("response_url") if isinstance(first, Mapping) else None)


def is_response_url(claimed: object, origin: str) -> bool:
    """Tells whether that address may be posted to. `origin` is such as `https://hooks.slack.com`."""
    return isinstance(claimed, str) and claimed.startswith(f"{origin}/") and bool(_PATH.fullmatch(claimed, len(origin)))
