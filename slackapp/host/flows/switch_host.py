"""Switches the host side off, for an organization or for everybody, and on again; the next request knows.

Off, nothing is begun and nothing posted. What ends something goes on: to disconnect, to offboard, to freeze, to delete
an organization, and to give back what Slack has granted.
"""

from slackapp.flows.app import App
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller
from slackapp.host.rows import HostAuditEvent, HostAuditRecord
from slackapp.host.store import switches
from slackapp.host.store.switches import EVERYBODY, Switch
from slackapp.model import Actor, AuditEntry

__all__ = ["EVERYBODY", "disable", "enable", "is_enabled", "list_remaining", "require_enabled"]


def disable(app: App, organization: str, actor: Actor, now: int) -> bool:
    """Switches an organization off, known or not, or `EVERYBODY`; False where that is so. Raises StoreError."""
    with app.db.transaction():
        is_new = switches.disable(app.db, organization, actor, now)
        if is_new:
            app.vault.append(_entry(HostAuditEvent.HOST_DISABLED, organization, actor, now))
    return is_new


def enable(app: App, organization: str, actor: Actor, now: int) -> bool:
    """Ends that switch, and no other; False where there is none. Raises StoreError."""
    with app.db.transaction():
        is_over = switches.enable(app.db, organization)
        if is_over:
            app.vault.append(_entry(HostAuditEvent.HOST_ENABLED, organization, actor, now))
    return is_over


def list_remaining(app: App, organization: str) -> list[Switch]:
    """Lists the switches that keep the organization off, or anybody for `EVERYBODY`. Raises StoreError."""
    held = switches.list_all(app.db)
    return [each for each in held if each.is_of_everybody or organization in (EVERYBODY, each.organization_id)]


def is_enabled(app: App, organization: str, is_disabled: bool | None = None) -> bool:
    """Tells whether anything may be begun for the organization now. Raises StoreError.

    `is_disabled` is what its switch says, where somebody has looked in this request.
    """
    settings = app.settings
    # claim: C-220
    if settings.host_organizations and organization not in settings.host_organizations:
        return False
    if is_disabled is None:
        is_disabled = switches.is_disabled(app.db, organization)
    return settings.integration_enabled and not is_disabled


def require_enabled(app: App, caller: HostCaller) -> None:
    """Raises HostRefused where it is off for the caller's organization, and StoreError."""
    # claim: C-149
    if not is_enabled(app, caller.organization, caller.is_disabled):
        raise HostRefused(HostRefusal.DISABLED, actor=caller)


def _entry(event: HostAuditEvent, organization: str, actor: Actor, now: int) -> AuditEntry:
    entry = AuditEntry(at=now, event=event, actor=actor)
    if organization == EVERYBODY:
        return entry
    return entry._replace(record_kind=HostAuditRecord.ORGANIZATION, record_id=organization)
