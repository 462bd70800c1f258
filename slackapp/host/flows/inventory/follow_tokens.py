"""Notes of what is found out about a token, or a connection's age; the host is told once."""

from slackapp.flows.app import App
from slackapp.host.rows import ConnectionKey, HostEventKind
from slackapp.host.store import events
from slackapp.host.store.inventory import bindings
from slackapp.model import Tenant, Token
from slackapp.store.engine.database import Database

NOTICE = 14 * 86_400
"""Seconds before it is too old from which on the host is told; where it may be less old than 8 weeks, a quarter."""


def note_validated(db: Database, tenant: Tenant, now: int) -> None:
    """Notes on what is connected that Slack was asked about every token of the tenant, and that each lives."""
    # claim: C-368
    bindings.note_validated(db, tenant, now)


def note_scopes(db: Database, token: Token, scopes: tuple[str, ...], is_drift: bool, now: int) -> None:
    """Notes on a connection that its token has other scopes by now; tells the host where others are asked for."""
    key = bindings.save_scopes(db, token, scopes, now)
    # claim: C-369
    if key is not None and is_drift:
        events.add(db, key, HostEventKind.SCOPE_DRIFT, None, now=now)


def tell_aging(app: App, keys: list[ConnectionKey], now: int) -> None:
    """Tells the host of what gets too old soon, once, so that somebody renews it before it is suspended."""
    for key in keys:
        with app.db.transaction():
            # claim: C-370
            if bindings.note_age_told(app.db, key, now):
                events.add(app.db, key, HostEventKind.CONNECTION_EXPIRING, None, now=now)
