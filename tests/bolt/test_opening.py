"""How a store is opened, shared by threads and processes, carried over a fork, and closed."""

import fcntl
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.error import BoltError

from slackapp.crypto import keyfile
from slackapp.errors import ConfigError
from slackapp.store.engine import sqlite
from tests.bolt.store_folder import TEAM, Folder, Stores, a_bot, an_installation, equip, here
from tests.support.race import ROOT, race
from tests.support.world import START

# What is wrong with the arguments is told at once

WRONG: dict[str, dict[str, Any]] = {
    "app_id=": {"app_id": "not an id"},
    "app_id= is needed for managed_rotation=True": {"app_id": ""},
    "client_secret=": {"client_secret": "short"},
    "client_secret= is needed for managed_rotation=True": {"client_secret": ""},
    "client_id=": {"client_id": "x"},
    "client_id= is missing": {"client_id": ""},
    "slack_url=": {"slack_url": "http://slack.example.com"},
    "database= is missing": {"database": ""},
    "database= /dev/null/x.db cannot be made": {"database": "/dev/null/x.db"},
    "master_key_file= is missing": {"master_key_file": ""},
    "master_key_file= ": {"master_key_file": "/dev/null/none.key"},
    "key_backup_dir= ": {"key_backup_dir": "~nobody-of-that-name/x"},
}
WRONG_STATES: dict[str, dict[str, Any]] = {
    "expiration_seconds= must be a whole number from 1 to 900": {"expiration_seconds": 0},
    "expiration_seconds= must be a whole number from 1 to": {"expiration_seconds": 901},
    "expiration_seconds= must be a whole number from": {"expiration_seconds": -1},
    "limit= must be a whole number from 1": {"limit": 0},
    "app_id=": {"app_id": "not an id"},
    "client_id= is missing": {"client_id": ""},
    "database= is missing": {"database": ""},
    "master_key_file= ": {"master_key_file": "/dev/null/none.key"},
}


@pytest.mark.parametrize(("says", "given"), WRONG.items(), ids=WRONG)
def test_a_wrong_argument_is_named_at_once(stores: Stores, says: str, given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="^" + re.escape(says)) as caught:
        stores.installations(**given)
    assert "SLACK" not in str(caught.value)


@pytest.mark.parametrize(("says", "given"), WRONG_STATES.items(), ids=WRONG_STATES)
def test_a_wrong_argument_of_a_state_store_is_named_at_once(stores: Stores, says: str, given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="^" + re.escape(says)):
        stores.states(**given)


def test_a_start_that_is_refused_makes_no_database(tmp_path: Path) -> None:
    stores = Stores(Folder(tmp_path))
    with pytest.raises(ConfigError):
        stores.installations(master_key_file=tmp_path / "none.key")
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


def test_the_key_of_another_database_is_refused_by_the_name_of_its_argument(stores: Stores, folder: Folder) -> None:
    other = folder.path / "other.key"
    keyfile.write_private(other, keyfile.format_master_key(1, bytes(range(1, 33))))
    with pytest.raises(ConfigError, match=r"^master_key_file= master key 1 does not match") as caught:
        stores.installations(master_key_file=other)
    assert "SLACK" not in str(caught.value)


def test_a_file_that_is_no_database_or_is_open_to_others_is_refused(stores: Stores, folder: Folder) -> None:
    damaged, open_to_all = folder.path / "damaged.db", folder.path / "open.db"
    keyfile.write_private(damaged, b"no database, but long enough to be looked at" * 200)
    keyfile.write_private(open_to_all, b"")
    open_to_all.chmod(0o644)
    for file, why in ((damaged, "damaged"), (open_to_all, "others can read")):
        with pytest.raises(ConfigError, match=f"^database= .*{why}"):
            stores.installations(database=file)


def test_without_managed_rotation_neither_secret_nor_app_id_is_needed(stores: Stores, folder: Folder) -> None:
    store = stores.installations(managed_rotation=False, client_secret="", app_id="", database=folder.path / "new.db")
    store.save(an_installation(app_id=None))
    assert store.find_bot(**here()).app_id is None


