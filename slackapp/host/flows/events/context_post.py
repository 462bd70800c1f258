"""Messages of the app's own functions: `context.post` and `context.schedule`, in the outbox as effects of the run.

A message is there once for each run that is done, or that has called Slack since: its id comes of the row's id and an
ordinal. It may go where the connection of its tenant may. Of a tenant that no organization has connected, and where the
host side is off, Slack is called at once, as by `context.call`.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from slackapp.checks.capabilities import BEHAVIOUR, require_capability
from slackapp.errors import StoreBusyError
from slackapp.flows.app import App
from slackapp.flows.tokens import use_token
from slackapp.flows.tokens.use_token import TokenUse
from slackapp.host.checks.message_content import require_content
from slackapp.host.errors import HostRefused
from slackapp.host.flows.messages import accept_message
from slackapp.host.flows.messages.accept_message import MessageDraft
from slackapp.host.model import HostCaller
from slackapp.host.rows import Connection
from slackapp.host.store import connections, messages
from slackapp.host.store.messages import NewMessage
from slackapp.model import BOT
from slackapp.store.engine.database import Database
from slackapp.store.queue import EffectKey, Run

POST, SCHEDULE = "chat.postMessage", "chat.scheduleMessage"
_ID_DIGITS = 24

Posted = Callable[..., str | None]
"""Takes `channel`, `text`, `blocks`, `thread_ts`, `purpose`; the id of the message, or None where Slack was called."""


def make_post(app: App, run: Run, body: Mapping[str, Any]) -> Posted:
    """Makes `context.post`, for one run and its tenant."""
    return partial(_post, app, run, None)


def make_schedule(app: App, run: Run, body: Mapping[str, Any]) -> Posted:
    """Makes `context.schedule`, whose first argument is the time, in Unix seconds."""
    return partial(_post, app, run)


def _post(
    app: App,
    run: Run,
    send_at: int | None,
    channel: str,
    text: str | None = None,
    *,
    blocks: list[Any] | None = None,
    thread_ts: str | None = None,
    purpose: str | None = None,
) -> str | None:
    """Posts a message. Raises SlackCallError, CapabilityError and Refused."""
    thread = {"thread_ts": thread_ts} if thread_ts is not None else {}
    fields = {**require_content(text, blocks), **thread}
    connection = connections.find_held(app.db, run.tenant) if app.settings.host_keys_file is not None else None
    if connection is None:
        _call_slack(app, run, fields, channel, send_at=send_at)
        return None
    # claim: C-332
    require_capability(BEHAVIOUR, POST, app.vault.capabilities)
    draft = MessageDraft(fields, connection.id, channel, send_at=send_at, purpose=purpose)
    return _add(app, run, connection, draft)


def _call_slack(app: App, run: Run, fields: Mapping[str, Any], channel: str, *, send_at: int | None) -> None:
    method, when = (POST, {}) if send_at is None else (SCHEDULE, {"post_at": send_at})
    use = TokenUse(
        tenant=run.tenant,
        holder=BOT,
        capability=BEHAVIOUR,
        method=method,
        purpose=run.type,
        actor=run.actor,
        channel=channel,
    )
    use_token.call(app, use, {"channel": channel, **fields, **when}, run)


def _add(app: App, run: Run, connection: Connection, draft: MessageDraft) -> str:
    """Adds a message to the effects of the run; it is sealed before, in no transaction."""
    made: list[NewMessage] = []

    def write(db: Database, key: EffectKey) -> None:
        for message in made:
            _store(app, message)

    # claim: C-331
    message_id = _id_of(run.add_effect(write))
    actor = run.actor
    caller = HostCaller(
        kind=actor.kind, request_id=actor.request_id, organization=connection.organization_id, role=None, key_id=""
    )
    made.append(accept_message.prepare(app, caller, draft._replace(id=message_id)))
    return message_id


def _store(app: App, message: NewMessage) -> None:
    """Stores it with what marks the run; one that is there already is left. Raises StoreBusyError: it runs again."""
    try:
        accept_message.store(app, message, app.clock())
    except HostRefused:
        # claim: C-331
        if messages.find_of_tenant(app.db, message.tenant, message.id) is None:
            app.keyring.evict(message.tenant)  # so that the next run seals under the new key
            raise StoreBusyError("the connection or its keys have changed") from None


def _id_of(key: EffectKey) -> str:
    named = "\n".join((key.queue, str(key.tenant), key.event_id, str(key.ordinal)))
    return hashlib.sha256(named.encode()).hexdigest()[:_ID_DIGITS]
