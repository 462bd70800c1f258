"""Tells the host what has happened: each event at least once, and those of a connection in their order.

Stops:   an event that is lost because the host, or this process, was down; a host that is told of a removal before the
         connect it ends; a flood of attempts at a host that is down or asks for a pause.
How:     an event waits in the row that the feed shows, from the commit on that it tells of. A process claims, of each
         connection, the oldest that waits, and ends it once a 2xx has come; what fails is tried again after longer and
         longer times, for three days.
Does not stop: a host that is told twice, because the answer was lost: it knows the id.
Read:    github.com/standard-webhooks/standard-webhooks, spec 1.0.0
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from slackapp.errors import CommandError, ConfigError, TransactionOpenError
from slackapp.flows.app import App
from slackapp.host.checks.webhook_signature import signed_headers
from slackapp.host.flows.webhook.webhook_secrets import read_webhook_secrets
from slackapp.host.forms import about, time_of
from slackapp.host.rows import DeliveryStatus, HostAuditEvent, HostAuditRecord, HostEvent
from slackapp.host.store import deliveries
from slackapp.model import Actor, AuditEntry, Settings

ID_PREFIX = "evt_"
AT_ONCE = 4
"""Events that a process sends at a time."""
RETRY_AFTER = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
"""Seconds after each attempt that failed; the last one again and again."""
GIVE_UP_AFTER = 3 * 86_400
"""Seconds after the event, from which on a failure is the last one."""
_COOLDOWN = "host webhook"
_UNREACHABLE_WAIT, _LONGEST_WAIT = 5, 3600
"""Seconds for which a host that does not answer, or asks for a pause, is left alone."""
_GONE, _LIMITED = 410, (429, 502, 503, 504)


def find_sender(settings: Settings) -> Callable[[App, Callable[[], bool]], None] | None:
    """Finds what sends, where there is an address."""
    return run if settings.host_keys_file is not None and settings.host_webhook_url else None


def run(app: App, stopping: Callable[[], bool]) -> None:
    """Sends whatever is due, until nothing is. Raises StoreError."""
    while not _is_resting(app) and not stopping() and (due := _list_due(app)):
        # Read anew for each portion: a secret that was retired signs nothing from then on.
        try:
            secrets = read_webhook_secrets(app.settings)
        except ConfigError as error:
            _tell(app, str(error))
            return
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="host-events") as pool:
            list(pool.map(partial(_send, app, f"{app.process_id}:delivery", secrets), due))


def retry(app: App, number: int | None, actor: Actor) -> int:
    """Sends an event once more, or for None whatever was given up; how many. Raises CommandError."""
    with app.db.transaction():
        if number is None:
            found = deliveries.retry_given_up(app.db)
        else:
            found = int(deliveries.retry(app.db, number, app.clock.steady()))
            if not found:
                raise CommandError(f"{number}: there is no such event, or it is being sent just now")
        if found:
            entry = AuditEntry(at=app.clock(), event=HostAuditEvent.HOST_EVENT_RETRIED, actor=actor)
            about = str(number) if number is not None else ""
            app.vault.append(entry._replace(record_kind=HostAuditRecord.HOST_EVENT, record_id=about))
    return found


def event_id(event: HostEvent) -> str:
    """Makes the id that an event has for the host, the same for each attempt."""
    return f"{ID_PREFIX}{event.number}"


def event_body(event: HostEvent) -> bytes:
    """Makes the body: ids and closed words."""
    data = {"organizationId": event.organization_id, **about(event), "reason": event.detail or None}
    body = {"type": event.type, "timestamp": time_of(event.at), "data": data}
    return json.dumps(body, separators=(",", ":")).encode()


def _list_due(app: App) -> list[int]:
    return deliveries.list_due(app.db, now=app.clock(), steady=app.clock.steady(), most=AT_ONCE)


def _is_resting(app: App) -> bool:
    return app.cooldowns.seconds_left(_COOLDOWN, app.clock()) > 0


def _send(app: App, owner: str, secrets: tuple[bytes, ...], number: int) -> None:
    """Makes one attempt, and marks what came of it; nothing where another process makes it."""
    claimed = deliveries.claim(app.db, number, owner, app.clock.steady())
    if claimed is None:
        return
    event, attempt = claimed
    status, headers = _post(app, event, secrets)
    now = app.clock()
    if 200 <= status < 300:
        deliveries.end(app.db, number, owner, status=DeliveryStatus.DELIVERED, answer_status=status)
        return
    rest = _rest(status, headers)
    app.cooldowns.start(_COOLDOWN, rest, now)
    _tell(app, f"the host answers {status}" if status else "the host does not answer")
    # claim: C-278
    if status == _GONE or now - event.at >= GIVE_UP_AFTER:
        deliveries.end(app.db, number, owner, status=DeliveryStatus.GIVEN_UP, answer_status=status)
        app.log.error("host_event_given_up", {"event": event_id(event), "status": status})
        return
    wait = RETRY_AFTER[min(attempt, len(RETRY_AFTER)) - 1]
    wait += wait * app.entropy(1)[0] // 2560  # up to a tenth more: what failed together does not come back together
    deliveries.postpone(app.db, number, owner, until=now + max(wait, rest), answer_status=status)


def _post(app: App, event: HostEvent, secrets: tuple[bytes, ...]) -> tuple[int, Mapping[str, str]]:
    """Posts an event; status and headers of the answer, or 0 where none came."""
    from slackapp.slack.transport import UnreachableError, post_bytes  # not before something is sent

    if app.db.in_transaction():
        raise TransactionOpenError("the host was called inside a database transaction")
    body = event_body(event)
    signed = signed_headers(event_id(event), app.clock(), body, secrets)
    try:
        return post_bytes(app.settings.host_webhook_url, body, {"Content-Type": "application/json", **signed})
    except UnreachableError:
        return 0, {}


def _tell(app: App, why: str) -> None:
    """Logs that events wait, once a minute."""
    if app.throttle.allows("host_events_wait", app.clock()):
        app.log.error("host_events_wait", {"why": why, "action": "see: slackapp host events list"})


def _rest(status: int, headers: Mapping[str, str]) -> int:
    """Reads for how many seconds nothing more is to be sent; 0 where the failure is this event's alone."""
    if status and status not in _LIMITED:
        return 0
    told = headers.get("retry-after", "")
    seconds = int(told) if told.isdecimal() and len(told) < 10 else _UNREACHABLE_WAIT
    return min(max(seconds, 1), _LONGEST_WAIT)