def test_nothing_of_the_environment_counts(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_APP_ID", "SLACKAPP_DATABASE", "SLACKAPP_STATE_LIMIT", "SLACK_CLIENT_SECRET"):
        monkeypatch.setenv(name, "nonsense")
    assert stores.installations().find_bot(**here()) is None
    assert stores.states().issue()


def test_paths_may_be_text_and_relative_to_where_the_app_was_started(
    stores: Stores, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.path)
    store = stores.installations(database="slackapp.db", master_key_file="master.key")
    monkeypatch.chdir("/")
    store.save(an_installation())
    assert stores.installations().find_bot(**here()) is not None


# Threads and processes


def test_eight_threads_save_find_and_erase_at_once(stores: Stores) -> None:
    store = stores.installations(managed_rotation=False)
    barrier = threading.Barrier(8)

    def one(number: int) -> None:
        ids = here(team_id=f"T{number}00")
        barrier.wait(10)
        for turn in range(4):
            store.save(an_installation(**ids, bot_token=f"xoxb-{number}-{turn}", installed_at=float(START + turn)))
            assert store.find_bot(**ids).bot_token == f"xoxb-{number}-{turn}"
            assert store.find_installation(**ids).bot_token == f"xoxb-{number}-{turn}"
        store.delete_all(**ids)
        assert store.find_bot(**ids) is None

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == [None] * 8


def test_one_workspace_saved_by_many_threads_at_once_has_one_bot_that_opens(stores: Stores) -> None:
    """A new workspace gets its keys with the first save: several are first here."""
    barrier = threading.Barrier(4)
    several = [stores.installations(managed_rotation=False) for _ in range(2)] * 2

    def one(number: int) -> None:
        barrier.wait(10)
        several[number].save(an_installation(user_id=f"U{number}00", bot_token=f"xoxb-{number}"))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(4))) == [None] * 4
    found = {store.find_bot(**here()).bot_token for store in several}
    assert len(found) == 1
    assert several[0].find_installation(**here()).bot_token in found


OPEN = """
import sys
from slackapp.bolt import EncryptedInstallationStore, SignedStateStore
from slack_sdk.oauth.installation_store import Installation
folder = sys.argv[1]
files = {"database": f"{folder}/slackapp.db", "master_key_file": f"{folder}/master.key"}
def make():
    return EncryptedInstallationStore(**files, client_id="1000000001.2000000002", managed_rotation=False)
def save(team):
    store.save(Installation(team_id=team, user_id="U111", bot_token=f"xoxb-{team}", bot_id="B111", bot_user_id="UB1"))
def found(*teams):
    return [team for team in teams if store.find_bot(enterprise_id=None, team_id=team) is not None]
"""


@pytest.mark.long
def test_two_processes_may_make_the_database_at_the_same_moment(tmp_path: Path) -> None:
    Folder(tmp_path)
    run = "store = make()\nfor number in range(9): save(f'T{number}00')\nprint(len(store.logger.name))\nstore.close()"
    assert len(race(2, OPEN, run, str(tmp_path))) == 2
    stores = Stores(Folder(tmp_path))
    store = stores.installations()
    assert all(store.find_bot(enterprise_id=None, team_id=f"T{number}00") for number in range(9))
    stores.close()


# A fork

IN_C = pytest.mark.skipif(sys.version_info >= (3, 13), reason="a newer Python must be told before a fork, too")
FORK = """
import ctypes, os
def fork():
    if sys.argv[2] == "used":
        return os.fork()
    process = ctypes.CDLL(None).fork()  # as uWSGI does, which tells Python only afterwards
    if process == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    return process
store = make()
states = SignedStateStore(**files, client_id="1000000001.2000000002")
if sys.argv[2] == "used": save("T111"); state = states.issue()
to_child, to_parent = os.pipe(), os.pipe()
child = fork()
if child == 0:
    save("T222")
    os.write(to_parent[1], b"x")
    os.read(to_child[0], 1)
    save("T333")
    print(*found("T111", "T222", "T333"), states.consume(states.issue()), flush=True)
    os.write(to_parent[1], b"x")
    os.read(to_child[0], 1)
    os._exit(0)
os.read(to_parent[0], 1)
save("T444")
store.close(); states.close()  # as the parent's end does
os.write(to_child[1], b"x")
os.read(to_parent[0], 1)
print(*found("T111", "T222", "T333", "T444"), states.consume(states.issue()), flush=True)
os.write(to_child[1], b"x")
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def run(code: str, *arguments: str) -> str:
    """In a process of its own, because in this one other threads may run."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    "how", ["used", pytest.param("not used, by a server written in C", marks=[pytest.mark.long, IN_C])]
)
def test_after_a_fork_parent_and_child_use_the_store_and_nothing_that_either_saved_is_lost(
    folder: Folder, how: str
) -> None:
    said = run(OPEN + FORK, str(folder.path), how)
    first = "T111 " if how == "used" else ""
    assert said.splitlines() == [f"{first}T222 T333 True", f"{first}T222 T333 T444 True", "0"]
    stored = folder.rows("SELECT tenant_id FROM installations ORDER BY tenant_id")
    assert " ".join(row["tenant_id"] for row in stored) == f"{first}T222 T333 T444"


