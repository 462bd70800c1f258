"""Templates of an organization: what is saved can be filled in, and nobody else can use it."""

from collections.abc import Mapping
from typing import Any

from slackapp.flows.app import App
from slackapp.host.checks.message_template import fill_in, find_variables
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostCaller
from slackapp.host.rows import HostAuditEvent, HostAuditRecord, OrganizationPart
from slackapp.host.store.messaging import templates
from slackapp.host.store.messaging.templates import Template
from slackapp.model import AuditEntry

MAX_TEMPLATES = 100


def require(app: App, caller: HostCaller, name: str, field: str | None = None) -> Template:
    """Finds a template of the caller's organization. Raises HostRefused."""
    found = templates.find(app.db, caller.organization, name)
    # claim: C-323
    if found is None:
        raise HostRefused(HostRefusal.NOT_THERE, field=field)
    return found


def save(app: App, caller: HostCaller, name: str, fields: Mapping[str, Any], now: int) -> Template:
    """Saves the fields of a template under that name. Raises HostRefused."""
    find_variables(fields)
    with app.db.transaction():
        known = templates.find(app.db, caller.organization, name)
        # claim: C-322
        if known is None and templates.count(app.db, caller.organization) >= MAX_TEMPLATES:
            raise HostRefused(HostRefusal.TEMPLATES, actor=caller)
        created_at = known.created_at if known is not None else now
        made = Template(name, fields, caller.id or "", created_at=created_at, updated_at=now)
        if not templates.save(app.db, caller.organization, made):
            raise HostRefused(HostRefusal.ORGANIZATION_REMOVED, actor=caller)
        _note(app, caller, now)
    return made


def delete(app: App, caller: HostCaller, name: str, now: int) -> None:
    """Deletes a template; what was accepted with it goes out as it is. Raises HostRefused."""
    with app.db.transaction():
        if not templates.delete(app.db, caller.organization, name):
            raise HostRefused(HostRefusal.NOT_THERE)
        _note(app, caller, now)


def fill(app: App, caller: HostCaller, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Fills a template in; returns the fields for Slack, whose lengths are not checked yet. Raises HostRefused."""
    return fill_in(require(app, caller, name, field="template").content, values)


def _note(app: App, caller: HostCaller, now: int) -> None:
    entry = AuditEntry(at=now, event=HostAuditEvent.ORGANIZATION_CHANGED, actor=caller)
    kind = HostAuditRecord.ORGANIZATION
    # claim: C-324
    app.vault.append(entry._replace(detail=OrganizationPart.TEMPLATES, record_kind=kind, record_id=caller.organization))
