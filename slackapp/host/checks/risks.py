"""Notes on what is risky about a connection, so that whoever reviews looks there first.

Stops:   an access that nobody needs, answers for, renews or looks at, from standing unseen beside those that are fine.
How:     pure, from the inventory's own columns and the methods that were used: unused for 90 days; a scope of which no
         method was ever used; nobody who answers; older than allowed; a token that never expires; one that Slack was
         not asked about for a week. What has ended has none.
Does not stop: an access that is used, for what it was not given for; the uses themselves tell of that.
Read:    OWASP Non-Human Identities Top 10 (2025): NHI1, NHI5, NHI7
"""

from collections.abc import Collection
from enum import StrEnum

from slackapp.checks.scope_reasons import methods_of
from slackapp.host.inventory import InventoryEntry

_DAY = 86_400
UNUSED_DAYS, UNCHECKED_DAYS = 90, 7


class Risk(StrEnum):
    """Risk of a connection."""

    UNUSED = "unused"  # for 90 days
    SCOPES_UNUSED = "scopes_unused"
    NO_OWNER = "no_owner"
    OVER_AGE = "over_age"
    LONG_LIVED_TOKEN = "long_lived_token"  # noqa: S105  (a word, no secret)
    UNCHECKED = "unchecked"  # Slack was not asked about it for a week


def find_risks(entry: InventoryEntry, used_methods: Collection[str], now: int) -> tuple[Risk, ...]:
    """Finds the risks of a connection, of which these methods were used."""
    if entry.revoked_at is not None:
        return ()
    unused_since = max(entry.last_used_at or 0, entry.installed_at)
    holds = {
        Risk.UNUSED: now - unused_since > UNUSED_DAYS * _DAY,
        Risk.SCOPES_UNUSED: bool(find_unused_scopes(entry.scopes, used_methods)),
        Risk.NO_OWNER: entry.owner_missing_at is not None or not entry.owner_id,
        Risk.OVER_AGE: entry.ends_at is not None and entry.ends_at < now,
        Risk.LONG_LIVED_TOKEN: entry.token_status is not None and not entry.rotates,
        Risk.UNCHECKED: now - (entry.last_validated_at or 0) > UNCHECKED_DAYS * _DAY,
    }
    # claim: C-366
    return tuple(risk for risk, is_there in holds.items() if is_there)


def find_unused_scopes(scopes: Collection[str], used_methods: Collection[str]) -> tuple[str, ...]:
    """Finds the scopes of which no method was used; one that serves no method is not judged."""
    found = []
    for scope in scopes:
        methods = methods_of(scope)
        is_used = any(each in methods or f"{each.partition('.')[0]}.*" in methods for each in used_methods)
        if methods and not is_used:
            found.append(scope)
    return tuple(found)
