"""Messages as the core takes care of them: purged, counted, exported, sealed anew, and unclear after a restore."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from slackapp.flows.app import PORTION_ROWS, SealedRecord, TenantData, no_sealed_records
from slackapp.flows.queue_data import queue_data
from slackapp.flows.tenant_data import export_fields
from slackapp.host.flows.messages.message_content import context_of
from slackapp.host.model import MessageReason, MessageStatus
from slackapp.host.store import events, messages, outbox, send_rates
from slackapp.host.store.messaging import contents, replies
from slackapp.model import Sealed, Tenant, UnclearRow
from slackapp.store.engine.database import Database


def _erase(db: Database, tenant: Tenant, now: int) -> int:
    return send_rates.erase(db, tenant)


def _erase_portion(db: Database, tenant: Tenant, now: int) -> int:
    for message in messages.list_erased(db, tenant):
        # claim: C-298
        events.add_of_message(db, message, MessageStatus.FAILED, MessageReason.REVOKED, now=now)
    # claim: C-250
    return messages.erase(db, tenant, now)


def _export(db: Database, tenant: Tenant) -> Iterable[Mapping[str, object]]:
    yield from map(export_fields, messages.export(db, tenant, PORTION_ROWS))
    yield from send_rates.export(db, tenant)


def _sealed_records(db: Database, tenant: Tenant) -> Iterator[SealedRecord]:
    for message_id, body in messages.list_bodies(db, tenant, PORTION_ROWS):
        put_back = partial(_reseal, db, tenant, message_id)
        # claim: C-267
        yield SealedRecord(context_of(tenant, message_id), body, put_back)


def _reseal(db: Database, tenant: Tenant, message_id: str, body: Sealed) -> None:
    messages.reseal(db, tenant, message_id, body)


def _restored(db: Database, now: int) -> Sequence[UnclearRow]:
    # claim: C-251
    return messages.mark_restored(db, now)


def _erase_contents(db: Database, tenant: Tenant, now: int) -> int:
    # claim: C-300
    return contents.erase(db, tenant)


def _erase_replies(db: Database, tenant: Tenant, now: int) -> int:
    # claim: C-310
    return replies.erase(db, tenant)


def _sealed_contents(db: Database, tenant: Tenant) -> Iterator[SealedRecord]:
    for kept in contents.export(db, tenant, PORTION_ROWS):
        put_back = partial(contents.reseal, db, tenant, kept.message_id)
        # claim: C-267
        yield SealedRecord(context_of(tenant, kept.message_id), kept.body, put_back)


MESSAGE_DATA: tuple[TenantData, ...] = (
    queue_data(outbox.QUEUE, "turns of messages"),
    TenantData(
        name="messages",
        tables=("messages", "send_rates"),
        erase=_erase,
        erase_portion=_erase_portion,
        count=messages.count,
        list_tenants=messages.list_tenants,
        export=_export,
        sealed_records=_sealed_records,
        restored=_restored,
        collected="of messages that it posts for its customer what they say, encrypted, until they are sent; "
        "then their channel, time, thread and sender, and what became of them; after a removal ids, statuses and "
        "times, until that customer is deleted",
    ),
    TenantData(
        name="contents of messages",
        tables=("message_contents",),
        erase=lambda db, tenant, now: 0,
        erase_portion=_erase_contents,
        count=contents.count,
        list_tenants=contents.list_tenants,
        export=lambda db, tenant: map(export_fields, contents.export(db, tenant, PORTION_ROWS)),
        sealed_records=_sealed_contents,
        collected="of messages that were sent what they said, encrypted, where that customer wishes it, for so many "
        "days",
    ),
    TenantData(
        name="replies to messages",
        tables=("message_replies",),
        erase=lambda db, tenant, now: 0,
        erase_portion=_erase_replies,
        count=replies.count,
        list_tenants=replies.list_tenants,
        export=replies.export,
        sealed_records=no_sealed_records,
        collected="where that customer wishes it, for 90 days the ids of the people who answer or react to a message, "
        "and when, without what they write",
    ),
)
"""Turns first: what a worker runs finds that it is not its own any more. Contents last: they come out of messages."""
