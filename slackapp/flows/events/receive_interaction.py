"""`POST /slack/commands` and `/slack/interactivity`: stores what a user did, on the disk, and acknowledges it.

All work is the inbox's: Slack wants its answer within 3 seconds, and the user gets theirs by the response_url; the
options of a menu alone are in the answer itself. These requests carry no id of their own; that one comes twice shows by
its signature, which is over the time, too.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from slackapp.checks import interaction, tenant_of
from slackapp.checks.interaction import Interaction
from slackapp.checks.json_body import parse_json
from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.events import offer_options, receive_event
from slackapp.flows.events.receive_event import ReceivedEvent
from slackapp.model import (
    NO_TENANT,
    Actor,
    AuditEntry,
    AuditEvent,
    AuditResult,
    EventOutcome,
    Installation,
    InstallationStatus,
    Tenant,
)
from slackapp.store import installations
from slackapp.store.inbox import IncomingEvent

UNKNOWN_COMMAND = "I do not know that command. If I was just updated, please try again in a minute."
NOT_INSTALLED = "This app is not installed here any more. Please ask an admin to install it again."
_IMMEDIATE_ANSWERS = {EventOutcome.UNKNOWN: NOT_INSTALLED, EventOutcome.UNHANDLED: UNKNOWN_COMMAND}
Candidates = Callable[[Mapping[str, Any]], tuple[Tenant, ...]]


def receive_command(
    app: App, form: Mapping[str, str], signature: bytes, actor: Actor, now: int
) -> tuple[str | None, Tenant]:
    """Stores a command; returns what to say at once, None where the answer comes later, and whose it is.

    Raises Refused.
    """
    found = interaction.read_command(form, app.settings.app_id)
    outcome, tenant = _receive(app, found, tenant_of.tenants_of_command, signature, actor=actor, now=now)
    return _IMMEDIATE_ANSWERS.get(outcome), tenant


def receive_interaction(
    app: App, form: Mapping[str, str], signature: bytes, actor: Actor, now: int
) -> tuple[Mapping[str, Any] | None, Tenant]:
    """Stores an interaction, or returns the options of a menu, None for all that is acknowledged; and whose it is.

    Raises Refused.
    """
    found = interaction.read_interaction(form, app.settings.app_id)
    if found is not None and found.key.startswith(interaction.OPTIONS_PREFIXES):
        return _offer(app, found)
    return None, _receive(app, found, tenant_of.tenants_of_interaction, signature, actor=actor, now=now)[1]


def _offer(app: App, found: Interaction) -> tuple[Mapping[str, Any], Tenant]:
    installation = installations.find_first(app.db, tenant_of.tenants_of_interaction(found.fields))
    if installation is None or installation.status == InstallationStatus.PURGING:
        _count(app, EventOutcome.UNKNOWN, NO_TENANT)
        raise Refused(Refusal.NOT_INSTALLED)
    try:
        options = offer_options.run(app, installation, found)
    except Refused:
        _count(app, EventOutcome.NO_OPTIONS, installation.tenant)
        raise
    return options, _count(app, EventOutcome.OPTIONS, installation.tenant)[1]


def _receive(
    app: App, found: Interaction | None, candidates: Candidates, signature: bytes, actor: Actor, now: int
) -> tuple[EventOutcome, Tenant]:
    """Stores it; returns what became of it, and whose it is."""
    if found is None:
        app.vault.append_committed(
            AuditEntry(at=now, event=AuditEvent.EVENT_FOREIGN_APP, actor=actor, result=AuditResult.IGNORED)
        )
        return _count(app, EventOutcome.FOREIGN_APP, NO_TENANT)
    installation = installations.find_first(app.db, candidates(found.fields))
    if installation is None or installation.status == InstallationStatus.PURGING:
        return _count(app, EventOutcome.UNKNOWN, NO_TENANT)
    if found.key not in app.behaviour:
        return _count(app, EventOutcome.UNHANDLED, installation.tenant)
    return _count(app, _keep(app, installation, found, signature, actor=actor, now=now), installation.tenant)


def _keep(
    app: App, installation: Installation, found: Interaction, signature: bytes, actor: Actor, now: int
) -> EventOutcome:
    if installation.status == InstallationStatus.SUSPENDED:
        raise Refused(Refusal.KEY_REVOKED, tenant=installation.tenant)
    event_id = event_id_of(signature)
    # An enterprise-wide token serves many workspaces; a command's team is always ours.
    team = found.fields.get("team_id")
    if not found.key.startswith("/"):
        team = tenant_of.acting_team_of_interaction(found.fields, installation.tenant)
    body = json.dumps({"event": dict(found.fields), "team_id": team}, separators=(",", ":")).encode()
    parsed = parse_json(
        body
    )  # as the worker will: what lies at the limit of depth is over it now, and could never be run
    arrival = IncomingEvent(event_id, installation.tenant, found.key, now, trace_id=actor.request_id or "")
    return receive_event.store_event(app, ReceivedEvent(arrival, body, parsed, installation), actor, now)


def event_id_of(signature: bytes) -> str:
    """Derives an event id from the signature: 144 bits, since the log would mask a longer one as a secret."""
    return f"sig-{hashlib.sha256(signature).hexdigest()[:36]}"


def _count(app: App, outcome: EventOutcome, tenant: Tenant) -> tuple[EventOutcome, Tenant]:
    app.metrics.count("slackapp_interactions_total", {"result": outcome})
    return outcome, tenant
