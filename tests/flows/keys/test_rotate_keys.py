"""A rotation step by step: readers first, killed at each step, and raced by another one."""

import dataclasses
import re
from typing import Any

import pytest

from slackapp.app import Service, build, system_entropy
from slackapp.crypto import keyfile
from slackapp.errors import CommandError, ConfigError
from slackapp.flows.keys import rotate_keys
from slackapp.model import DataKey
from slackapp.store import data_keys, meta, processes
from slackapp.store.engine.database import Database
from tests.support.operator import ACTOR, CommandLine, kill_at, opens_everything
from tests.support.world import NORTH, ORG, SOUTH

STEPS = {
    "before the key is in the file": "slackapp.crypto.keyfile.os.replace",
    "before anybody is told": "slackapp.flows.keys.rotate_keys.request_key_reload",
    "before anybody is waited for": "slackapp.flows.keys.rotate_keys._wait_for_processes",
    "before it becomes the primary": "slackapp.flows.keys.rotate_keys.set_primary",
    "in the transaction that makes it the primary": "slackapp.flows.keys.rotate_keys.meta.key_since_name",
    "before the first data key is wrapped": "slackapp.flows.keys.rotate_keys.rewrap_all",
    "in the first batch": "slackapp.flows.keys.rotate_keys.data_keys.rewrap",
    "after the first batch": "slackapp.cli.keys.print_progress",
    "before the key backup is rewritten": "slackapp.flows.backup.key_backup.write",
    "before every data key is tried": "slackapp.flows.keys.rotate_keys.broken_keys",
}
DONE = ("before every data key is tried",)


def no_progress(done: int, total: int) -> None:
    """Prints nothing."""


def put_version(shell: CommandLine, version: int) -> None:
    """What a rotation does to the file."""
    file = shell.world.settings.master_key_file
    keyfile.replace_private(file, keyfile.format_master_key(version, bytes([version]) * 32) + file.read_bytes())


def beat(db: Database, versions: set[int], epoch: int, now: int, name: str = "another") -> None:
    with db.transaction():
        processes.save_heartbeat(db, name, epoch, frozenset(versions), now)


def primary(shell: CommandLine) -> int:
    return meta.primary_master_key(shell.world.service.app.db)


def another_process(shell: CommandLine) -> Service:
    world = shell.world
    return build(world.settings, world.clock, system_entropy, world.log)


@pytest.mark.long
@pytest.mark.parametrize("when", STEPS)
def test_a_rotation_killed_at_any_step_loses_nothing_and_running_it_again_finishes(
    shell: CommandLine, when: str
) -> None:
    shell.good("backup", str(shell.folder / "b0"))
    shell.patch.setattr(rotate_keys, "BATCH", 3)
    kill_at(shell.patch, STEPS[when], lambda: shell.run("keys", "rotate"))
    assert opens_everything(shell.world)
    shell.good("keys", "rotate")
    newest = 3 if when in DONE else 2  # nothing hung on the old key any more: that was the next rotation
    assert (shell.masters(), opens_everything(shell.world)) == ({("local", newest)}, True)
    assert shell.good("keys", "retire", "1")
    assert shell.good("restore", str(shell.folder / "b0"), "--check").startswith("2 tenants open whole; 0 were purged")


def test_a_batch_that_was_committed_need_not_be_done_again(shell: CommandLine) -> None:
    shell.patch.setattr(rotate_keys, "BATCH", 4)
    kill_at(shell.patch, "slackapp.cli.keys.print_progress", lambda: shell.run("keys", "rotate"))
    assert shell.masters() == {("local", 1), ("local", 2)}
    assert "9 data keys were wrapped anew" in shell.good("keys", "rotate")


def test_a_live_process_that_lacks_the_new_key_keeps_it_from_becoming_the_primary(shell: CommandLine) -> None:
    app = shell.world.service.app
    put_version(shell, 2)
    epoch = rotate_keys.request_key_reload(app)
    beat(app.db, {1}, epoch, shell.world.clock.steady())
    before = shell.world.snapshot()
    with pytest.raises(CommandError, match=r"^1 serving processes do not have master key 2 yet; try again$"):
        rotate_keys.set_primary(app, 2, ACTOR, shell.world.clock())
    assert (shell.world.snapshot(), primary(shell)) == (before, 1)
    beat(app.db, {1, 2}, epoch, shell.world.clock.steady())
    rotate_keys.set_primary(app, 2, ACTOR, shell.world.clock())
    assert primary(shell) == 2


