"""`POST /slack/events`: stores an event, on the disk, before it is acknowledged. The signature has been verified.

What is acknowledged survives a crash; what came before is acknowledged again and has no second effect. Nothing is
called from here: Slack wants its answer within 3 seconds (docs.slack.dev/apis/events-api).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from slackapp.checks import event_envelope, tenant_of
from slackapp.checks.event_envelope import Envelope
from slackapp.checks.json_body import parse_json
from slackapp.checks.lifecycle import LIFECYCLE_TYPES
from slackapp.checks.own_events import is_own_event
from slackapp.crypto import envelope, records
from slackapp.errors import KeyMissingError, Refusal, Refused, StoreBusyError
from slackapp.flows.app import App
from slackapp.flows.keys.tenant_keys import MAX_TRIES, refuse_on_key_error
from slackapp.flows.removal import judge_revocation
from slackapp.flows.tokens import bot_identity
from slackapp.model import (
    NO_TENANT,
    Actor,
    AuditEntry,
    AuditEvent,
    AuditRecord,
    AuditResult,
    EventOutcome,
    InstallationStatus,
    RecordKind,
    Tenant,
)
from slackapp.store import inbox, installations, oauth_states, queue
from slackapp.store.inbox import IncomingEvent

_EXCHANGE_SECONDS = 30
_RETRY_AFTER = 5


def run(app: App, raw_body: bytes, actor: Actor, now: int) -> tuple[str | None, Tenant]:
    """Stores the event: None to acknowledge, or the challenge of Slack's handshake; and whose event it was.

    Raises Refused.
    """
    # 1. parse the body, now that its signature holds
    body = parse_json(raw_body)
    # 2. answer the handshake
    challenge = event_envelope.challenge_of(body)
    if challenge is not None:
        return challenge, NO_TENANT
    # 3. it is for our app
    # claim: C-70
    if not event_envelope.is_for_app(body, app.settings.app_id):
        app.vault.append_committed(
            AuditEntry(at=now, event=AuditEvent.EVENT_FOREIGN_APP, actor=actor, result=AuditResult.IGNORED)
        )
        _count(app, "foreign", EventOutcome.FOREIGN_APP)
        return None, NO_TENANT
    if body.get("type") == "app_rate_limited":
        _count(app, "app_rate_limited", EventOutcome.NOTED)
        return None, NO_TENANT
    read = event_envelope.read_envelope(body)
    # 4. find the tenant, from the verified body alone
    # 5. keep the event, once; an uninstall or a revocation takes effect
    outcome, tenant = _store_or_apply(app, body, read, raw_body, actor=actor, now=now)
    if outcome == EventOutcome.UNKNOWN:
        _unknown_tenant(app, body, read.type in LIFECYCLE_TYPES, actor, now=now)
    # 6. acknowledge
    _count(app, read.type if read.type in app.behaviour or read.type in LIFECYCLE_TYPES else "other", outcome)
    return None, tenant


def _store_or_apply(
    app: App, body: Mapping[str, Any], read: Envelope, raw_body: bytes, actor: Actor, now: int
) -> tuple[EventOutcome, Tenant]:
    if read.type in LIFECYCLE_TYPES:
        tenant = tenant_of.tenant_of_lifecycle(body)
        if tenant is None:
            raise Refused(Refusal.EVENT)
        return judge_revocation.receive(app, _incoming(read, tenant, actor), read.event, actor, now=now), tenant
    installation = installations.find_first(app.db, tenant_of.tenants_of_event(body))
    # claim: C-70
    if installation is None or installation.status == InstallationStatus.PURGING:
        return EventOutcome.UNKNOWN, NO_TENANT
    tenant = installation.tenant
    if read.type == "grid_migration_finished":
        installations.request_check(
            app.db, installation.tenant
        )  # it belongs to an enterprise now; the next check asks to which
    if read.type not in app.behaviour:
        return EventOutcome.UNHANDLED, tenant  # not even kept: nobody would do anything with it
    # claim: C-70
    if is_own_event(read.event, bot_identity.stored_identity(app, installation)):
        return EventOutcome.OWN, tenant
    if installation.status == InstallationStatus.SUSPENDED:
        raise Refused(Refusal.KEY_REVOKED, tenant=tenant)
    arrival = _incoming(read, tenant, actor)
    with refuse_on_key_error(app, sealing_entry(arrival, actor, now)):
        return store_event(app, arrival, raw_body, now), tenant


def _incoming(read: Envelope, tenant: Tenant, actor: Actor) -> IncomingEvent:
    return IncomingEvent(read.event_id, tenant, read.type, read.event_time, trace_id=actor.request_id or "")


def sealing_entry(arrival: IncomingEvent, actor: Actor, now: int) -> AuditEntry:
    """Makes the audit's entry for a body that cannot be sealed."""
    return AuditEntry(
        at=now,
        event=AuditEvent.TOKEN_UNAVAILABLE,
        actor=actor,
        tenant=arrival.tenant,
        record_kind=AuditRecord.EVENT,
        record_id=arrival.event_id,
    )