BUSY_FORK = """
import os, threading
store = make()
save("T111")
inside, release, forked = threading.Event(), threading.Event(), threading.Event()
def hold():
    with store._vault.opened() as (app, _), app.db.transaction():
        inside.set()
        release.wait(10)
        assert not forked.is_set(), "the process forked while somebody was at work"
thread = threading.Thread(target=hold)
thread.start()
inside.wait(10)
threading.Timer(0.05, release.set).start()
child = os.fork()
if child == 0:
    save("T222")
    os._exit(0)
forked.set()
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), *found("T111", "T222"))
"""


@pytest.mark.long
def test_a_fork_waits_until_nobody_is_at_work(folder: Folder) -> None:
    code = "import warnings\nwarnings.simplefilter('ignore')\n" + OPEN + BUSY_FORK
    assert run(code, str(folder.path)) == "0 T111 T222\n"


# The end


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def in_use(folder: Folder) -> bool:
    """Whether some process shows that it uses the database, so that nobody puts another in its place."""
    handle = os.open(f"{folder.database}.users", os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def test_nothing_is_open_before_the_first_use_and_after_the_end_and_a_closed_store_can_be_used_again(
    stores: Stores, folder: Folder
) -> None:
    before = descriptors()
    store, states = stores.installations(), stores.states()
    assert (descriptors(), in_use(folder)) == (before, False)
    for _ in range(2):
        store.save(an_installation())
        state = states.issue()
        assert in_use(folder)
        store.close()
        assert in_use(folder), "by the states"
        states.close()
        assert (descriptors(), in_use(folder)) == (before, False)
        assert states.consume(state)
        assert store.find_bot(**here()) is not None
        states.close()
        store.close()
    assert not Path(f"{folder.database}-wal").exists()


def test_an_opening_that_fails_leaves_nothing_open(
    stores: Stores, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)
    store, other = stores.installations(), folder.path / "other.key"
    keyfile.write_private(other, keyfile.format_master_key(1, bytes(range(1, 33))))
    before = descriptors()
    assert folder.change("DELETE FROM meta WHERE name = 'client_id'") == 1  # so that opening it must write
    with folder.locked():
        for _ in range(3):
            with pytest.raises(BoltError, match="slackapp: the database is locked"):
                store.find_bot(**here())
    assert (descriptors(), in_use(folder)) == (before, False)
    for _ in range(3):
        with pytest.raises(ConfigError, match="master key 1 does not match"):
            stores.installations(master_key_file=other)
    assert (descriptors(), in_use(folder)) == (before, False)


def test_an_opening_does_not_wait_for_somebody_who_writes(stores: Stores, folder: Folder) -> None:
    with folder.locked():
        assert stores.installations().find_bot(**here()) is None


def test_closing_waits_for_what_runs(stores: Stores) -> None:
    store = stores.installations(managed_rotation=False)
    inside, release, closed = threading.Event(), threading.Event(), threading.Event()

    def clock() -> int:
        inside.set()
        release.wait(10)
        assert not closed.is_set()
        return START

    equip(store, clock=clock)

    def close() -> None:
        store.close()
        closed.set()

    saving = threading.Thread(target=lambda: store.save_bot(a_bot()))
    saving.start()
    assert inside.wait(10)
    closing = threading.Thread(target=close)
    closing.start()
    assert not closed.wait(0.05)
    release.set()
    for thread in (saving, closing):
        thread.join(10)
    assert closed.is_set()
    assert store.find_bot(**here()) is not None


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc")
def test_threads_that_have_ended_leave_nothing_open(plain: Any) -> None:
    """A server may serve each request in a thread of its own."""
    plain.find_bot(**here())
    before = descriptors()
    for _ in range(20):
        thread = threading.Thread(target=lambda: plain.find_bot(**here()))
        thread.start()
        thread.join()
    assert descriptors() <= before + 8


def test_a_database_that_is_gone_later_is_an_error_and_not_a_missing_install(stores: Stores, folder: Folder) -> None:
    store = stores.installations(managed_rotation=False)
    store.save(an_installation())
    store.close()
    folder.key_file.rename(folder.path / "moved.key")
    for call in (store.find_bot, store.find_installation, store.delete_all):
        with pytest.raises(BoltError, match=r"^slackapp: master_key_file= "):
            call(enterprise_id="E111", team_id=TEAM)
