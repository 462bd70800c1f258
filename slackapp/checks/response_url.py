"""A response_url leads to Slack.

Stops:   a post, and what is in it, sent to an address of somebody else's choice.
How:     the origin must be exactly the configured one: scheme, host and port, no user, no fragment, and visible ASCII
         only. Redirects are not followed (slack/transport.py).
Does not stop: Slack's own address being used for another workspace's message, if Slack signed it so.
Read:    docs.slack.dev/interactivity/handling-user-interaction (response_url)
"""

import re

_REST = re.compile(r"/[A-Za-z0-9_~./-]{1,1024}")


def is_response_url(claimed: object, origin: str) -> bool:
    """Whether it may be posted to. `origin` is such as `https://hooks.slack.com`."""
    return isinstance(claimed, str) and claimed.startswith(f"{origin}/") and bool(_REST.fullmatch(claimed, len(origin)))
