"""Tokens, sealed: `sql/core/tokens.sql`."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from slackapp.model import BOT, NO_TENANT, SLACK_PROVIDER, Holder, Sealed, Tenant, Token, TokenFreeze, TokenStatus
from slackapp.store import tenant_outcomes
from slackapp.store.columns import (
    by_word,
    count_rows,
    key_columns,
    read_holder,
    read_sealed,
    read_tenant,
    sealed_column,
    tenant_columns,
)
from slackapp.store.engine.database import Database, Row
from slackapp.store.installations import split_scopes

_STATUSES, _FREEZES = by_word(TokenStatus), by_word(TokenFreeze)
_MAX_LEASE_OVERRUN = 3600
"""Seconds that a lease may outlast the usual one: as long as Slack may want to hear nothing of us."""


MAX_WAIT = 7200
"""Seconds, more than a refresh is ever postponed, or left to whoever has begun with it."""


class Fingerprints(NamedTuple):
    """Fingerprints of an access token, and of the refresh token where there is one; 32 bytes each."""

    access: bytes
    refresh: bytes | None


class SealedPair(NamedTuple):
    """Sealed pair of access and refresh token, each with its fingerprint.

    `expires_at` in Unix seconds; None, with no refresh token, for a long-lived token. `due_at` is when it is to be
    refreshed, in Unix seconds.
    """

    access: Sealed
    refresh: Sealed | None
    expires_at: int | None
    due_at: int | None
    scopes: tuple[str, ...]
    fingerprints: Fingerprints


def find(db: Database, tenant: Tenant, holder: Holder) -> Token | None:
    """Finds a holder's token."""
    row = db.one("find_token", key_columns(tenant, holder))
    return _token(row) if row is not None else None


def find_generation(db: Database, token: Token) -> Token | None:
    """Finds that generation of a token as it lies there now: under another data key, perhaps, or leased."""
    found = find(db, token.tenant, token.holder)
    is_same = found is not None and (found.generation, found.granted_at) == (token.generation, token.granted_at)
    return found if is_same else None


def list_by_tenant(db: Database, tenant: Tenant) -> list[Token]:
    """Lists the tokens of a tenant, the bot's first."""
    return [_token(row) for row in db.many("list_tokens", tenant_columns(tenant))]


def save(
    db: Database,
    tenant: Tenant,
    holder: Holder,
    *,
    generation: int,
    pair: SealedPair,
    now: int,
    provider: str = SLACK_PROVIDER,
) -> None:
    """Adds the token or replaces it; a lease on the replaced one ends. What Slack had against the tenant is over."""
    if provider == SLACK_PROVIDER:
        tenant_outcomes.delete_failing(db, tenant)
    whose = {**key_columns(tenant, holder), "provider": provider}
    db.execute("save_token", {**whose, **_values(pair), "generation": generation, "now": now})


def take_lease(db: Database, token: Token, owner: str, steady: int, until: int) -> bool:
    """Becomes the only one to refresh this generation of the token; False when another one is.

    Leases go by the clock that nobody sets, read inside the transaction: whoever reads it before waits for another
    one's, and might take the lease that was written there meanwhile for one of an earlier boot.
    """
    times = {"steady": steady, "latest": steady + MAX_WAIT, "until": until}
    return db.execute("take_lease", {**_generation(token), "owner": owner, **times}) == 1


def take_lease_for_bolt(db: Database, token: Token, owner: str, steady: int, until: int, is_new_event: bool) -> bool:
    """Lets a Bolt app refresh this generation; with `begins`, also one that holds the lease from an earlier event."""
    times = {"steady": steady, "until": until, "latest": until + _MAX_LEASE_OVERRUN}
    return db.execute("lend_lease", {**_generation(token), "owner": owner, **times, "begins": int(is_new_event)}) == 1


def set_lease_end(db: Database, token: Token, owner: str, until: int) -> None:
    """Moves the end of our lease; its owner stays as the mark of an unfinished refresh."""
    db.execute("set_lease_end", {**key_columns(token.tenant, token.holder), "owner": owner, "until": until})


def renew_lease(db: Database, token: Token, owner: str, until: int) -> bool:
    """Prolongs our lease; False when it is another one's by now, or the token was replaced."""
    return db.execute("renew_lease", {**_generation(token), "owner": owner, "until": until}) == 1


def release_lease(db: Database, token: Token, owner: str) -> None:
    """Releases our lease, when Slack was not asked."""
    db.execute("release_lease", {**key_columns(token.tenant, token.holder), "owner": owner})


def postpone_refresh(db: Database, token: Token, owner: str, due_at: int) -> None:
    """Releases our lease, and lets nobody refresh the token before that time."""
    db.execute("postpone_refresh", {**_generation(token), "owner": owner, "due_at": due_at})


