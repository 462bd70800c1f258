"""`POST /slack/events`: keeps an event, on the disk, before it is acknowledged. The signature has been verified.

What is acknowledged survives a crash; what came before is acknowledged again and has no second effect. Nothing is
called from here: Slack wants its answer within 3 seconds (docs.slack.dev/apis/events-api).
"""

from collections.abc import Mapping

from slackapp.checks import event_envelope, tenant_of
from slackapp.checks.event_envelope import Envelope
from slackapp.checks.json_body import parse_json
from slackapp.checks.lifecycle import LIFECYCLE_TYPES
from slackapp.crypto import envelope, records
from slackapp.errors import KeyMissingError, Refusal, Refused
from slackapp.flows import settle_revocation, trail
from slackapp.model import NO_TENANT, Installation, Origin, Tenant
from slackapp.ports import App
from slackapp.store import inbox, installations, oauth_states
from slackapp.store.inbox import Arrival

_EXCHANGE_SECONDS = 30
_RETRY_AFTER = 5
_JOINED = frozenset({"member_joined_channel", "member_left_channel"})


def run(app: App, raw_body: bytes, origin: Origin, now: int) -> str | None:
    """The challenge of Slack's handshake, to be sent back; None for an event to acknowledge. Raises Refused."""
    # 1. parse the body, now that its signature holds
    body = parse_json(raw_body)
    # 2. answer the handshake
    challenge = event_envelope.challenge_of(body)
    if challenge is not None:
        return challenge
    # 3. it is for our app
    if not event_envelope.is_for_app(body, app.settings.app_id):
        trail.note_alone(app, "event.foreign_app", NO_TENANT, origin, "ignored", "", now)
        _count(app, "foreign", "foreign_app")
        return None
    if body.get("type") == "app_rate_limited":
        _count(app, "app_rate_limited", "noted")
        return None
    read = event_envelope.read_envelope(body)
    # 4. find the tenant, from the verified body alone
    if read.type in LIFECYCLE_TYPES:
        named = tenant_of.tenant_of_lifecycle(body)
        outcome = _lifecycle(app, read, named, raw_body, origin, now)
    else:
        installation = installations.find_first(app.db, tenant_of.tenants_of_event(body))
        outcome = _ordinary(app, read, installation, raw_body, now)
    if outcome == "unknown":
        _unknown_tenant(app, origin, now)
    # 6. acknowledge
    _count(app, read.type if read.type in app.behaviour or read.type in LIFECYCLE_TYPES else "other", outcome)
    return None


def _ordinary(app: App, read: Envelope, installation: Installation | None, raw_body: bytes, now: int) -> str:
    if installation is None or installation.status == "purging":
        return "unknown"
    if read.type not in app.behaviour:
        return "unhandled"  # not even kept: nobody would do anything with it
    if _is_own(read, installation, app.settings.app_id):
        return "own"
    arrival = _sealed_arrival(app, read, installation.tenant, raw_body)
    if arrival is None:
        return "unknown"
    # 5. keep it, once
    with app.db.transaction():
        kept = inbox.receive(app.db, arrival, now)
    if kept:
        app.wake_worker()
    return "kept" if kept else "repeat"


def _lifecycle(app: App, read: Envelope, tenant: Tenant | None, raw_body: bytes, origin: Origin, now: int) -> str:
    if tenant is None:
        raise Refused(Refusal.EVENT)
    arrival = _sealed_arrival(app, read, tenant, raw_body)
    if arrival is None:
        return "unknown"
    return settle_revocation.receive(app, arrival, read.event, origin, now)


def _sealed_arrival(app: App, read: Envelope, tenant: Tenant, raw_body: bytes) -> Arrival | None:
    try:
        sealed = app.keyring.seal(records.body_of(tenant, read.event_id), raw_body)
    except KeyMissingError:
        return None  # no keys: not installed, or purged just now
    return Arrival(read.event_id, tenant, read.type, read.event_time, sealed, envelope.key_id_of(sealed.blob))


def _is_own(read: Envelope, installation: Installation, app_id: str) -> bool:
    """The app's own doings come back as events; answering those would make it answer itself for ever."""
    if read.type in _JOINED:
        return False
    profile = read.event.get("bot_profile")
    by_app = read.event.get("app_id") or (profile.get("app_id") if isinstance(profile, Mapping) else None)
    user = read.event.get("user")
    return by_app == app_id or (bool(installation.bot_user_id) and user == installation.bot_user_id)


def _unknown_tenant(app: App, origin: Origin, now: int) -> None:
    if oauth_states.exchange_under_way(app.db, now - _EXCHANGE_SECONDS):
        # It may be the tenant that is being installed this very second: Slack is to send it again.
        raise Refused(Refusal.INSTALLING, retry_after=_RETRY_AFTER)
    if app.once.first("event.unknown_tenant", now):
        trail.note_alone(app, "event.unknown_tenant", NO_TENANT, origin, "ignored", "", now)


def _count(app: App, event_type: str, result: str) -> None:
    app.metrics.count("slackapp_events_total", {"type": event_type, "result": result})
