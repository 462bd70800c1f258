"""The core's own data of tenants, registered as each circle registers its own."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from slackapp.crypto import records
from slackapp.flows.app import Circle, SealedRecord, TenantData, no_sealed_records
from slackapp.flows.queue_data import queue_data
from slackapp.flows.tenant_data import SEALED, export_fields
from slackapp.model import NO_TENANT, Tenant, UnclearRow
from slackapp.store import data_keys, inbox, installations, installers, oauth_states, tenant_outcomes, tokens
from slackapp.store.engine.database import Database

Fields = Mapping[str, object]


def _erase_keys(db: Database, tenant: Tenant, now: int) -> int:
    # claim: C-56
    return data_keys.delete(db, tenant)


def _list_key_owners(db: Database) -> set[Tenant]:
    return {key.tenant for key in data_keys.list_all(db)} - {NO_TENANT}


def _export_keys(db: Database, tenant: Tenant) -> Iterator[Fields]:
    return (export_fields(key) for key in data_keys.list_all(db) if key.tenant == tenant)


def _erase_installation(db: Database, tenant: Tenant, now: int) -> int:
    found = _count_installation(db, tenant)
    # claim: C-56
    installations.delete(db, tenant)
    return found


def _count_installation(db: Database, tenant: Tenant) -> int:
    is_there = installations.find(db, tenant) is not None
    return is_there + tokens.count(db, tenant) + len(installers.list_by_tenant(db, tenant))


def _list_installed(db: Database) -> list[Tenant]:
    return [installation.tenant for installation in installations.list_all(db)]


def _installation_records(db: Database, tenant: Tenant) -> Iterator[SealedRecord]:
    yield from _token_records(db, tenant)
    webhook = installations.find_webhook(db, tenant)
    if webhook is not None:
        sealed, generation = webhook
        put_back = partial(installations.reseal_webhook, db, tenant, generation)
        yield SealedRecord(records.webhook_context(tenant, generation), sealed, put_back)
    yield from _installer_records(db, tenant)


def _token_records(db: Database, tenant: Tenant) -> Iterator[SealedRecord]:
    for token in tokens.list_by_tenant(db, tenant):
        place = (tenant, token.holder, token.generation)
        access = records.access_token_context(*place)
        yield SealedRecord(access, token.access, partial(tokens.reseal_access, db, token))
        if token.refresh is not None:
            refresh = records.refresh_token_context(*place)
            yield SealedRecord(refresh, token.refresh, partial(tokens.reseal_refresh, db, token))


def _installer_records(db: Database, tenant: Tenant) -> Iterator[SealedRecord]:
    for installer in installers.list_by_tenant(db, tenant):
        place = (tenant, installer.holder, installer.generation)
        if installer.details is not None:
            details = records.installer_details_context(*place)
            yield SealedRecord(details, installer.details, partial(installers.reseal_details, db, tenant, installer))
        if installer.webhook is not None:
            webhook = records.installer_webhook_context(*place)
            yield SealedRecord(webhook, installer.webhook, partial(installers.reseal_webhook, db, tenant, installer))


def _export_installation(db: Database, tenant: Tenant) -> Iterator[Fields]:
    installation = installations.find(db, tenant)
    if installation is not None:
        webhook = SEALED if installations.find_webhook(db, tenant) is not None else None
        yield {**export_fields(installation), "webhook": webhook}
    yield from map(export_fields, tokens.list_by_tenant(db, tenant))
    yield from map(export_fields, installers.list_by_tenant(db, tenant))


def _expire_states(db: Database, now: int) -> Sequence[UnclearRow]:
    # claim: C-93
    oauth_states.expire_unused(db, now)
    return ()


def _none(db: Database, tenant: Tenant, now: int = 0) -> int:
    return 0


def _nobody(db: Database) -> tuple[Tenant, ...]:
    return ()


CORE = Circle(
    name="core",
    record_limits=records.LIMITS,
    queues=(inbox.QUEUE,),
    tenant_data=(
        TenantData(
            name="data keys",
            tables=("data_keys",),
            erase=_erase_keys,
            count=data_keys.count,
            list_tenants=_list_key_owners,
            export=_export_keys,
            sealed_records=no_sealed_records,
        ),
        TenantData(
            name="tokens and webhooks",
            tables=("installations", "tokens", "installers"),
            erase=_erase_installation,
            count=_count_installation,
            list_tenants=_list_installed,
            export=_export_installation,
            sealed_records=_installation_records,
        ),
        queue_data(inbox.QUEUE, "event bodies"),
        TenantData(
            name="outcomes of installs and calls",
            tables=("oauth_states", "failing", "answered"),
            erase=_none,
            count=_none,
            list_tenants=_nobody,
            export=tenant_outcomes.list_by_tenant,
            sealed_records=no_sealed_records,
            restored=_expire_states,
            kept_because="ids and times, kept for an hour or two: an install's page and the brake ask for them",
        ),
    ),
)
"""Keys first: without them nothing else opens."""