def replace_pair(db: Database, token: Token, pair: SealedPair, now: int) -> bool:
    """Replaces the pair that a refresh came from; returns False when that one is gone."""
    return db.execute("replace_pair", {**_generation(token), **_values(pair), "now": now}) == 1


def reseal(db: Database, token: Token, access: Sealed | None, refresh: Sealed | None) -> None:
    """Replaces secrets of a generation by the same under other data keys; None leaves what is there."""
    parameters = {**_generation(token), "access": sealed_column(access), "refresh": sealed_column(refresh)}
    db.execute("reseal_token", parameters)


def reseal_access(db: Database, token: Token, access: Sealed) -> None:
    """Replaces the access token of a generation by the same under another data key."""
    reseal(db, token, access, None)


def reseal_refresh(db: Database, token: Token, refresh: Sealed) -> None:
    """Replaces the refresh token of a generation by the same under another data key."""
    reseal(db, token, None, refresh)


def set_fingerprints(db: Database, token: Token, fingerprints: Fingerprints) -> bool:
    """Stores the fingerprints of this generation of the token; False when it was replaced."""
    return db.execute("set_fingerprints", {**_generation(token), **_fingerprint_columns(fingerprints)}) == 1


def fill_fingerprints(db: Database, token: Token, fingerprints: Fingerprints) -> bool:
    """Stores them where this generation has none yet; False where it has, or was replaced."""
    return db.execute("fill_fingerprints", {**_generation(token), **_fingerprint_columns(fingerprints)}) == 1


def find_fingerprint(db: Database, token: Token) -> bytes | None:
    """Finds the fingerprint of this generation's access token; None where it has none yet, or was replaced."""
    row = db.one("find_fingerprint", _generation(token))
    return row["access_fingerprint"] if row is not None else None


def find_by_fingerprint(db: Database, fingerprint: bytes) -> list[Token]:
    """Finds the tokens with that fingerprint: of the access token, or of the refresh token."""
    return _find_each(db, db.many("tokens_by_fingerprint", {"fingerprint": fingerprint}))


def list_without_fingerprint(db: Database, after: Token | None, limit: int) -> list[Token]:
    """Lists tokens that have none yet, in the order of their keys, from the one after `after` on."""
    start = key_columns(after.tenant, after.holder) if after is not None else key_columns(NO_TENANT, BOT)
    return _find_each(db, db.many("tokens_without_fingerprint", {**start, "most": limit}))


def count_without_fingerprint(db: Database) -> int:
    """Counts tokens that have none yet."""
    return count_rows(db, "count_without_fingerprint", {})


def mark_refresh_refused(db: Database, token: Token, owner: str, reason: str) -> bool:
    """Slack refused the refresh token: no further refresh of this generation; False when the lease is not ours."""
    return db.execute("mark_refresh_refused", {**_generation(token), "owner": owner, "reason": reason}) == 1


def mark_dead(db: Database, token: Token, reason: str) -> bool:
    """Marks this generation of the token dead; returns False when it was replaced."""
    return db.execute("mark_token_dead", {**_generation(token), "reason": reason}) == 1


def save_pause(db: Database, paused: Token) -> None:
    """Notes what the token says of its pause."""
    parameters = {
        **_generation(paused),
        "reason": paused.reason,
        "refused_since": paused.refused_since,
        "refused_at": paused.refused_at,
        "paused_until": paused.paused_until,
        "contradicted": paused.contradicted,
    }
    db.execute("pause_token", parameters)


def clear_pause(db: Database, token: Token) -> bool:
    """Slack serves this generation of the token again; False when nothing was known against it."""
    return db.execute("resume_token", _generation(token)) == 1


def clear_pauses(db: Database) -> int:
    """Makes every token that pauses due; returns how many."""
    return db.execute("clear_pauses", {})


def list_pause_ended(db: Database, now: int, latest: int, limit: int) -> list[Tenant]:
    """The tenants with a token whose pause is over; one that ends after `latest` is none."""
    parameters = {"now": now, "latest": latest, "most": limit}
    return [read_tenant(row) for row in db.many("paused_tenants", parameters)]


def count_paused(db: Database) -> int:
    """Counts tokens that Slack refuses and that are not dead."""
    return count_rows(db, "count_paused", {})


def set_freeze(
    db: Database, tenant: Tenant, holder: Holder, freeze: TokenFreeze, *, expected: TokenFreeze, now: int
) -> bool:
    """Stops that one token, or ends its stop; False where it is not stopped as expected, or not there."""
    change = {"freeze": str(freeze), "expected": str(expected), "now": now}
    return db.execute("freeze_token", {**key_columns(tenant, holder), **change}) == 1


