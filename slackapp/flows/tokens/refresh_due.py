"""Refreshes what is due, so that no request waits for it and no idle tenant's token runs out.

By the same single flight as on use: another process, or a request that comes in between, does no second refresh.
"""

import zlib
from collections import Counter
from collections.abc import Callable

from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.tokens import refresh_token
from slackapp.model import SCHEDULER, SLACK_PROVIDER, InstallationStatus, Tenant, Token
from slackapp.store import tokens

_ACTIVE = frozenset({InstallationStatus.ACTIVE})
BATCH = 500
"""At one time; the next minute goes on."""
_MAX_CONSECUTIVE_FAILURES = 3
"""So many tenants' failures one after the other are the provider's, not theirs: no use to go on."""
_MAX_TENANT_FAILURES = 2
"""After so many of its own a tenant's other tokens wait for the next minute: none keeps the others waiting."""


def run(app: App, stopping: Callable[[], bool]) -> int:
    """Refreshes the tokens that are due, and counts them. Raises StoreError.

    Each provider's by themselves: one that is down stops no other. Those of one that no circle knows any more stay.
    """
    others = [provider.name for circle in app.circles for provider in circle.token_providers]
    return sum(_refresh_all(app, provider, stopping) for provider in (SLACK_PROVIDER, *others))


def _refresh_all(app: App, provider: str, stopping: Callable[[], bool]) -> int:
    refreshed = 0
    failures: Counter[Tenant] = Counter()
    in_a_row: set[Tenant] = set()
    listed = tokens.list_due(app.db, app.clock(), app.clock.steady(), BATCH, provider=provider)
    for token in _from_own_start(app, listed):
        if stopping() or len(in_a_row) == _MAX_CONSECUTIVE_FAILURES:
            break
        if failures[token.tenant] == _MAX_TENANT_FAILURES:
            continue
        try:
            refresh_token.run(app, token, SCHEDULER, statuses=_ACTIVE, wait=False)
        except Refused as refused:
            if refused.retry_after == refresh_token.RETRY_WHILE_LEASED:
                continue
            failures[token.tenant] += 1
            in_a_row = in_a_row | {token.tenant} if refused.refusal is Refusal.TOKEN_UNAVAILABLE else set()
        else:
            refreshed, in_a_row = refreshed + 1, set()
    return refreshed


def _from_own_start(app: App, due: list[Token]) -> list[Token]:
    """Several processes begin at different places, so that they do not meet at every token.

    And each minute at another place: three that never succeed must not stand before the others for ever.
    """
    start = zlib.crc32(f"{app.process_id} {app.clock() // 60}".encode()) % len(due) if due else 0
    return due[start:] + due[:start]
