"""Rotation, new data keys, uninstall, purge, backup, restore."""

import json

from slackapp.crypto import keyfile
from slackapp.flows import queue_data
from slackapp.flows.backup import key_backup
from slackapp.flows.backup.backup_database import DATA, MANIFEST
from slackapp.flows.keys import reencrypt_tenant
from slackapp.model import Holder, Tenant
from tests.long.child import Child
from tests.long.scenarios import (
    Arguments,
    Command,
    Run,
    Scenario,
    add,
    assert_purged,
    assert_usable,
    finish,
    install,
    waiting_event,
    wrapped_keys,
)
from tests.support.connections import connect
from tests.support.world import NORTH, ORG, SOUTH, World

OTHER = Tenant("T", SOUTH)


def _two(world: World, command: Command) -> Arguments:
    install(world, NORTH, SOUTH)
    waiting_event(world, "EvWaits")
    return {"wrapped": wrapped_keys(world, NORTH)}


def _keys_in_backup(world: World) -> dict[int, bytes]:
    content = (world.folder / "keys" / "slackapp-keys.json").read_bytes()
    assert key_backup.is_authentic(world.service.app, content)
    return {key.key_id: key.wrapped for key in key_backup.parse(content).keys}


def _assert_backup_is_current(world: World) -> None:
    stored = {row["key_id"]: row["wrapped"] for row in world.rows("SELECT key_id, wrapped FROM data_keys")}
    assert _keys_in_backup(world) == stored


# Rotation


def _rotate(actor: Child) -> None:
    actor.command("keys", "rotate")


def _wrapped_by(world: World) -> set[int]:
    return {row[0] for row in world.rows("SELECT master_version FROM data_keys")}


def _rotated(run: Run) -> None:
    world = run.world
    assert_usable(world)
    assert_usable(world, OTHER)
    complete = _wrapped_by(world) == {2}
    run.again()
    file = world.settings.master_key_file
    # A rotation that was interrupted is finished; only after a complete one, the next begins.
    newest = 3 if complete else 2
    assert set(keyfile.parse_master_keys(file, file.read_bytes())) == set(range(1, newest + 1))
    assert _wrapped_by(world) == {newest}
    noted = {row["name"]: row["value"] for row in world.rows("SELECT name, value FROM meta")}
    assert noted["primary_master_key"] == str(newest)
    assert {f"key_check:{newest}", f"key_since:{newest}"} <= noted.keys()
    assert world.audit().count("keys.promoted") == newest - 1
    _assert_backup_is_current(world)
    assert_usable(world)
    finish(world)


add(Scenario("rotate the master key", _two, _rotate, _rotated))


def _reencrypt(actor: Child) -> None:
    actor.command("keys", "reencrypt")


def _reencrypted(run: Run) -> None:
    world = run.world
    assert_usable(world)
    run.again()
    wrapped = {row[0].hex() for row in world.rows("SELECT wrapped FROM data_keys WHERE tenant_id = ?", NORTH)}
    before = run.arguments["wrapped"].split(",")
    assert wrapped.isdisjoint(before)
    assert len(wrapped) == len(before)
    _assert_backup_is_current(world)
    for tenant in (None, OTHER):
        assert_usable(world, tenant)
    finish(world)
    assert {row[0] for row in world.rows("SELECT state FROM inbox WHERE event_id = 'EvWaits'")} == {"done"}


add(Scenario("new data keys", _two, _reencrypt, _reencrypted))


# Of a tenant that has more rows than a portion, and a connection with a key of its own

FEW = 4
"""Rows of a portion, in the process that dies."""


def _many(world: World, command: Command) -> Arguments:
    arguments = _two(world, command)
    for number in range(2 * FEW):
        waiting_event(world, f"EvMore{number}")
    connect(world.service.app, Tenant("T", NORTH), Holder.connection("c1"))
    return {**arguments, "wrapped": wrapped_keys(world, NORTH)}


def _make_portions_small() -> None:
    for module in (reencrypt_tenant, queue_data):
        setattr(module, "PORTION_ROWS", FEW)  # noqa: B010


def _reencrypt_in_portions(actor: Child) -> None:
    _make_portions_small()
    actor.command("keys", "reencrypt", "--tenant", NORTH)


