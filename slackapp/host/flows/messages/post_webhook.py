"""Incoming webhook of a grant: which channel it posts to, and a message that goes out by it.

Its address is as good as a token for that channel. So it is opened as a token is: by the vault, after the row of the
audit, with the intent of the message that goes out, and for one post.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from slackapp.checks.capabilities import Capability
from slackapp.checks.response_url import is_response_url
from slackapp.crypto import records
from slackapp.errors import SlackCallError, SlackErrorKind
from slackapp.flows.app import App
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.flows.tokens.count_call import count_call
from slackapp.host.checks.webhook_answers import judge_answer
from slackapp.host.store.messages import Message
from slackapp.model import Actor, AuditEvent, InstallationStatus, Sealed, Secret, Tenant
from slackapp.store import installations
from slackapp.store.engine.database import Database
from slackapp.store.queue import Run
from slackapp.vault.secret_reads import RecordRead

WEBHOOK = Capability("post_webhook", frozenset())
"""It opens a webhook, and calls no method."""
METHOD = "incoming_webhook"
_CHANNEL = "channel"
_NONE, _ELSEWHERE = "no_service", "channel_not_found"


def find_channel(app: App, tenant: Tenant, purpose: str, actor: Actor) -> str:
    """Finds the channel that the grant's webhook posts to; "" where there is no webhook. Raises Refused."""
    opened = _open(app, tenant, purpose, actor, row=None)
    return str(opened.get("channel_id") or "")


def send(app: App, row: Run, message: Message, fields: Mapping[str, Any], actor: Actor) -> None:
    """Sends a message by it, with the row's intent noted before. Raises SlackCallError, Refused.

    Which channel it goes to is the webhook's to say.
    """
    with count_call(app.db, row):
        hook = _open(app, message.tenant, message.purpose_id, actor, row=row)
        url, origin = hook.get("url"), app.settings.slack.response_origin
        # claim: C-307
        if not is_response_url(url, origin):
            raise _refusal(_NONE)
        # claim: C-307
        if hook.get("channel_id") != message.channel_id:
            raise _refusal(_ELSEWHERE)  # another install has chosen another channel, which nobody here has allowed
        said = {name: value for name, value in fields.items() if name != _CHANNEL}
        app.slack.post_webhook(Secret(str(url)), said, judge_answer)


def _open(app: App, tenant: Tenant, purpose: str, actor: Actor, row: Run | None) -> Mapping[str, str]:
    found = installations.find_webhook(app.db, tenant)
    if found is None:
        return {}
    read = _read(app.db, tenant, *found, purpose=purpose, actor=actor)
    with refuse_on_key_error(app, lambda: read.entry(app.clock())):
        (opened,) = app.vault.read_secrets(lambda: [read], row)
    fields: Mapping[str, str] = json.loads(opened.reveal())
    return fields


def _read(db: Database, tenant: Tenant, stored: Sealed, generation: int, *, purpose: str, actor: Actor) -> RecordRead:
    return RecordRead(
        context=records.webhook_context(tenant, generation),
        stored=stored,
        reread=partial(_reread, db, tenant, generation),
        event=AuditEvent.WEBHOOK_READ,
        capability=WEBHOOK,
        purpose=purpose,
        actor=actor,
        statuses=frozenset({InstallationStatus.ACTIVE}),
    )


def _reread(db: Database, tenant: Tenant, generation: int) -> Sealed | None:
    found = installations.find_webhook(db, tenant)
    return found[0] if found is not None and found[1] == generation else None


def _refusal(code: str) -> SlackCallError:
    return SlackCallError(METHOD, code, SlackErrorKind.BAD_REQUEST)