def find_freeze(db: Database, tenant: Tenant, holder: Holder) -> TokenFreeze:
    """Finds why that one token is stopped."""
    row = db.one("find_token_freeze", key_columns(tenant, holder))
    return _FREEZES[row["freeze"]] if row is not None else TokenFreeze.NONE


def find_end(db: Database, tenant: Tenant, holder: Holder) -> int | None:
    """Finds since when that token is being ended, in Unix seconds; None where it is not."""
    row = db.one("find_token_freeze", key_columns(tenant, holder))
    is_ending = row is not None and row["freeze"] == TokenFreeze.ENDING
    return int(row["freeze_at"]) if row is not None and is_ending else None


def list_ending(db: Database, after: Token | None, limit: int) -> list[Token]:
    """Lists tokens that are being ended, in the order of their keys, from the one after `after` on."""
    start = key_columns(after.tenant, after.holder) if after is not None else key_columns(NO_TENANT, BOT)
    return _find_each(db, db.many("ending_tokens", {**start, "most": limit}))


def delete(db: Database, tenant: Tenant, holder: Holder) -> bool:
    """Deletes one token."""
    return db.execute("delete_token", key_columns(tenant, holder)) == 1


def delete_users(db: Database, tenant: Tenant) -> int:
    """Deletes the tokens of all users; returns how many."""
    return db.execute("delete_user_tokens", tenant_columns(tenant))


def has_long_lived(db: Database) -> bool:
    """Tells whether any tenant has a token in use that does not rotate."""
    return db.one("has_long_lived", {}) is not None


def list_due(db: Database, now: int, steady: int, limit: int, *, provider: str = SLACK_PROVIDER) -> list[Token]:
    """A provider's due tokens of active tenants, that nobody refreshes just now, the oldest first.

    One of each tenant before a second of any: many of one tenant that never succeed leave the others their turn.
    """
    parameters = {"now": now, "steady": steady, "latest": steady + MAX_WAIT, "most": limit, "provider": provider}
    return [_token(row) for row in db.many("due_tokens", parameters)]


def reset_future_dates(db: Database, now: int, latest: int) -> int:
    """Makes due what a clock that was ahead has issued or postponed; returns how many tokens.

    Issued later than `latest` is in the future. Postponed are those that wait longer than they live, and longer than
    anything is postponed.
    """
    return db.execute("bring_tokens_forward", {"now": now, "latest": latest, "longest": now + MAX_WAIT})


def list_long_lived(db: Database) -> list[Token]:
    """Tokens of active tenants that do not rotate."""
    return [_token(row) for row in db.many("long_lived_tokens", {})]


def set_scopes(db: Database, token: Token, scopes: tuple[str, ...]) -> bool:
    """Stores what Slack says now that the token may do; False when that was known."""
    return db.execute("set_token_scopes", {**_generation(token), "scopes": ",".join(scopes)}) == 1


def count_by_status(db: Database) -> dict[TokenStatus, int]:
    """Counts tokens by status."""
    return {_STATUSES[row["status"]]: row["found"] for row in db.many("count_tokens_by_status", {})}


def count(db: Database, tenant: Tenant) -> int:
    """Counts the tenant's tokens."""
    return count_rows(db, "count_tokens", tenant_columns(tenant))


def _find_each(db: Database, rows: Sequence[Row]) -> list[Token]:
    found = (find(db, read_tenant(row), read_holder(row)) for row in rows)
    return [token for token in found if token is not None]


def _generation(token: Token) -> dict[str, object]:
    """Names this generation of a token: what was stored since, by a refresh or a new grant, is another one."""
    return {
        **key_columns(token.tenant, token.holder),
        "generation": token.generation,
        "granted_at": token.granted_at,
    }


def _values(pair: SealedPair) -> dict[str, object]:
    return {
        "access": pair.access.blob,
        "refresh": sealed_column(pair.refresh),
        "expires_at": pair.expires_at,
        "due_at": pair.due_at,
        "scopes": ",".join(pair.scopes),
        **_fingerprint_columns(pair.fingerprints),
    }


def _fingerprint_columns(fingerprints: Fingerprints) -> dict[str, object]:
    return {"access_fingerprint": fingerprints.access, "refresh_fingerprint": fingerprints.refresh}


def _token(row: Row) -> Token:
    return read_token(read_tenant(row), read_holder(row), tuple(row)[4:])


def read_token(tenant: Tenant, holder: Holder, columns: Sequence[Any]) -> Token:
    """Reads it from the values of its columns, in the order of the noun's fields."""
    generation, access, refresh, scopes, *times, status = columns[:9]
    sealed = Sealed(access), read_sealed(refresh)
    found = (tenant, holder, generation, *sealed, split_scopes(scopes), *times, _STATUSES[status], *columns[9:])
    return Token._make(found)