def _reencrypted_in_portions(run: Run) -> None:
    _reencrypted(run)
    assert not run.world.rows("SELECT 1 FROM data_keys WHERE state = 'retired'")


add(Scenario("new data keys in portions", _many, _reencrypt_in_portions, _reencrypted_in_portions))


# Purge


def _uninstall(actor: Child) -> None:
    actor.command("uninstall", NORTH)


def _uninstalled(run: Run) -> None:
    world = run.world
    if "uninstall.begun" not in world.audit():
        assert_usable(world)
        run.again()
    if run.told == ("status 0",):
        assert_purged(run)
    finish(world)
    assert_purged(run)
    assert_usable(world, OTHER)
    again = [row["event"] for row in world.rows("SELECT event FROM audit WHERE tenant_id = ?", NORTH)]
    assert again.count("purge.complete") == again.count("purge.begun") == 1


add(Scenario("uninstall by the operator", _two, _uninstall, _uninstalled))


def _uninstall_in_portions(actor: Child) -> None:
    _make_portions_small()
    _uninstall(actor)


add(Scenario("uninstall in portions", _many, _uninstall_in_portions, _uninstalled))


def _told_of_uninstall(world: World, command: Command) -> Arguments:
    arguments = _two(world, command)
    world.clock.advance(3600)
    world.slack.uninstall(NORTH)
    body = json.dumps(world.envelope({"type": "app_uninstalled"}, "EvGone"))
    return {**arguments, "body": body}


def _hear(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    actor.tell(f"acknowledged {world.post_signed(actor.arguments['body'].encode()).status}")
    world.work()
    actor.tell("worked")


def _heard(run: Run) -> None:
    world = run.world
    if run.told:
        assert run.told[0] == "acknowledged 200"
        assert "purge.begun" in world.audit()
        assert world.status() == ""
    assert world.post_signed(run.arguments["body"].encode()).status == 200  # Slack sends it again
    finish(world)
    assert_purged(run)
    assert_usable(world, OTHER)


add(Scenario("purge after app_uninstalled", _told_of_uninstall, _hear, _heard))


# Backup and restore


def _backup(actor: Child) -> None:
    actor.command("backup", "one")


def _assert_whole(run: Run) -> None:
    """Whatever looks like a backup is one."""
    world = run.world
    for folder in sorted(world.folder.iterdir()):
        if folder.is_dir() and not folder.name.startswith(".") and (folder / MANIFEST).exists():
            run.again("restore", "--check", folder.name)


def _backed_up(run: Run) -> None:
    world = run.world
    _assert_whole(run)
    run.again("backup", "two")
    assert (world.folder / "two" / DATA).exists()
    _assert_whole(run)
    _assert_backup_is_current(world)
    wrapped = [bytes.fromhex(key) for key in run.arguments["wrapped"].split(",")]
    for file in world.folder.glob("[!.]*/*.db"):
        assert not any(key in file.read_bytes() for key in wrapped)
    finish(world)
    assert_usable(world)


add(Scenario("backup", _two, _backup, _backed_up))


def _changed_since(world: World, command: Command) -> Arguments:
    """A backup; after it one tenant is purged, and another one installed."""
    arguments = _two(world, command)
    command("backup", "one")
    command("uninstall", SOUTH)
    install(world, ORG)
    return {**arguments, "audit": str(len(world.audit()))}


def _restore(actor: Child) -> None:
    actor.arm()
    actor.command("restore", "one")


def _restored(run: Run) -> None:
    world = run.world
    assert world.status(SOUTH) == ""
    if "backup.restored" not in world.audit():
        # The one that was there is there as it was, with all that it had acknowledged.
        if world.status(ORG) == "active" and len(world.audit()) >= int(run.arguments["audit"]):
            assert_usable(world, Tenant("E", ORG))
        else:
            run.lost.append("the old database is in its place, but without what it had acknowledged last")
    if "status 0" in run.told:
        assert "backup.restored" in world.audit()
    run.again()
    assert [row[0] for row in world.rows("SELECT tenant_id FROM installations")] == [NORTH]
    finish(world)
    assert_usable(world)


add(Scenario("restore", _changed_since, _restore, _restored))
