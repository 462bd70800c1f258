"""`slackapp keys …`: what each verb prints, how it ends, and what it refuses."""

import re
from pathlib import Path

import pytest

from slackapp.cli import keys
from slackapp.crypto import keyfile
from slackapp.flows.keys import rotate_keys
from slackapp.store import meta
from tests.cli.process import Here
from tests.support.operator import CommandLine, kill_at, open_shell, opens_everything, progress_of
from tests.support.world import NORTH, SOUTH

KEYS = 13  # four per workspace, and five of the service's own


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(tmp_path, monkeypatch, capsys)


def listed(shell: CommandLine) -> list[list[str]]:
    """`keys list`, in columns."""
    return [re.split(r" {2,}", " ".join(line.split(maxsplit=1))) for line in shell.good("keys", "list").splitlines()]


def versions(shell: CommandLine) -> list[int]:
    content = shell.world.settings.master_key_file.read_bytes()
    return list(keyfile.parse_master_keys(shell.world.settings.master_key_file, content))


def spoil_key(shell: CommandLine, tenant_id: str, purpose: str) -> int:
    """Changes one byte of a wrapped data key; its id."""
    row = shell.world.rows("SELECT * FROM data_keys WHERE tenant_id = ? AND purpose = ?", tenant_id, purpose)[0]
    spoilt = bytes([*row["wrapped"][:-1], row["wrapped"][-1] ^ 1])
    assert shell.change("UPDATE data_keys SET wrapped = ? WHERE key_id = ?", spoilt, row["key_id"]) == 1
    return int(row["key_id"])


def test_new_makes_a_private_file_and_says_what_it_is(shell: CommandLine, tmp_path: Path) -> None:
    said = shell.good("keys", "new", str(tmp_path / "another.key"))
    assert said.startswith(f"{tmp_path / 'another.key'}: master key 1.")
    assert (tmp_path / "another.key").stat().st_mode & 0o777 == 0o600
    assert shell.run("keys", "new", str(tmp_path / "another.key")).status == 1


def test_a_new_key_file_is_private_and_holds_one_key(tmp_path: Path, here: Here) -> None:
    ended = here.run({}, "keys", "new", "master.key")
    made = tmp_path / "master.key"
    assert (ended.returncode, ended.stderr) == (0, "")
    assert made.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"slackapp-mk1:1:[A-Za-z0-9+/]{43}=\n", made.read_text())
    assert made.read_text().split(":")[2].strip() not in ended.stdout
    here.run({}, "keys", "new", "another.key")
    assert (tmp_path / "another.key").read_bytes() != made.read_bytes()


def test_a_file_that_is_there_is_not_touched(tmp_path: Path, here: Here) -> None:
    there = tmp_path / "master.key"
    there.write_text("something that matters")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    for name in ("master.key", "link"):
        ended = here.run({}, "keys", "new", name)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == f"slackapp: {name}: exists already; a master key is never overwritten\n"
    assert there.read_text() == "something that matters"
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_is_not_there_is_said_in_one_line(tmp_path: Path, here: Here) -> None:
    ended = here.run({}, "keys", "new", "missing/master.key")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "slackapp: missing/master.key: cannot be made (No such file or directory)\n"


def test_list_shows_each_master_key_its_age_and_how_many_data_keys_hang_on_it(shell: CommandLine) -> None:
    shell.world.clock.advance(2 * 86_400)
    assert listed(shell) == [["local 1", "primary", "age 2 days", f"{KEYS} data keys"]]
    shell.good("keys", "rotate")
    shell.world.clock.advance(3 * 86_400 + 5)
    assert listed(shell) == [
        ["local 1", "old", "age 5 days", "0 data keys"],
        ["local 2", "primary", "age 3 days", f"{KEYS} data keys"],
    ]
    file = shell.world.settings.master_key_file
    keyfile.replace_private(file, keyfile.format_master_key(3, bytes(32)) + file.read_bytes())
    assert listed(shell)[2][:2] == ["local 3", "not in use yet"]


