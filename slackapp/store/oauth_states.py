"""States of installs under way: `sql/core/oauth_states.sql`."""

from slackapp.checks.state_token import IssuedState, VerifiedState
from slackapp.model import StateBinding, StateOutcome, Tenant
from slackapp.store.columns import read_tenant, tenant_columns
from slackapp.store.engine.database import Database

KEEP_SECONDS = 3600
"""Seconds that a row stays after its expiry, so that a late second use is told apart from a forgery."""
MAX_LIFETIME = 900 + 60
"""Seconds from now on within which every state expires: the longest life, and what clocks may differ by."""


def add(
    db: Database, state: IssuedState, now: int, *, limit: int, network: bytes | None = None, network_limit: int = 0
) -> bool:
    """Records a new state; False when `limit` unexpired ones exist, or `network_limit` of that network, if given."""
    times = {"now": now, "expires_at": state.expires_at, "latest": now + MAX_LIFETIME}
    limits = {"limit": limit, "network": network, "share": network_limit}
    return db.execute("add_state", {"id_hash": state.id_hash, **_columns(state.binding), **times, **limits}) == 1


def consume(db: Database, state: VerifiedState, now: int) -> bool:
    """Uses the state up in one statement: of many callers at once, one gets True."""
    return db.one("consume_state", {"id_hash": state.id_hash, **_columns(state.binding), "now": now}) is not None


def restore_unused(db: Database, id_hash: bytes) -> None:
    """Makes a state usable again: it is certain that nothing was done with it."""
    db.execute("give_state_back", {"id_hash": id_hash})


def mark_lost(db: Database, before: int, after: int) -> int:
    """Ends what was used before or after then and has no outcome; how many."""
    return db.execute("mark_lost_exchanges", {"before": before, "latest": after})


def set_outcome(db: Database, id_hash: bytes, outcome: StateOutcome, tenant: Tenant) -> None:
    """Notes how the use ended: `installed`, `declined` or `failed`."""
    db.execute("finish_state", {"id_hash": id_hash, "outcome": outcome, **tenant_columns(tenant)})


def last_installed(db: Database, session_hash: bytes, since: int) -> Tenant | None:
    """The tenant that this browser installed last, since a time."""
    row = db.one("last_installed", {"session_hash": session_hash, "since": since})
    return read_tenant(row) if row is not None else None


def has_open_exchange(db: Database, since: int) -> bool:
    """Tells whether some state was used since then and its exchange is not over."""
    return db.one("has_open_exchange", {"since": since}) is not None


def expire_unused(db: Database, now: int) -> None:
    """Expires every unused state of a restored copy: it may have been used since the copy was made."""
    db.execute("end_unused_states", {"before": now - 1})


def sweep(db: Database, now: int) -> int:
    """Deletes old rows, at most 1,000 at once; how many."""
    return db.execute("sweep_states", {"before": now - KEEP_SECONDS})


def _columns(binding: StateBinding) -> dict[str, object]:
    return {
        "purpose": str(binding.purpose),
        "session_hash": binding.browser_digest,
        "provider": binding.provider,
    }
