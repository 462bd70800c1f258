"""A purge: nothing stays that could be opened or that could open, and it is called done only when that is so."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.crypto import records
from slackapp.errors import DecryptError
from slackapp.flows.removal import purge_tenant
from slackapp.model import BOT, Actor, ActorKind, AuditDetail, Tenant
from slackapp.store import installers, tokens
from slackapp.store.engine import sqlite_files
from slackapp.store.engine.database import Residue
from tests.support.world import NORTH, ORG, SOUTH, World, make_world, north_tenant, reading

CANARY = "canary-in-a-message"
ACTOR = Actor(ActorKind.OPERATOR, "r1")
SEALED = (
    "SELECT access FROM tokens WHERE tenant_id = ?",
    "SELECT refresh FROM tokens WHERE tenant_id = ?",
    "SELECT wrapped FROM data_keys WHERE tenant_id = ?",
    "SELECT body FROM inbox WHERE tenant_id = ? AND body IS NOT NULL",
    "SELECT webhook FROM installations WHERE tenant_id = ?",
    "SELECT details FROM installers WHERE tenant_id = ? AND details IS NOT NULL",
    "SELECT webhook FROM installers WHERE tenant_id = ? AND webhook IS NOT NULL",
)


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[World]:
    """Two workspaces with everything that is ever stored of one: tokens, webhook, events."""
    scopes = "app_mentions:read,chat:write,incoming-webhook"
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="users:read", SLACKAPP_BOT_SCOPES=scopes) as world:
        for tenant in (NORTH, SOUTH):
            world.browser().install(tenant)
            add_details(world, Tenant("T", tenant))
        world.work()
        fields = {"type": "app_mention", "user": "U0SOMEBODY", "channel": "C0NOWHERE", "ts": "1.1", "text": CANARY}
        for number, tenant in enumerate((NORTH, SOUTH)):
            world.event(fields, f"EvDead{number}", team_id=tenant)
        world.work()
        for number, tenant in enumerate((NORTH, SOUTH)):
            world.event(fields, f"EvWaits{number}", team_id=tenant)
        yield world


def add_details(world: World, tenant: Tenant) -> None:
    """What a Bolt app tells of who installed, and its webhook."""
    app = world.service.app
    (known,) = installers.list_by_tenant(app.db, tenant)
    place = (tenant, known.holder, known.generation)
    details = app.keyring.seal(records.installer_details_context(*place), CANARY.encode())
    webhook = app.keyring.seal(records.installer_webhook_context(*place), CANARY.encode())
    with app.db.transaction():
        installers.save(app.db, tenant, known._replace(details=details, webhook=webhook))


def erase(world: World, tenant: Tenant | None = None) -> None:
    """What an uninstall does, without telling Slack."""
    app = world.service.app
    with app.db.transaction():
        purge_tenant.erase(app, tenant or north_tenant(), AuditDetail.OPERATOR, ACTOR, world.clock())
    purge_tenant.evict(app, tenant or north_tenant())


def blobs(world: World, tenant_id: str) -> set[bytes]:
    return {bytes(row[0]) for sql in SEALED for row in world.rows(sql, tenant_id)}


def everything(world: World, tenant_id: str) -> list[tuple[object, ...]]:
    tables = ("installations", "installers", "tokens", "data_keys", "inbox")
    found = [world.rows(f"SELECT * FROM {table} WHERE tenant_id = ?", tenant_id) for table in tables]
    return [tuple(row) for rows in found for row in rows]


def job(world: World) -> sqlite3.Row:
    return world.rows("SELECT * FROM inbox WHERE type = 'slackapp.purge'")[0]


def pending(world: World) -> int:
    reply = world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
    return int(reply.json["purges_pending"])


def test_nothing_of_the_tenant_is_left_in_any_file_but_ids(busy: World) -> None:
    gone, stays = blobs(busy, NORTH), blobs(busy, SOUTH)
    assert len(gone) == len(stays) == 13, "two pairs, four keys, two bodies, two webhooks, details"
    busy.service.app.db.erase_residue()
    assert [blob for blob in gone if blob not in busy.bytes_on_disk()] == [], "the look-out sees what is there"
    erase(busy)
    busy.work()
    content = busy.bytes_on_disk()
    assert [blob for blob in gone if blob in content] == []
    assert [blob for blob in stays if blob not in content] == []
    secrets = [*busy.slack.issued_tokens, CANARY]
    assert [secret for secret in secrets if secret.encode() in content] == []
    assert NORTH.encode() in content


@pytest.mark.claim("C-56")
def test_tokens_and_keys_go_at_once_then_bodies_and_the_other_tenant_is_not_touched(busy: World) -> None:
    before = everything(busy, SOUTH)
    bodies = {bytes(row[0]) for row in busy.rows(SEALED[3], NORTH)}
    erase(busy)
    assert (blobs(busy, NORTH), busy.status(NORTH), everything(busy, SOUTH)) == (bodies, "", before)
    busy.work()
    assert blobs(busy, NORTH) == set()
    states = busy.rows("SELECT state, result FROM inbox WHERE tenant_id = ? AND kind = 'event'", NORTH)
    assert {tuple(row) for row in states} == {("done", "purged")}
    (note,) = busy.facts("purge.begun")
    assert (note["tenant_id"], note["detail"], note["count"]) == (NORTH, "operator", 8)


def test_an_id_is_remembered_so_that_a_repeat_after_the_purge_has_no_effect(busy: World) -> None:
    erase(busy)
    busy.work()
    busy.browser().install(NORTH)
    busy.work()
    assert busy.mention("EvWaits0").status == 200
    assert busy.work() == 0


@pytest.mark.claim("C-57")
def test_a_purge_is_done_when_the_log_is_empty_and_nothing_is_left(busy: World) -> None:
    erase(busy)
    assert pending(busy) == 1
    busy.work()
    assert (pending(busy), job(busy)["state"], job(busy)["result"]) == (0, "done", "complete")
    assert busy.audit().count("purge.complete") == 1


@pytest.mark.claim("C-57")
def test_while_a_reader_holds_the_log_the_purge_is_pending_and_is_tried_again_after_ten_seconds(busy: World) -> None:
    with reading(busy):
        erase(busy)
        for _ in range(3):
            busy.work()
            assert (job(busy)["state"], job(busy)["next_at"]) == ("ready", busy.clock() + 10)
            assert (pending(busy), "purge.complete" in busy.audit()) == (1, False)
            busy.clock.advance(9)
            assert busy.work() == 0
            busy.clock.advance(1)
    assert (busy.work(), pending(busy), job(busy)["state"]) == (1, 0, "done")
    assert "purge.complete" in busy.audit()


def test_a_pending_purge_survives_a_restart(busy: World) -> None:
    with reading(busy):
        erase(busy)
        busy.work()
    busy.restart()
    assert pending(busy) == 1
    busy.clock.advance(60)
    assert (busy.work(), pending(busy)) == (1, 0)


def test_a_purge_with_something_left_is_not_called_done(busy: World) -> None:
    erase(busy)
    with contextlib.closing(sqlite3.connect(busy.settings.database)) as connection, connection:
        connection.execute(
            "INSERT INTO data_keys (key_id, tenant_kind, tenant_id, purpose, provider, master_version, wrapped, state, "
            "created_at) VALUES (7, 'T', ?, 'data', 'local', 1, zeroblob(100), 'active', 1)",
            [NORTH],
        )
    busy.work()
    assert (job(busy)["state"], job(busy)["result"], pending(busy)) == ("ready", "left=1", 1)


def test_a_new_install_meanwhile_does_not_hold_the_purge_up_and_is_not_erased_by_it(busy: World) -> None:
    with reading(busy):
        erase(busy)
        busy.work()
        busy.clock.advance(60)
        busy.browser().install(NORTH)
    new = blobs(busy, NORTH)
    busy.work()
    assert (job(busy)["state"], pending(busy), busy.status()) == ("done", 0, "active")
    assert blobs(busy, NORTH) == new
    busy.mention("EvNew")
    busy.slack.called.clear()
    busy.work()
    assert [call.ok for call in busy.slack.calls] == [True]


@pytest.mark.claim("C-98")
def test_a_clock_that_was_a_day_ahead_holds_no_purge_up(busy: World) -> None:
    """The tenant comes back, by the clock a day before it went."""
    with reading(busy):
        erase(busy)
        busy.work()
        busy.clock.set(-86_400)
        busy.clock.advance(60)
        assert busy.browser().install(NORTH).status == 303
    busy.work()
    assert (job(busy)["state"], pending(busy), busy.status()) == ("done", 0, "active")


def test_each_purge_of_a_tenant_that_comes_and_goes_is_seen_to_its_end(busy: World) -> None:
    with reading(busy):
        erase(busy)
        busy.work()
        busy.browser().install(NORTH)
        erase(busy)
        assert pending(busy) == 2
        busy.clock.advance(60)
    busy.work()
    assert (pending(busy), busy.audit().count("purge.complete"), blobs(busy, NORTH)) == (0, 2, set())


def test_a_worker_that_lost_the_job_does_not_call_it_done(busy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    db = busy.service.app.db
    erase_residue = db.erase_residue

    def lose() -> frozenset[Residue]:
        with contextlib.closing(sqlite3.connect(busy.settings.database)) as connection, connection:
            connection.execute("UPDATE inbox SET lease_owner = 'another' WHERE type = 'slackapp.purge'")
        return erase_residue()

    erase(busy)
    monkeypatch.setattr(db, "erase_residue", lose)
    busy.work()
    assert (job(busy)["state"], "purge.complete" in busy.audit()) == ("running", False)


def test_an_enterprise_is_purged_without_its_workspaces(world: World) -> None:
    world.browser().install(ORG)
    world.browser().install("T0EVERAA01")
    world.work()
    erase(world, Tenant("E", ORG))
    world.work()
    assert (world.status(ORG), world.status("T0EVERAA01"), len(blobs(world, ORG))) == ("", "active", 0)


def test_what_was_read_before_the_purge_opens_no_more(busy: World) -> None:
    app = busy.service.app
    token = tokens.find(app.db, north_tenant(), BOT)
    assert token is not None
    context = records.access_token_context(north_tenant(), BOT, token.generation)
    assert app.keyring.open(context, token.access).startswith(b"xoxe.xoxb-")
    erase(busy)
    with pytest.raises(DecryptError):
        app.keyring.open(context, token.access)


# Copies with the keys inside


@pytest.mark.claim("C-57")
def test_a_purge_is_pending_while_somebody_works_on_a_copy_with_the_keys_inside(busy: World) -> None:
    """A backup was begun before the purge: its copy has the tenant's keys."""
    with busy.service.app.db.working_folder() as work:
        busy.service.app.db.copy_to(work / "data.db")
        erase(busy)
        busy.work()
        assert (job(busy)["state"], job(busy)["result"]) == ("ready", "a backup or a restore is under way")
        assert purge_tenant.verify(busy.service.app)["working copies with their keys inside"] == 1
    busy.clock.advance(10)
    busy.work()
    assert (pending(busy), purge_tenant.verify(busy.service.app)["working copies with their keys inside"]) == (0, 0)


@pytest.mark.claim("C-57")
def test_a_copy_that_a_killed_process_left_goes_with_the_purge(busy: World) -> None:
    work = sqlite_files.sibling(busy.settings.database, ".work")
    work.mkdir(mode=0o700)
    busy.service.app.db.copy_to(work / "data.db")
    erase(busy)
    busy.work()
    assert (pending(busy), work.exists()) == (0, False)