def test_rotate_makes_a_new_primary_and_wraps_every_data_key_anew(shell: CommandLine) -> None:
    said = shell.good("keys", "rotate")
    assert said == f"master key 2 is the primary; {KEYS} data keys were wrapped anew, and every one unwraps\n"
    assert shell.masters() == {("local", 2)}
    assert versions(shell) == [2, 1], "newest first, and the old one stays until it is retired"
    assert shell.world.settings.master_key_file.stat().st_mode & 0o777 == 0o600
    assert opens_everything(shell.world)
    assert shell.answers(NORTH, "EvAfter") is False, "two waiting events were run as well"
    assert shell.answers(SOUTH, "EvAfter2")
    assert "master key 3 is the primary" in shell.good("keys", "rotate")


def test_rotate_changes_the_wrapping_and_nothing_else(shell: CommandLine) -> None:
    before = shell.world.snapshot()
    shell.good("keys", "rotate")
    after = shell.world.snapshot()
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"data_keys", "meta"}
    ids = "SELECT key_id, tenant_id, purpose, state, created_at FROM data_keys ORDER BY key_id"
    assert len(shell.world.rows(ids)) == KEYS


def test_rotate_shows_its_progress_on_stderr_batch_by_batch(shell: CommandLine) -> None:
    shell.patch.setattr(rotate_keys, "BATCH", 4)
    ended = shell.run("keys", "rotate")
    assert ended.error == f"\r4 of {KEYS}\r8 of {KEYS}\r12 of {KEYS}\r{KEYS} of {KEYS}\n"
    assert progress_of(ended.error) != "no progress"


def test_rotate_goes_on_with_a_key_that_an_interrupted_rotation_left_in_the_file(shell: CommandLine) -> None:
    kill_at(shell.patch, "slackapp.flows.keys.rotate_keys.request_key_reload", lambda: shell.run("keys", "rotate"))
    assert versions(shell) == [2, 1]
    assert "master key 2 is the primary" in shell.good("keys", "rotate")
    assert versions(shell) == [2, 1]


def test_two_rotations_that_begin_at_once_leave_a_key_file_that_can_be_read(shell: CommandLine) -> None:
    with keys.open_service() as one, keys.open_service() as other:
        rotate_keys._add_master_key(one.app)
        rotate_keys._add_master_key(other.app)
    assert versions(shell)[-1] == 1
    assert shell.run("keys", "list").status == 0


def test_a_data_key_that_does_not_unwrap_is_named_and_not_a_traceback(shell: CommandLine) -> None:
    key_id = spoil_key(shell, NORTH, "data")
    ended = shell.run("keys", "rotate")
    assert (ended.status, "Traceback" in ended.error) == (1, False)
    assert str(key_id) in ended.error
    assert shell.world.rows("SELECT count(*) FROM data_keys WHERE master_version = 1")[0][0] == 1, "all but that one"


def test_a_key_file_that_cannot_be_written_ends_a_rotation_with_one_line(shell: CommandLine) -> None:
    (shell.folder / "master.key.new").mkdir()
    ended = shell.run("keys", "rotate")
    assert ended.status in (75, 78)
    assert len(ended.error.splitlines()) == 1
    assert versions(shell) == [1]


def test_verify_tries_every_data_key_and_names_those_that_fail(shell: CommandLine) -> None:
    assert shell.good("keys", "verify") == f"{KEYS} of {KEYS} data keys unwrap\n"
    key_id = spoil_key(shell, NORTH, "refresh")
    ended = shell.run("keys", "verify")
    assert (ended.status, ended.out) == (1, f"{KEYS - 1} of {KEYS} data keys unwrap\n")
    assert ended.error == f"data key {key_id} does not\n"


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("7", "the key file holds no master key 7"),
        ("2", "master key 2 is the primary; rotate first"),
    ],
)
def test_retire_refuses_what_is_not_there_and_the_primary(shell: CommandLine, version: str, sentence: str) -> None:
    shell.good("keys", "rotate")
    ended = shell.run("keys", "retire", version)
    assert (ended.status, ended.out, ended.error) == (1, "", f"slackapp: {sentence}\n")
    assert versions(shell) == [2, 1]


def test_retire_refuses_while_a_data_key_in_the_database_needs_the_version(shell: CommandLine) -> None:
    shell.good("keys", "rotate")
    shell.change("UPDATE data_keys SET master_version = 1 WHERE tenant_id = ? AND purpose = 'bot'", SOUTH)
    ended = shell.run("keys", "retire", "1")
    assert (ended.status, "1 data keys still need master key 1" in ended.error, versions(shell)) == (1, True, [2, 1])


