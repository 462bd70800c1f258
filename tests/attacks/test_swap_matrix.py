"""Every sealed value in the place of every other: none opens anywhere but where it belongs."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest

from slackapp.app import system_entropy
from slackapp.crypto import envelope, keyfile, records
from slackapp.crypto.records import LIMITS
from slackapp.errors import DecryptError
from slackapp.flows import tenant_data
from slackapp.flows.install import store_grant
from slackapp.model import (
    NO_TENANT,
    Actor,
    ActorKind,
    Grant,
    GrantedToken,
    Holder,
    RecordContext,
    Sealed,
    Secret,
    Tenant,
    Webhook,
)
from slackapp.store import data_keys, inbox, installers
from slackapp.store.inbox import IncomingEvent
from slackapp.store.installers import Installer
from slackapp.vault.providers import KeyContext, LocalProvider
from tests.support.world import APP_ID, World

ACTOR = Actor(ActorKind.BOLT, "r1")
KINDS = (
    "bot_access", "bot_refresh", "user_access", "user_refresh", "webhook", "event_body", "installer",
    "installer_webhook",
)  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """A place for a sealed value, and the value that lies there."""

    context: RecordContext
    sealed: Sealed


def tenants(number: int) -> list[Tenant]:
    """Workspaces, and an enterprise among every five."""
    return [Tenant("E" if at % 5 == 4 else "T", f"{'E' if at % 5 == 4 else 'T'}0SWAP{at:04}") for at in range(number)]


def token_of(tenant: Tenant, kind: str) -> GrantedToken:
    return GrantedToken(Secret(f"{tenant}-{kind}_access"), Secret(f"{tenant}-{kind}_refresh"), 43_200, ("chat:write",))


def install(world: World, tenant: Tenant) -> None:
    """All that is ever stored of a tenant, as a grant of Slack's would be."""
    app, is_enterprise_install = world.service.app, tenant.kind == "E"
    grant = Grant(
        tenant=tenant,
        enterprise_id=tenant.id if is_enterprise_install else "",
        enterprise_name="",
        team_id="" if is_enterprise_install else tenant.id,
        team_name="",
        installer_id=f"U{tenant.id}",
        bot_user_id=f"B{tenant.id}",
        bot=token_of(tenant, "bot"),
        user=token_of(tenant, "user"),
        webhook=Webhook(Secret(f"{tenant}-webhook"), "#general", "C1", ""),
    )
    assert store_grant.run(app, grant, store_grant.read_stored(app, grant), bytes(32), ACTOR, world.clock())
    event_id = f"Ev{tenant.id}"
    body = app.keyring.seal(records.event_body_context(tenant, event_id), f"{tenant}-event_body".encode())
    arrival = IncomingEvent(event_id, tenant, "app_mention", world.clock())
    assert inbox.add_event(app.db, arrival, body, key_id=envelope.key_id_of(body.blob), now=world.clock())
    person = Holder.user(f"U{tenant.id}")
    details = app.keyring.seal(records.installer_details_context(tenant, person, 1), f"{tenant}-installer".encode())
    hook = app.keyring.seal(
        records.installer_webhook_context(tenant, person, 1), f"{tenant}-installer_webhook".encode()
    )
    with app.db.transaction():
        installers.save(app.db, tenant, Installer(person, 1, world.clock(), details, hook))


def slots(world: World, tenant: Tenant) -> list[Slot]:
    found = tenant_data.sealed_records(world.service.app, tenant)
    return [Slot(record.context, record.sealed) for record in found]


def fill(world: World, number: int, kinds: Iterable[str] = KINDS) -> list[Slot]:
    """That many tenants installed; their slots of those kinds, in each of which its own value opens."""
    for tenant in tenants(number):
        install(world, tenant)
    found = [slot for tenant in tenants(number) for slot in slots(world, tenant) if slot.context.kind in kinds]
    for slot in found:
        plain = world.service.app.keyring.open(slot.context, slot.sealed)
        assert f"{slot.context.tenant}-{slot.context.kind}".encode() in plain
    return found


def moved_and_opened(world: World, places: Sequence[Slot]) -> tuple[int, list[str]]:
    """How many moves of one value to another's place, and those after which it opened."""
    opened, moves = [], 0
    for source, target in itertools.permutations(places, 2):
        moves += 1
        try:
            world.service.app.keyring.open(target.context, source.sealed)
        except DecryptError:
            continue
        opened.append(f"{source.context} at {target.context}")
    return moves, opened


def opened_with_their_own_keys(world: World, places: Sequence[Slot]) -> list[str]:
    """The same for somebody who holds every data key: then only what a value is bound to keeps it shut."""
    provider = LocalProvider(_master_keys(world), 1, system_entropy)
    keys = {
        row.key_id: provider.unwrap(KeyContext(APP_ID, row.tenant, row.purpose, row.key_id), 1, row.wrapped)
        for row in data_keys.list_all(world.service.app.db)
    }
    bound = [envelope.record_context(APP_ID, slot.context) for slot in places]
    opened = []
    for (at, source), (other, target) in itertools.product(enumerate(places), enumerate(places)):
        key_id, blob = envelope.key_id_of(source.sealed.blob), source.sealed.blob
        try:
            envelope.open_sealed(keys[key_id], key_id, bound[other], blob, LIMITS[target.context.kind])
        except DecryptError:
            continue
        if at != other:
            opened.append(f"{source.context} at {target.context}")
    return opened


def _master_keys(world: World) -> dict[int, bytes]:
    file = world.settings.master_key_file
    return keyfile.parse_master_keys(file, file.read_bytes())


def test_no_sealed_value_opens_in_the_place_of_another(world: World) -> None:
    """I can write to the database, and put every sealed value where every other one was."""
    places = fill(world, 5)
    assert len(places) == 5 * len(KINDS)
    assert moved_and_opened(world, places) == (40 * 39, [])
    assert opened_with_their_own_keys(world, places) == []


def test_a_value_of_an_earlier_generation_does_not_open(world: World) -> None:
    """I put the token from before the last refresh back into its row."""
    for slot in fill(world, 1):
        if slot.context.kind != "event_body":
            later = slot.context._replace(generation=slot.context.generation + 1)
            with pytest.raises(DecryptError):
                world.service.app.keyring.open(later, slot.sealed)


def test_no_data_key_unwraps_in_the_place_of_another(world: World) -> None:
    """I put the row of one data key where another tenant's is, or another purpose's, with or without its id."""
    fill(world, 5)
    keys = data_keys.list_all(world.service.app.db)
    assert {key.tenant for key in keys} == {NO_TENANT, *tenants(5)}
    assert len(keys) == 5 * 4 + 5
    try_key = world.service.app.keyring.try_key
    assert all(try_key(key) == "ok" for key in keys)
    for key, place in itertools.permutations(keys, 2):
        assert try_key(key._replace(tenant=place.tenant, purpose=place.purpose, key_id=place.key_id)) == "broken"
        assert try_key(key._replace(key_id=place.key_id)) == "broken"
        if (key.tenant, key.purpose) != (place.tenant, place.purpose):
            assert try_key(key._replace(tenant=place.tenant, purpose=place.purpose)) == "broken"