def test_a_process_lags_while_it_lacks_the_key_or_has_not_noticed(shell: CommandLine) -> None:
    app, now = shell.world.service.app, shell.world.clock.steady()
    for name, versions, epoch in (("lacks", {1}, 5), ("asleep", {1, 2}, 4), ("good", {1, 2}, 5), ("ahead", {2, 3}, 6)):
        beat(app.db, versions, epoch, now, name)
    assert rotate_keys.processes_behind(app, 2, 5) == ["asleep", "lacks"]


@pytest.mark.parametrize(("age", "counts"), [(60, True), (61, False)])
def test_a_process_that_was_not_seen_for_a_minute_is_not_waited_for(shell: CommandLine, age: int, counts: bool) -> None:
    app = shell.world.service.app
    beat(app.db, {1}, 0, shell.world.clock.steady())
    shell.world.clock.advance(age)
    assert bool(rotate_keys.processes_behind(app, 2, 1)) is counts


@pytest.mark.claim("C-98")
@pytest.mark.parametrize("seconds", [86_400, -86_400])
def test_a_process_is_waited_for_though_the_clock_was_set_since_it_was_seen(shell: CommandLine, seconds: int) -> None:
    """Stops a rotation that leaves behind a live process, which cannot read what it writes."""
    app = shell.world.service.app
    beat(app.db, {1}, 0, shell.world.clock.steady())
    shell.world.clock.set(seconds)
    assert rotate_keys.processes_behind(app, 2, 1) == ["another"]


@pytest.mark.claim("C-98")
def test_a_process_of_an_earlier_boot_is_not_waited_for(shell: CommandLine) -> None:
    beat(shell.world.service.app.db, {1}, 0, shell.world.clock.steady() + 500_000)
    assert rotate_keys.processes_behind(shell.world.service.app, 2, 1) == []


def test_a_key_that_is_not_in_the_file_does_not_become_the_primary(shell: CommandLine) -> None:
    with pytest.raises(ConfigError, match=r"holds no master key 2$"):
        rotate_keys.set_primary(shell.world.service.app, 2, ACTOR, shell.world.clock())
    assert primary(shell) == 1


def test_the_command_waits_and_gives_up_with_75_and_goes_on_when_asked_again(shell: CommandLine) -> None:
    db, waited = shell.world.service.app.db, []
    beat(db, {1}, 0, shell.world.clock.steady())
    shell.patch.setattr("slackapp.app.time.sleep", waited.append)
    ended = shell.run("keys", "rotate")
    assert (ended.status, ended.out, round(sum(waited))) == (75, "", 60)
    assert ended.error == "some serving processes do not have master key 2 yet; run this again\n"
    assert (primary(shell), shell.masters()) == (1, {("local", 1)})
    assert "local    2  not in use yet" in shell.good("keys", "list")

    def catch_up(seconds: float) -> None:
        beat(db, {1, 2}, meta.key_epoch(db), shell.world.clock.steady())

    shell.patch.setattr("slackapp.app.time.sleep", catch_up)
    assert "master key 2 is the primary" in shell.good("keys", "rotate")


class Meddled:
    """A keyring; when it wraps its first key, somebody else comes in between."""

    def __init__(self, keyring: Any, meddle: Any) -> None:
        self._keyring = keyring
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keyring, name)

    def rewrap(self, key: DataKey, provider: str) -> tuple[int, bytes]:
        wrapped = self._keyring.rewrap(key, provider)
        meddle, self._meddle = self._meddle, lambda: None
        meddle()
        return wrapped  # type: ignore[no-any-return]


def test_of_two_rotations_at_once_each_data_key_is_wrapped_by_one(shell: CommandLine) -> None:
    app = shell.world.service.app
    put_version(shell, 2)
    rotate_keys.request_key_reload(app)
    rotate_keys.set_primary(app, 2, ACTOR, shell.world.clock())
    other = another_process(shell)
    wrapped: list[dict[int, bytes]] = []

    def overtake() -> None:
        rotate_keys.rewrap_all(other.app, ACTOR, no_progress)
        wrapped.append({key.key_id: key.wrapped for key in data_keys.list_all(app.db)})

    slow = dataclasses.replace(app, keyring=Meddled(app.keyring, overtake))
    rotate_keys.rewrap_all(slow, ACTOR, no_progress)
    other.stop()
    assert {key.key_id: key.wrapped for key in data_keys.list_all(app.db)} == wrapped[0], "nothing was overwritten"
    noted = [(row["record_id"], row["count"]) for row in shell.world.facts("keys.rewrapped")]
    assert noted == [("2", 13), ("2", 0)]
    assert opens_everything(shell.world)