def test_retire_refuses_while_only_the_key_backup_needs_the_version(shell: CommandLine) -> None:
    shell.good("backup", str(shell.folder / "b0"))
    old = shell.slot.read_bytes()
    shell.good("keys", "rotate")
    shell.slot.write_bytes(old)
    ended = shell.run("keys", "retire", "1")
    assert (ended.status, f"{KEYS} data keys still need master key 1" in ended.error) == (1, True)
    assert versions(shell) == [2, 1]


def test_retire_takes_the_old_key_out_and_every_process_goes_on(shell: CommandLine) -> None:
    shell.good("keys", "rotate")
    epoch = meta.key_epoch(shell.world.service.app.db)
    assert shell.good("keys", "retire", "1").startswith("master key 1 is out of the file. Destroy its copies")
    assert versions(shell) == [2]
    assert meta.key_epoch(shell.world.service.app.db) > epoch
    assert shell.world.service.app.keyring.reload() > epoch
    assert shell.world.service.app.keyring.master_versions() == {2}
    assert opens_everything(shell.world)


def test_flush_tells_every_process(shell: CommandLine) -> None:
    before = meta.key_epoch(shell.world.service.app.db)
    assert shell.good("keys", "flush") == "every serving process forgets its data keys with its next request\n"
    assert meta.key_epoch(shell.world.service.app.db) == before + 1


def test_reencrypt_gives_one_tenant_new_keys_and_touches_no_other(shell: CommandLine) -> None:
    old, stays, south = shell.key_ids(NORTH), shell.key_ids(SOUTH), shell.blobs(SOUTH)
    records = shell.blobs(NORTH)
    said = shell.good("keys", "reencrypt", "--tenant", NORTH)
    assert f"{NORTH}: new data keys, 6 records sealed anew; older data backups end for it" in said
    assert (shell.key_ids(NORTH) & old, len(shell.key_ids(NORTH))) == (set(), 4)
    assert shell.blobs(NORTH) & records == set(), "no record and no key is what it was"
    assert (shell.key_ids(SOUTH), shell.blobs(SOUTH)) == (stays, south)
    assert opens_everything(shell.world)
    assert shell.world.work() == 2, "what waited opens under the new key"
    assert shell.world.calls("chat.postMessage") == ["chat.postMessage"] * 2


def test_reencrypt_without_a_tenant_does_them_all(shell: CommandLine) -> None:
    old = shell.key_ids(NORTH) | shell.key_ids(SOUTH)
    ended = shell.run("keys", "reencrypt")
    assert (ended.status, ended.error) == (0, "\r1 of 2\r2 of 2\n")
    assert (shell.key_ids(NORTH) | shell.key_ids(SOUTH)) & old == set()
    assert opens_everything(shell.world)


def test_a_serving_process_goes_on_after_another_one_gave_the_tenant_new_keys(shell: CommandLine) -> None:
    """It holds the old keys in memory; nothing is sealed under them any more."""
    shell.world.work()
    shell.good("keys", "reencrypt", "--tenant", NORTH)
    assert shell.answers(NORTH, "EvAfter")
    assert not shell.world.rows("SELECT * FROM inbox WHERE state = 'dead'")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("reencrypt", "--tenant", "T0NOWHERE1"), "T0NOWHERE1: is not installed; see `slackapp tenants`"),
        (("assign", "nonsense", "local"), "nonsense: is not installed; see `slackapp tenants`"),
        (("assign", NORTH, "nobody"), "nobody: is no key provider; SLACKAPP_KEY_COMMANDS names them"),
    ],
)
def test_a_tenant_or_provider_that_is_not_there_is_said_in_one_line(
    shell: CommandLine, arguments: tuple[str, ...], sentence: str
) -> None:
    before = shell.world.snapshot()
    ended = shell.run("keys", *arguments)
    assert (ended.status, ended.out, ended.error) == (1, "", f"slackapp: {sentence}\n")
    assert shell.world.snapshot() == before


def test_a_verb_that_is_not_there_is_a_usage_error(folder: Path) -> None:
    with open_shell(folder, tenants=()) as shell:
        assert [shell.run("keys", *words).status for words in ((), ("destroy",), ("retire", "one"))] == [2, 2, 2]
