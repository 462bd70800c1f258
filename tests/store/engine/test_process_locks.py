"""Locks by which processes see one another."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from slackapp.errors import ConfigError
from slackapp.store.engine.process_locks import ProcessLocks

HOLD = """
import sys
from pathlib import Path
from slackapp.store.engine.process_locks import ProcessLocks
locks = ProcessLocks(Path(sys.argv[1]))
locks.lock_process("aa")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_process_is_announced_until_it_lets_go(tmp_path: Path) -> None:
    ours, theirs = ProcessLocks(tmp_path / "x.db"), ProcessLocks(tmp_path / "x.db")
    assert not theirs.is_process_locked("aa")
    ours.lock_process("aa")
    ours.lock_process("aa")
    assert (ours.is_process_locked("aa"), theirs.is_process_locked("aa"), theirs.is_process_locked("bb")) == (
        True,
        True,
        False,
    )
    (file,) = tmp_path.iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("x.db.process-aa", 0o600)
    ours.release()
    assert not theirs.is_process_locked("aa")
    assert list(tmp_path.iterdir()) == [], "nothing stays behind"


@pytest.mark.claim("C-131")
def test_the_kernel_tells_of_a_process_that_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "x.db")]
    locks = ProcessLocks(tmp_path / "x.db")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert locks.is_process_locked("aa")
        process.kill()
        process.wait()
        assert not locks.is_process_locked("aa")
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", tmp_path / "x.db.process-aa")
    with pytest.raises(ConfigError):
        ProcessLocks(tmp_path / "x.db").is_process_locked("aa")


@pytest.mark.claim("C-131")
def test_the_child_of_a_fork_that_closes_leaves_its_parent_alive(tmp_path: Path) -> None:
    ours, theirs = ProcessLocks(tmp_path / "x.db"), ProcessLocks(tmp_path / "x.db")
    ours.lock_process("aa")
    child = os.fork()
    if child == 0:
        ours.release()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert theirs.is_process_locked("aa")