def test_a_purge_between_the_wrapping_and_the_swap_brings_no_key_back(shell: CommandLine) -> None:
    app = shell.world.service.app
    put_version(shell, 2)
    rotate_keys.request_key_reload(app)
    rotate_keys.set_primary(app, 2, ACTOR, shell.world.clock())
    slow = dataclasses.replace(app, keyring=Meddled(app.keyring, lambda: shell.good("purge", NORTH)))
    rotate_keys.rewrap_all(slow, ACTOR, no_progress)
    assert (shell.key_ids(NORTH), len(shell.key_ids(SOUTH))) == (set(), 4)
    assert NORTH not in shell.slot.read_text()


def test_what_is_installed_after_the_promotion_hangs_on_the_new_key(shell: CommandLine) -> None:
    app = shell.world.service.app
    put_version(shell, 2)
    rotate_keys.request_key_reload(app)
    rotate_keys.set_primary(app, 2, ACTOR, shell.world.clock())
    shell.world.browser().install(ORG)
    rows = shell.world.rows("SELECT DISTINCT master_version FROM data_keys WHERE tenant_id = ?", ORG)
    assert [row[0] for row in rows] == [2]


def test_a_process_that_runs_on_reads_what_was_wrapped_anew_and_writes_with_the_new_key(shell: CommandLine) -> None:
    """It was there before the rotation, and nobody restarted it."""
    shell.world.work()
    shell.good("keys", "rotate")
    for number, tenant in enumerate((NORTH, SOUTH)):
        assert shell.answers(tenant, f"EvAfter{number}")
    assert shell.world.browser().install(ORG).status == 303
    assert shell.masters() == {("local", 2)}


def test_set_primary_refuses_an_older_version(shell: CommandLine) -> None:
    """Two rotations one after the other; the older one's process wakes up late and makes its key the primary."""
    app = shell.world.service.app
    shell.good("keys", "rotate")
    with pytest.raises(CommandError):
        rotate_keys.set_primary(app, 1, ACTOR, shell.world.clock())
    assert primary(shell) == 2


def start_is_refused(shell: CommandLine, sentence: str) -> None:
    for command in (("keys", "verify"), ("tenants",), ("audit", "head")):
        ended = shell.run(*command)
        assert (ended.status, ended.out, len(ended.error.splitlines())) == (78, "", 1), ended.error
        assert re.match(rf"slackapp: SLACKAPP_MASTER_KEY_FILE: .*{sentence}", ended.error)


def test_a_key_file_that_is_missing_readable_or_of_another_database_stops_the_start_with_one_line(
    shell: CommandLine,
) -> None:
    file = shell.world.settings.master_key_file
    content = file.read_bytes()
    file.chmod(0o640)
    start_is_refused(shell, "others can read it; run: chmod 600")
    file.unlink()
    start_is_refused(shell, "there is no such file")
    for spoilt, sentence in (
        (keyfile.format_master_key(1, bytes(32)), "master key 1 does not match the database"),
        (keyfile.format_master_key(2, bytes(32)), "master key 1 is missing"),
        (b"nonsense\n", "line 1 is not of the form"),
        (content + content, "line 2 repeats a version"),
    ):
        keyfile.replace_private(file, spoilt)
        start_is_refused(shell, sentence)
    keyfile.replace_private(file, content)
    assert shell.run("keys", "verify").status == 0


def test_a_new_master_key_is_known_again_from_its_promotion_on(shell: CommandLine) -> None:
    """I put a key of mine into the file, under the number of theirs."""
    shell.good("keys", "rotate")
    file = shell.world.settings.master_key_file
    keyfile.replace_private(file, keyfile.format_master_key(2, bytes(32)) + keyfile.format_master_key(1, bytes(32)))
    start_is_refused(shell, "master key 2 does not match the database")


def test_an_old_master_key_that_data_keys_still_need_is_missed_at_the_start(shell: CommandLine) -> None:
    """I tidied up the key file by hand, in the middle of a rotation."""
    kill_at(shell.patch, "slackapp.flows.keys.rotate_keys.data_keys.rewrap", lambda: shell.run("keys", "rotate"))
    file = shell.world.settings.master_key_file
    keyfile.replace_private(file, keyfile.without_master_key(file.read_bytes(), 1))
    start_is_refused(shell, "master key 1 is missing")
