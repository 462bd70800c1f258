"""What the core registers of its own data, and a circle beside it, by the same checks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.app import CIRCLES
from slackapp.crypto import envelope, records
from slackapp.errors import CommandError
from slackapp.flows.app import SealedRecord, no_sealed_records
from slackapp.flows.keys import reencrypt_tenant
from slackapp.host.flows.messages.message_content import context_of
from slackapp.host.model import ChannelState, MessageType, ReplyType
from slackapp.host.store import messages, organizations, outbox, send_rates
from slackapp.host.store.messages import NewMessage
from slackapp.host.store.messaging import channel_states, contents, replies
from slackapp.host.store.messaging.replies import MessageReply
from slackapp.host.store.send_rates import SendRate
from slackapp.model import BOT, LOCAL_PROVIDER, Sealed, Tenant
from slackapp.store import installers, tenant_outcomes, tokens
from slackapp.store.engine.database import Database
from tests.support.bookmarks.circle import BOOKMARKS
from tests.support.bookmarks.installed import install_bookmarks
from tests.support.bookmarks.share import add_share
from tests.support.bookmarks.table import keep
from tests.support.connected import connect
from tests.support.prepared_world import Left, going_on, left_by
from tests.support.tenant_data import ACTOR, CHECKS, MINE, Check, Write, check_purge, check_reencryption
from tests.support.world import NORTH, SOUTH, World, make_world

SCOPES = {
    "SLACKAPP_USER_SCOPES": "users:read",
    "SLACKAPP_BOT_SCOPES": "app_mentions:read,chat:write,incoming-webhook",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """Two workspaces, and the circle."""
    with pytest.MonkeyPatch.context() as patch:
        install_bookmarks(tmp_path_factory.getbasetemp(), patch)
        with make_world(tmp_path_factory.mktemp("installed"), **SCOPES) as world:
            for tenant in (NORTH, SOUTH):
                world.browser().install(tenant)
            world.work()
            return left_by(world)


@pytest.fixture
def world(
    installed: Left, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    install_bookmarks(tmp_path_factory.getbasetemp(), monkeypatch)
    with going_on(installed, tmp_path, **SCOPES) as made:
        yield made


def nothing_more(world: World, tenant: Tenant) -> None:
    """The install has written it."""


def write_details(world: World, tenant: Tenant) -> None:
    """What a Bolt app tells of who installed, and its webhook."""
    app = world.service.app
    (known,) = installers.list_by_tenant(app.db, tenant)
    place = (tenant, known.holder, known.generation)
    details = app.keyring.seal(records.installer_details_context(*place), b"a detail that nobody is to read")
    webhook = app.keyring.seal(records.installer_webhook_context(*place), b"a webhook that nobody is to read")
    with app.db.transaction():
        installers.save(app.db, tenant, known._replace(details=details, webhook=webhook))


def write_events(world: World, tenant: Tenant) -> None:
    for number in range(3):
        assert world.mention(f"Ev{tenant.id}{number}", team_id=tenant.id).status == 200


def write_outcomes(world: World, tenant: Tenant) -> None:
    app, now = world.service.app, world.clock()
    token = tokens.find(app.db, tenant, BOT)
    assert token is not None
    with app.db.transaction():
        tenant_outcomes.note_failing(app.db, token, now)
    tenant_outcomes.note_answered(app.db, tenant, now)


def write_bookmarks(world: World, tenant: Tenant) -> None:
    for name in ("docs", "status"):
        assert keep(world.service.app, tenant, name, f"https://{name}.{tenant.id}.example/a/private/page")


def write_shares(world: World, tenant: Tenant) -> None:
    for number in range(3):
        said = {"text": f"a private address of {tenant.id}, {number}"}
        add_share(world.service.app, tenant, f"share{number}", said)


def write_connection(world: World, tenant: Tenant) -> None:
    """A connection, and a channel of its settings that is gone."""
    db, number = world.service.app.db, 1 if tenant.id == NORTH else 2
    held = connect(db, tenant, number=number, organization=f"of-{tenant.id}")
    with db.transaction():
        assert channel_states.note(db, held.key, tenant, "C0GONE00001", ChannelState.ARCHIVED, now=world.clock())


def write_messages(world: World, tenant: Tenant) -> None:
    """A message that waits, and one whose turn it is."""
    app, now = world.service.app, world.clock()
    number = 11 if tenant.id == NORTH else 21
    connection = connect(app.db, tenant, number=number, organization=f"of-{tenant.id}")
    for place in (number, number + 1):
        message_id = f"{place:024}"
        body = app.keyring.seal(context_of(tenant, message_id), b"a message that nobody else is to read")
        message = NewMessage(
            id=message_id,
            organization_id=connection.organization_id,
            connection_id=connection.id,
            tenant=tenant,
            type=MessageType.MESSAGE,
            channel_id="C0GENERAL1",
            sender_id="ann",
            purpose_id="",
            body=body,
            key_id=envelope.key_id_of(body.blob),
            trace_id="",
            send_at=None,
            internal_message_id="",
        )
        with app.db.transaction():
            assert messages.add(app.db, message, now)
            outbox.give_turn(app.db, tenant, message_id, now)
            send_rates.take_place(app.db, tenant, message.channel_id, SendRate(100), now)


def write_contents(world: World, tenant: Tenant) -> None:
    """Messages that were sent, of which what they said is kept."""
    app, now = world.service.app, world.clock()
    write_messages(world, tenant)
    with app.db.transaction():
        for organization in {row["organization_id"] for row in world.rows("SELECT organization_id FROM messages")}:
            found = organizations.find(app.db, organization)
            assert found is not None
            organizations.save(app.db, found._replace(content_days=7), now)
        for message in messages.export(app.db, tenant, 10):
            contents.keep(app.db, tenant, message.id, str(message.status), now)


def write_replies(world: World, tenant: Tenant) -> None:
    """Messages that somebody has answered."""
    app, now = world.service.app, world.clock()
    write_messages(world, tenant)
    with app.db.transaction():
        for organization in {row["organization_id"] for row in world.rows("SELECT organization_id FROM messages")}:
            found = organizations.find(app.db, organization)
            assert found is not None
            organizations.save(app.db, found._replace(tracks_replies=True), now)
        for message in messages.export(app.db, tenant, 10):
            assert replies.add(
                app.db, tenant, message.id, MessageReply(ReplyType.REPLY, "U0SOMEBODY", "", "1.2"), now=now
            )


WRITERS: dict[str, Write] = {
    "data keys": nothing_more,
    "tokens and webhooks": write_details,
    "event bodies": write_events,
    "outcomes of installs and calls": write_outcomes,
    "connections": write_connection,
    "messages": write_messages,
    "contents of messages": write_contents,
    "replies to messages": write_replies,
    "bookmarks": write_bookmarks,
    "shares of bookmarks": write_shares,
}
"""By the name of the data: what writes it."""
REGISTERED = [data for circle in (*CIRCLES, BOOKMARKS) for data in circle.tenant_data]


def test_all_that_is_registered_is_checked() -> None:
    # A turn has no body: of it nothing is erased but that somebody runs it. Its message, above, has what it is about.
    assert {data.name for data in REGISTERED} == {*WRITERS, "turns of messages"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", WRITERS)
def test_what_is_registered_does_what_the_core_relies_on(world: World, name: str, check: Check) -> None:
    (data,) = (data for data in world.service.app.tenant_data if data.name == name)
    check(world, data, WRITERS[name])


def test_a_sealed_column_that_nobody_registered_is_found(world: World) -> None:
    """Negative control: new keys would leave it closed for ever."""
    *others, bookmarks = world.service.app.circles
    forgotten = bookmarks.tenant_data[0]._replace(sealed_records=no_sealed_records)
    world.replace_parts(circles=(*others, bookmarks._replace(tenant_data=(forgotten,))))
    with pytest.raises(AssertionError, match="what is sealed in the tables"):
        check_reencryption(world, forgotten, write_bookmarks)


@pytest.mark.claim("C-132")
def test_a_value_that_is_not_put_back_keeps_the_key_that_opens_it(world: World) -> None:
    """Stops a circle that writes to the wrong row from losing what its tenants have: nothing is closed for ever."""
    app, (*others, bookmarks) = world.service.app, world.service.app.circles
    data = bookmarks.tenant_data[0]

    def drop(sealed: Sealed) -> None:
        """Writes nothing."""

    def careless(db: Database, tenant: Tenant) -> list[SealedRecord]:
        return [record._replace(put_back=drop) for record in data.sealed_records(db, tenant)]

    write_bookmarks(world, MINE)
    before = [app.keyring.open(record.context, record.sealed) for record in data.sealed_records(app.db, MINE)]
    wrong = bookmarks._replace(tenant_data=(data._replace(sealed_records=careless), *bookmarks.tenant_data[1:]))
    world.replace_parts(circles=(*others, wrong))
    with pytest.raises(CommandError, match=f"{MINE}: not sealed anew: bookmark_url; its old keys stay"):
        reencrypt_tenant.run(world.service.app, MINE, LOCAL_PROVIDER, ACTOR)
    for mended in (False, True):
        if mended:
            world.replace_parts(circles=(*others, bookmarks))
            reencrypt_tenant.run(world.service.app, MINE, LOCAL_PROVIDER, ACTOR)
        world.restart()
        app = world.service.app
        after = [app.keyring.open(record.context, record.sealed) for record in data.sealed_records(app.db, MINE)]
        retired = world.rows("SELECT 1 FROM data_keys WHERE tenant_id = ? AND state = 'retired'", NORTH)
        assert (after, retired) == (before, [])


def test_rows_that_nobody_erases_are_found(world: World) -> None:
    """Negative control: what a circle forgot would outlive its tenant."""
    *others, bookmarks = world.service.app.circles
    forgotten = bookmarks.tenant_data[0]._replace(erase_portion=lambda db, tenant, now: 0)
    world.replace_parts(circles=(*others, bookmarks._replace(tenant_data=(forgotten,))))
    with pytest.raises(AssertionError):
        check_purge(world, forgotten, write_bookmarks)
