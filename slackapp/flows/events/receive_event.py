"""`POST /slack/events`: stores an event, on the disk, before it is acknowledged. The signature has been verified.

What is acknowledged survives a crash; what came before is acknowledged again and has no second effect. Nothing is
called from here: Slack wants its answer within 3 seconds (docs.slack.dev/apis/events-api).

Where a thread of this process is to run it, the row is claimed by the very statement that stores it, and handed over
with what was read and opened of it; else it waits in the inbox for whoever looks there.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from slackapp.checks import event_envelope, tenant_of
from slackapp.checks.event_envelope import Envelope
from slackapp.checks.json_body import parse_json
from slackapp.checks.lifecycle import LIFECYCLE_TYPES
from slackapp.checks.own_events import is_own_event
from slackapp.crypto import envelope, records
from slackapp.errors import KeyMissingError, Refusal, Refused, StoreBusyError
from slackapp.flows.app import App, TenantEvent
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
    Installation,
    InstallationStatus,
    QueueKind,
    RecordKind,
    Sealed,
    Tenant,
)
from slackapp.runtime.hand_off import ClaimedEvent
from slackapp.store import inbox, installations, oauth_states, queue
from slackapp.store.inbox import IncomingEvent
from slackapp.store.queue import Run

_EXCHANGE_SECONDS = 30
_RETRY_AFTER = 5
_JOINS_ENTERPRISE = "grid_migration_finished"


class ReceivedEvent(NamedTuple):
    """Event as it is kept and as it is run, with its installation as far as that is remembered."""

    arrival: IncomingEvent
    raw_body: bytes
    body: Mapping[str, Any]
    installation: Installation


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
    installation = _find_installation(app, tenant_of.tenants_of_event(body))
    # claim: C-70
    if installation is None or installation.status == InstallationStatus.PURGING:
        return EventOutcome.UNKNOWN, NO_TENANT
    tenant = installation.tenant
    if read.type == _JOINS_ENTERPRISE:
        installations.request_check(app.db, tenant)  # the next check asks to which
    is_own = is_own_event(read.event, bot_identity.stored_identity(app, installation))
    receivers = app.event_receivers.get(read.type, ())
    for receive in receivers:
        receive(app, TenantEvent(tenant, read.type, read.event, is_own), now)
    if read.type not in app.behaviour:
        # not even kept: nobody would do anything more with it
        return EventOutcome.NOTED if receivers else EventOutcome.UNHANDLED, tenant
    # claim: C-70
    if is_own:
        return EventOutcome.OWN, tenant
    if installation.status == InstallationStatus.SUSPENDED:
        raise Refused(Refusal.KEY_REVOKED, tenant=tenant)
    received = ReceivedEvent(_incoming(read, tenant, actor), raw_body, body, installation)
    return store_event(app, received, actor, now), tenant


def _find_installation(app: App, candidates: tuple[Tenant, ...]) -> Installation | None:
    """Finds whose an event is. What is remembered holds for the first candidate alone: the second is second choice.

    An active tenant that is remembered and gone meanwhile is found out when the event is sealed, or stored.
    """
    remembered = app.installation_cache.find(candidates[0]) if candidates else None
    if remembered is not None:
        return remembered
    found = installations.find_first(app.db, candidates)
    if found is not None and found.status == InstallationStatus.ACTIVE:
        app.installation_cache.put(found)
    return found


def _incoming(read: Envelope, tenant: Tenant, actor: Actor) -> IncomingEvent:
    return IncomingEvent(read.event_id, tenant, read.type, read.event_time, trace_id=actor.request_id or "")


def _sealing_entry(arrival: IncomingEvent, actor: Actor, now: int) -> AuditEntry:
    """Makes the audit's entry for a body that cannot be sealed."""
    return AuditEntry(
        at=now,
        event=AuditEvent.TOKEN_UNAVAILABLE,
        actor=actor,
        tenant=arrival.tenant,
        record_kind=AuditRecord.EVENT,
        record_id=arrival.event_id,
    )


def store_event(app: App, received: ReceivedEvent, actor: Actor, now: int) -> EventOutcome:
    """Seals it and puts it into the inbox: `kept`, `repeat`, or `unknown` for a tenant that has just gone.

    Raises Refused, also for one that is too large, and StoreError.
    """
    arrival = received.arrival
    # claim: C-65
    if len(received.raw_body) > records.LIMITS[RecordKind.EVENT_BODY]:
        raise Refused(Refusal.TOO_LARGE, tenant=arrival.tenant)  # a form grows when it is written as JSON
    with refuse_on_key_error(app, lambda: _sealing_entry(arrival, actor, now)):
        for _ in range(MAX_TRIES):
            try:
                body = app.keyring.seal(records.event_body_context(arrival.tenant, arrival.event_id), received.raw_body)
            except KeyMissingError:
                break  # purged just now
            key_id = envelope.key_id_of(body.blob)
            if _hand_over(app, received, body, now):
                return EventOutcome.STORED
            # claim: C-46
            if app.db.commit_in_group(partial(inbox.add_event, app.db, arrival, body, key_id=key_id, now=now)):
                app.wake_worker()
                return EventOutcome.STORED
            # claim: C-47
            if queue.is_known(app.db, inbox.QUEUE, arrival.tenant, arrival.event_id):
                return EventOutcome.REPEAT
            app.keyring.evict(arrival.tenant)  # purged, or given other keys, since we sealed
        else:
            raise StoreBusyError("the tenant's keys kept changing")
    app.installation_cache.evict(arrival.tenant)
    return EventOutcome.UNKNOWN


def _hand_over(app: App, received: ReceivedEvent, sealed: Sealed, now: int) -> bool:
    """Stores it as claimed by this process, and hands it over to a thread; False where it is not stored.

    There may be no place for it; or what is remembered of the tenant is old, or the event is a repeat: `add_event`
    tells.
    """
    arrival = received.arrival
    if not app.hand_off.reserve(arrival.tenant, len(received.raw_body)):
        return False
    run = Run(
        queue=inbox.QUEUE,
        event_id=arrival.event_id,
        kind=QueueKind.EVENT,
        tenant=arrival.tenant,
        type=arrival.type,
        named="",
        body=sealed,
        removes=False,
        attempts=1,
        event_time=arrival.event_time,
        received_at=now,
        lease_owner=f"{app.process_id}:{arrival.trace_id}",
        trace_id=arrival.trace_id,
    )
    steady, is_stored = app.clock.steady(), False

    def claim() -> bool:
        if not app.hand_off.is_open:  # since; the end has given back what was claimed, and gives nothing back twice
            return False
        return inbox.claim_event(app.db, arrival, sealed, received.installation, run=run, steady=steady)

    try:
        # claim: C-46
        is_stored = app.db.commit_in_group(claim)
    finally:
        if not is_stored:
            app.hand_off.release(arrival.tenant)
            app.installation_cache.evict(arrival.tenant)
    if is_stored:
        app.hand_off.put(ClaimedEvent(run, received.installation, received.body, steady))
    return is_stored


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
