"""Content of a message: sealed under its tenant's key, bound to the message; then gone, or kept for days."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from slackapp.errors import KeyMissingError, Refusal, Refused
from slackapp.flows.app import App
from slackapp.flows.keys.tenant_keys import refuse_on_key_error
from slackapp.host.model import MessageRecord
from slackapp.host.store import messages
from slackapp.host.store.messages import Message
from slackapp.host.store.messaging import contents
from slackapp.model import Actor, AuditEntry, AuditEvent, KeyPurpose, RecordContext, Sealed, Tenant

LIMITS: Mapping[str, int] = {MessageRecord.CONTENT: 192 * 1024}
"""Bytes of plaintext."""


def context_of(tenant: Tenant, message_id: str) -> RecordContext:
    """Context of a message's content."""
    kind = MessageRecord.CONTENT
    return RecordContext(tenant, KeyPurpose.DATA, "", kind=kind, row=message_id, generation=0)


def seal(app: App, tenant: Tenant, message_id: str, fields: Mapping[str, Any], actor: Actor) -> Sealed:
    """Seals the fields that Slack will be given. Raises Refused."""
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    with refuse_on_key_error(app, partial(_entry, app, tenant, message_id, actor)):
        try:
            return app.keyring.seal(context_of(tenant, message_id), text.encode())
        except KeyMissingError:
            raise Refused(Refusal.NOT_INSTALLED, tenant=tenant) from None


def open_fields(app: App, message: Message, actor: Actor) -> dict[str, Any]:
    """Opens the fields that Slack is given. Raises Refused, also where they do not open."""
    if message.body is None:
        return {}
    reread = partial(messages.body_of, app.db, message.tenant, message.id)
    with refuse_on_key_error(app, partial(_entry, app, message.tenant, message.id, actor)):
        opened = app.keyring.open_data(context_of(message.tenant, message.id), message.body, reread)
    fields: dict[str, Any] = json.loads(opened)
    return fields


def open_kept(app: App, message: Message, actor: Actor, now: int) -> dict[str, Any] | None:
    """Opens what a message said, or says while it waits; None where it is not kept. Raises Refused.

    Whether its organization keeps contents, and who may see them, is the caller's to ask.
    """
    if message.body is not None:
        return open_fields(app, message, actor)
    kept = contents.find(app.db, message.tenant, message.id, now)
    if kept is None:
        return None
    reread = partial(contents.body_of, app.db, message.tenant, message.id)
    with refuse_on_key_error(app, partial(_entry, app, message.tenant, message.id, actor)):
        opened = app.keyring.open_data(context_of(message.tenant, message.id), kept, reread)
    fields: dict[str, Any] = json.loads(opened)
    return fields


def _entry(app: App, tenant: Tenant, message_id: str, actor: Actor) -> AuditEntry:
    """Makes the audit's entry for content that cannot be sealed, or does not open."""
    event, kind = AuditEvent.TOKEN_UNAVAILABLE, MessageRecord.CONTENT
    return AuditEntry(at=app.clock(), event=event, actor=actor, tenant=tenant, record_kind=kind, record_id=message_id)
