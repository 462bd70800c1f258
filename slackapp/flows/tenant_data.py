"""Steps over all that is stored of a tenant, as the circles have registered it.

What goes with the keys, in one transaction, is little. The rest goes in portions, each a transaction of its own, so
that nobody waits for the database however much there is. In between the tenant may be installed again: its first
transaction erases what is left by then, and no portion touches a tenant that is there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from slackapp.flows.app import App, SealedRecord
from slackapp.model import Holder, InstallationStatus, Sealed, Tenant, Token
from slackapp.store import installations

SEALED = "sealed"
"""What an export says of a value that only the tenant's keys open."""


class RemainsError(Exception):
    """Much that an unfinished purge has left: `erase_rest`, and try again."""


def set_status(
    app: App, tenant: Tenant, expected: InstallationStatus, status: InstallationStatus, reason: str = ""
) -> bool:
    """Moves an installation to another status, as `installations.set_status`, with what follows from it elsewhere."""
    if not installations.set_status(app.db, tenant, expected, status, reason=reason):
        return False
    for data in app.tenant_data:
        data.status_changed(app.db, tenant, status, app.clock())
    return True


def find_holders(app: App, tenant: Tenant, user_ids: Sequence[str]) -> frozenset[Holder]:
    """Finds holders of the circles' own whose tokens Slack has given to these users."""
    return frozenset(each for data in app.tenant_data for each in data.find_holders(app.db, tenant, user_ids))


def note_end(app: App, token: Token, code: str | None) -> None:
    """Lets circles follow a token that is dead, or erased for None, in the transaction that makes it so."""
    for data in app.tenant_data:
        data.token_ended(app.db, token, code, app.clock())


def erase(app: App, tenant: Tenant, now: int) -> int:
    """Erases what must go at once, inside the transaction that decides on it; returns how many rows."""
    return sum(data.erase(app.db, tenant, now) for data in app.tenant_data)


def erase_rest(app: App, tenant: Tenant, now: int) -> None:
    """Erases the rest of a tenant that is not installed, in portions."""
    while erase_portion(app, tenant, now):
        pass


def erase_portion(app: App, tenant: Tenant, now: int) -> int:
    """Erases a portion in a transaction of its own; returns how many rows, and 0 where the tenant is installed."""
    with app.db.transaction():
        return _erase_portion(app, tenant, now)


def erase_remains(app: App, tenant: Tenant, now: int) -> None:
    """Erases what an unfinished purge has left, inside the transaction that installs the tenant anew.

    No more than a portion, for others wait meanwhile. Raises RemainsError where there is more.
    """
    # claim: C-121
    if _erase_portion(app, tenant, now) and _erase_portion(app, tenant, now):
        raise RemainsError


def erase_whole(app: App, tenant: Tenant, now: int) -> None:
    """Erases a tenant whole, inside a transaction, in a copy of the database that nobody else uses."""
    # claim: C-63
    erase(app, tenant, now)
    # claim: C-63
    while _erase_portion(app, tenant, now):
        pass


def _erase_portion(app: App, tenant: Tenant, now: int) -> int:
    # claim: C-121
    if installations.find(app.db, tenant) is not None:
        return 0
    portions = (data.erase_portion(app.db, tenant, now) for data in app.tenant_data)
    return next((erased for erased in portions if erased), 0)


def count(app: App, tenant: Tenant) -> int:
    """Counts the rows that hold anything of the tenant but ids."""
    return sum(data.count(app.db, tenant) for data in app.tenant_data)


def count_stray(app: App) -> dict[str, int]:
    """Counts by name what is stored of tenants that are not installed."""
    installed = {installation.tenant for installation in installations.list_all(app.db)}
    return {
        data.name: sum(data.count(app.db, tenant) for tenant in set(data.list_tenants(app.db)) - installed)
        for data in app.tenant_data
        if not data.kept_because
    }


def sealed_records(app: App, tenant: Tenant) -> Iterator[SealedRecord]:
    """Yields every sealed value of a tenant."""
    for data in app.tenant_data:
        yield from data.sealed_records(app.db, tenant)


def export_fields(noun: NamedTuple) -> Mapping[str, object]:
    """Names the fields of a stored noun for an export, without the tenant, and with nothing that is sealed."""
    return {name: _plain(value) for name, value in noun._asdict().items() if not isinstance(value, Tenant)}


def _plain(value: object) -> object:
    if isinstance(value, Sealed | bytes):
        return SEALED
    return str(value) if isinstance(value, Holder) else value
