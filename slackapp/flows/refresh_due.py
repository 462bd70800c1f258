"""Upkeep: refreshes what is due, so that no request waits for it and no idle tenant's token runs out.

By the same single flight as on use: another process, or a request that comes in between, does no second refresh.
"""

import zlib
from collections.abc import Callable

from slackapp.errors import Refusal, Refused
from slackapp.flows import refresh_token
from slackapp.model import Origin, Token
from slackapp.ports import App
from slackapp.store import tokens

MOST = 500
"""At one time; the next minute goes on."""
_IN_A_ROW = 3
"""So many failures one after the other are Slack's, not the tenants': no use to go on."""


def run(app: App, stopping: Callable[[], bool]) -> int:
    """How many tokens were refreshed. Raises StoreError."""
    refreshed = failed = 0
    for token in _from_our_end(app, tokens.due(app.db, app.clock(), MOST)):
        if stopping() or failed == _IN_A_ROW:
            break
        try:
            refresh_token.run(app, token, Origin("worker", ""), wait=False)
        except Refused as refused:
            if refused.retry_after != refresh_token.ANOTHER_IS_AT_IT:
                failed = failed + 1 if refused.refusal is Refusal.TOKEN_UNAVAILABLE else 0
        else:
            refreshed, failed = refreshed + 1, 0
    return refreshed


def _from_our_end(app: App, due: list[Token]) -> list[Token]:
    """Several processes begin at different places, so that they do not meet at every token.

    And each minute at another place: three that never succeed must not stand before the others for ever.
    """
    start = zlib.crc32(f"{app.process_id} {app.clock() // 60}".encode()) % len(due) if due else 0
    return due[start:] + due[:start]