def store_event(app: App, arrival: IncomingEvent, raw_body: bytes, now: int) -> EventOutcome:
    """Seals it and puts it into the inbox: `kept`, `repeat`, or `unknown` for a tenant that has just gone.

    Raises Refused for one that is too large, StoreError, and what the keys' provider raises.
    """
    # claim: C-65
    if len(raw_body) > records.LIMITS[RecordKind.EVENT_BODY]:
        raise Refused(Refusal.TOO_LARGE, tenant=arrival.tenant)  # a form grows when it is written as JSON
    for _ in range(MAX_TRIES):
        try:
            body = app.keyring.seal(records.event_body_context(arrival.tenant, arrival.event_id), raw_body)
        except KeyMissingError:
            return EventOutcome.UNKNOWN  # purged just now
        key_id = envelope.key_id_of(body.blob)
        # claim: C-46
        if app.db.commit_in_group(partial(inbox.add_event, app.db, arrival, body, key_id=key_id, now=now)):
            app.wake_worker()
            return EventOutcome.STORED
        # claim: C-47
        if queue.is_known(app.db, inbox.QUEUE, arrival.tenant, arrival.event_id):
            return EventOutcome.REPEAT
        app.keyring.evict(arrival.tenant)  # purged, or given other keys, since we sealed
    raise StoreBusyError("the tenant's keys kept changing")


def _unknown_tenant(app: App, body: Mapping[str, Any], lifecycle: bool, actor: Actor, now: int) -> None:
    """Refused, so that Slack sends it again, where it may be the tenant that is being installed this very second."""
    under_way = oauth_states.has_open_exchange(app.db, now - _EXCHANGE_SECONDS)
    # Looked up again after that: an install that ended between the first look-up and now is seen by one of the two.
    # claim: C-54
    if under_way or _is_active(app, body, lifecycle):
        raise Refused(Refusal.INSTALLING, retry_after=_RETRY_AFTER)
    if app.throttle.allows("event.unknown_tenant", now):
        app.vault.append_committed(
            AuditEntry(at=now, event=AuditEvent.EVENT_UNKNOWN_TENANT, actor=actor, result=AuditResult.IGNORED)
        )


def _is_active(app: App, body: Mapping[str, Any], lifecycle: bool) -> bool:
    named = tenant_of.tenant_of_lifecycle(body)
    candidates = tenant_of.tenants_of_event(body) if not lifecycle else (named,) if named is not None else ()
    found = installations.find_first(app.db, candidates)
    return found is not None and found.status == InstallationStatus.ACTIVE


def _count(app: App, event_type: str, outcome: EventOutcome) -> None:
    app.metrics.count("slackapp_events_total", {"type": event_type, "result": outcome})
