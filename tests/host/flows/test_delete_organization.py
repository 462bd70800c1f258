"""Deletion of an organization: opaque ids in the audit, and nothing else, in any file."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.flows.backup import key_backup
from slackapp.host.flows import (
    change_connection,
    delete_organization,
    freeze_organization,
    offboard,
    switch_host,
    upkeep,
)
from slackapp.host.rows import ConnectionSettings, Purpose, StatusReason
from slackapp.host.store import (
    approvals,
    connections,
    idempotency_keys,
    members,
    organizations,
    purposes,
    quarantines,
    sessions,
)
from slackapp.host.store.messaging import templates
from slackapp.host.store.messaging.templates import Template
from slackapp.localslack.faults import Fault
from slackapp.model import SCHEDULER, Actor, ActorKind
from tests.store.rows import NORTH, ORG, SOUTH, sealed
from tests.support.connected import ACME, ANN, GLOBEX, NOW, add_member, begin, connect, held, login, read
from tests.support.world import World, make_world, reading

HOST = Actor(ActorKind.HOST, "r1", organization=ACME)
CANARY = "a-canary-of-acme"
"""Stands in every text that the organization has."""
HASH = hashlib.sha256(b"canary").digest()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[World]:
    """An organization that has one of each thing, and another one beside it."""
    (tmp_path / "keys").mkdir(mode=0o700)
    with make_world(tmp_path, SLACKAPP_KEY_BACKUP_DIR=str(tmp_path / "keys")) as world:
        fill(world)
        yield world


def fill(world: World) -> None:
    app = world.service.app
    for tenant in (NORTH, SOUTH):
        world.browser().install(tenant.id)
    world.work()
    with app.db.transaction():
        for organization in (ACME, GLOBEX):
            add_member(app.db, organization)
        organizations.note(app.db, ACME, CANARY, issued_at=NOW + 1, now=NOW)
        known = organizations.find(app.db, ACME)
        assert known is not None
        organizations.save(app.db, known._replace(data_region=f"{CANARY}-region"), NOW)
        member = members.find(app.db, ACME, ANN)
        assert member is not None
        members.note(app.db, member._replace(name=f"{CANARY}-ann", issued_at=NOW + 1), NOW)
        purposes.save(app.db, ACME, Purpose("alerts", f"{CANARY}-purpose"), NOW)
        said = {"text": f"{CANARY}-template"}
        assert templates.save(app.db, ACME, Template("deploy", said, ANN, created_at=NOW, updated_at=NOW))
        approvals.add(app.db, f"{1:024}", ACME, ANN, reason=f"{CANARY}-reason", now=NOW)
    assert idempotency_keys.begin(app.db, ACME, HASH, HASH, now=NOW)
    with app.db.transaction():
        idempotency_keys.finish(app.db, ACME, HASH, 202, f"{CANARY}-answer")
    mine = connect(app.db, NORTH)
    connect(app.db, SOUTH, 2, GLOBEX)
    with app.db.transaction():
        settings = ConnectionSettings(ANN, "alerts", f"C{CANARY}", "", (f"C{CANARY}",))
        assert change_connection.configure(app.db, mine, settings, NOW)
    assert sessions.add(app.db, HASH, login(), NOW)
    assert sessions.add_ticket(app.db, HASH, login(), NOW)
    begin(app.db, 3, metadata=sealed(CANARY.encode()))
    key_backup.write(app)


OF_OTHERS = ("organizations", "members", "connections", "host_events")


def rows_of(world: World, organization: str) -> dict[str, int]:
    """By table: how many rows of the organization there are."""
    tables = [
        row["name"]
        for row in world.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if any(column["name"] == "organization_id" for column in world.rows(f"PRAGMA table_info({row['name']})"))
    ]
    count = "SELECT count(*) AS found FROM {} WHERE organization_id = ?"
    found = {table: world.rows(count.format(table), organization)[0]["found"] for table in tables}
    return {table: number for table, number in found.items() if number}


@pytest.mark.claim("C-156")
def test_opaque_ids_in_the_audit_stay_and_nothing_else(full: World) -> None:
    """I search the database, its log, the key backup and the log for anything of it."""
    app = full.service.app
    assert len(rows_of(full, ACME)) >= 8, "one of each"
    assert CANARY.encode() in full.bytes_on_disk()
    others = rows_of(full, GLOBEX)
    assert delete_organization.run(app, ACME, HOST, full.clock())
    assert rows_of(full, ACME) == {}
    assert rows_of(full, GLOBEX) == others
    assert set(others) >= set(OF_OTHERS)
    app.log.flush()
    backup = b"".join(file.read_bytes() for file in (full.folder / "keys").rglob("*") if file.is_file())
    assert NORTH.id.encode() not in backup
    assert SOUTH.id.encode() in backup, "so it was searched"
    for place in (full.bytes_on_disk(), backup, full.log.getvalue().encode()):
        assert CANARY.encode() not in place
    assert full.status() == ""
    assert full.calls("apps.uninstall") == ["apps.uninstall"]
    facts = full.facts("organization.deleted")
    assert [(fact["organization"], fact["record_id"], fact["actor"]) for fact in facts] == [(ACME, ACME, "host")]
    with full._looking() as database:
        text = "\n".join(database.iterdump())
    lines = [line for line in text.splitlines() if f"'{ACME}'" in line]
    assert [line for line in lines if not line.startswith('INSERT INTO "audit"')] == []
    assert delete_organization.run(app, ACME, HOST, full.clock()), "once more: nothing is there"
    assert len(full.facts("organization.deleted")) == 1


@pytest.mark.claim("C-156")
def test_it_is_over_at_once_for_whoever_is_logged_in_or_comes_back_from_slack(full: World) -> None:
    """I press the button while my organization is being deleted; Slack does not answer just now."""
    app = full.service.app
    attempt = read(app.db, ACME, f"{3:024}")
    with app.db.transaction():
        assert connections.quarantine(app.db, attempt.key, ORG, "E0EVERGRN1", NOW)
        quarantines.add(app.db, attempt.id, HASH, sealed(), NOW + 600)
    waiting = read(app.db, ACME, attempt.id)
    assert not delete_organization.run(app, ACME, HOST, full.clock()), "a grant waits to be given back"
    assert sessions.find(app.db, HASH, NOW) is None
    assert sessions.use_ticket(app.db, HASH, NOW) is None
    known = organizations.find(app.db, ACME)
    assert known is not None
    assert known.removed_at is not None
    with app.db.transaction():
        assert change_connection.activate(app.db, waiting, held(ORG), SCHEDULER, NOW) is None
    assert [each.connection_id for each in quarantines.list_expired(app.db, NOW, 1000)] == [attempt.id]
    with app.db.transaction():  # as whoever gives it back ends it
        connections.fail(app.db, waiting.key, StatusReason.NOT_CONFIRMED, NOW)
        quarantines.delete(app.db, attempt.id)
    upkeep.run_remote(app, lambda: True)
    assert rows_of(full, ACME)
    upkeep.run_remote(app, lambda: False)
    assert rows_of(full, ACME) == {}
    assert [fact["actor"] for fact in full.facts("organization.deleted")] == ["worker"]


@pytest.mark.claim("C-156")
def test_what_a_log_still_holds_is_waited_for(full: World) -> None:
    """Somebody reads a snapshot: a log that keeps the rows cannot be emptied yet."""
    app = full.service.app
    with reading(full):
        assert not delete_organization.run(app, ACME, HOST, full.clock())
        left = full.rows("SELECT * FROM organizations WHERE organization_id = ?", ACME)
        assert [(row["name"], row["data_region"], row["created_at"]) for row in left] == [("", "", 0)]
        assert rows_of(full, ACME) == {"organizations": 1}
    upkeep.run_remote(app, lambda: False)
    assert rows_of(full, ACME) == {}
    assert CANARY.encode() not in full.bytes_on_disk()
    assert len(full.facts("organization.deleted")) == 1


def test_slack_that_does_not_answer_keeps_nothing(full: World) -> None:
    app = full.service.app
    for method in ("apps.uninstall", "auth.revoke"):
        full.slack.fault(Fault(method, "error", times=-1, error="internal_error"))
    freeze_organization.run(app, ACME, HOST, NOW)
    offboard.run(app, ACME, ANN, HOST, NOW)
    assert delete_organization.run(app, ACME, HOST, full.clock())
    assert (rows_of(full, ACME), full.status()) == ({}, "")
    assert full.rows("SELECT * FROM freezes") == []


@pytest.mark.parametrize("at", range(1, 8))
def test_a_kill_between_two_commits_leaves_what_upkeep_finishes(
    full: World, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    app, commits = full.service.app, [0]
    transaction = type(app.db).transaction

    class KilledError(BaseException):
        """A kill."""

    def dying(db: object) -> object:
        commits[0] += 1
        if commits[0] == at:
            raise KilledError
        return transaction(app.db)

    monkeypatch.setattr(type(app.db), "transaction", dying)
    with contextlib.suppress(KilledError):
        delete_organization.run(app, ACME, HOST, full.clock())
    monkeypatch.undo()
    full.restart()
    app = full.service.app
    if at == 1:
        assert len(rows_of(full, ACME)) >= 8, "nothing was decided"
        return
    for _ in range(3):
        upkeep.run_remote(app, lambda: False)
        full.clock.advance(61)
        full.work()
    assert rows_of(full, ACME) == {}
    assert full.status() == ""


@pytest.mark.claim("C-153")
def test_what_an_operator_has_switched_off_stays_so_for_whoever_comes_under_that_id(full: World) -> None:
    """I am switched off, have my organization deleted, and begin anew under its id."""
    app = full.service.app
    switch_host.disable(app, ACME, Actor(ActorKind.OPERATOR, "r2"), NOW)
    assert delete_organization.run(app, ACME, HOST, full.clock())
    assert rows_of(full, ACME) == {"host_switches": 1}
    with app.db.transaction():
        add_member(app.db, ACME)
    assert not switch_host.is_enabled(app, ACME)
    assert switch_host.enable(app, ACME, Actor(ActorKind.OPERATOR, "r3"), NOW)
    assert switch_host.is_enabled(app, ACME)
