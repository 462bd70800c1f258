"""Statements of messages and their turns, each condition for itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.crypto import envelope
from slackapp.errors import StoreBusyError
from slackapp.host.flows import change_connection
from slackapp.host.flows.messages import message_content
from slackapp.host.model import ConnectionKind, ConnectionStatus, MessageType
from slackapp.host.rows import StatusReason
from slackapp.host.store import connections, messages, outbox, send_rates
from slackapp.host.store.messages import NewMessage
from slackapp.host.store.send_rates import SendRate
from slackapp.model import SCHEDULER, InstallationStatus, Tenant, TenantKind
from slackapp.store import installations
from tests.support.connected import ACME
from tests.support.host_world import Host, connect, make_host_world
from tests.support.world import NORTH, World

TENANT = Tenant(TenantKind.WORKSPACE, NORTH)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path) as made:
        connect(made, Host(made))
        yield made


def new(world: World, number: int = 1) -> NewMessage:
    """A message, sealed under the tenant's key."""
    app, message_id = world.service.app, f"{number:024}"
    body = message_content.seal(app, TENANT, message_id, {"text": "x"}, SCHEDULER)
    return NewMessage(
        id=message_id, organization_id=ACME, connection_id=f"{1:024}", tenant=TENANT, type=MessageType.MESSAGE,
        channel_id="C0GENERAL1", sender_id="meg", purpose_id="alerts", body=body,
        key_id=envelope.key_id_of(body.blob), trace_id="r1",
    )  # fmt: skip


def add(world: World, message: NewMessage) -> bool:
    with world.service.app.db.transaction():
        return messages.add(world.service.app.db, message, world.clock())


@pytest.mark.claim("C-280")
def test_a_place_that_somebody_else_has_taken_since_it_was_looked_for_is_not_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes look at the same moment, and see the same free place."""
    db, now, rate = world.service.app.db, world.clock(), SendRate(60)

    def take() -> int:
        with db.transaction():
            return send_rates.take_place(db, TENANT, "C0GENERAL1", rate, now)

    assert [take(), take()] == [now, now + 1]
    before = world.rows("SELECT * FROM send_rates ORDER BY channel_id")
    with monkeypatch.context() as patched:
        patched.setattr(type(db), "many", lambda self, name, parameters: [])
        with pytest.raises(StoreBusyError):
            take()
    assert world.rows("SELECT * FROM send_rates ORDER BY channel_id") == before
    assert take() == now + 2


@pytest.mark.claim("C-245")
def test_a_message_is_added_for_what_is_in_use_alone(world: World) -> None:
    """Between the look and the commit somebody else has ended it."""
    app = world.service.app
    assert add(world, new(world))
    assert not add(world, new(world, 2)._replace(key_id=4_000_000))
    (connection,) = connections.page(app.db, ACME, ConnectionKind.WORKSPACE)
    message = new(world, 3)
    with app.db.transaction():
        status, why = ConnectionStatus.SUSPENDED, StatusReason.FREEZE
        assert change_connection.set_status(app.db, connection.key, status, why, now=world.clock())
    assert not add(world, message)
    with app.db.transaction():
        key = connection.key._replace(status=ConnectionStatus.SUSPENDED)
        assert change_connection.set_status(app.db, key, ConnectionStatus.ACTIVE, None, now=world.clock())
        active, purging = InstallationStatus.ACTIVE, InstallationStatus.PURGING
        assert installations.set_status(app.db, TENANT, active, purging)
    assert not add(world, message)
    assert world.count("messages") == 1


@pytest.mark.claim("C-246")
def test_of_a_channel_one_message_has_its_turn(world: World) -> None:
    db = world.service.app.db
    for number in (1, 2):
        add(world, new(world, number))
    add(world, new(world, 3)._replace(channel_id="C0OTHER001"))
    with db.transaction():
        given = [outbox.give_turn(db, TENANT, f"{number:024}", world.clock()) for number in (1, 2, 3)]
    assert given == [True, False, True]
