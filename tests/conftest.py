"""Two rules for every test: no connection leaves this machine, and generated input is the same in every run."""

import contextlib
import gc
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from slackapp.model import AuditEntry, Mac
from slackapp.store import audit
from slackapp.store.engine.database import Database
from slackapp.vault.keyring import Keyring
from tests.support import audit_meanings, prepared_world
from tests.support.bookmarks import meanings
from tests.support.host_audit import HOST_MEANINGS
from tests.support.operator import CommandLine, open_shell
from tests.support.prepared_world import Left, going_on, left_by
from tests.support.programs import count_skips
from tests.support.world import World, begun_database, make_world

LOOPBACK = ("127.", "::1", "localhost")
REACHING = frozenset({"socket.connect", "socket.getaddrinfo"})
MEMORY = Path("/dev/shm")
TESTS = Path(__file__).parent

# Databases of tests lie in memory where that can be: what these tests prove does not hang on the disk's speed, and the
# long ones, which are about disks, choose their own place. Whoever sets the variable decides.
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

settings.register_profile("slackapp", deadline=None, derandomize=True, database=None)
settings.load_profile("slackapp")


def _stay_here(event: str, args: tuple[object, ...]) -> None:
    """Fail the test that connects to another machine, or looks up its name."""
    if event not in REACHING:
        return  # this is called for every file that is opened, too
    host: object = None
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    if isinstance(host, str) and host and not host.startswith(LOOPBACK):
        raise RuntimeError(f"a test reached out to {host}: tests need no network")


sys.addaudithook(_stay_here)


def pytest_collection(session: pytest.Session) -> None:
    """Of several workers each imports another part of the tests first, where it runs them all.

    In a fresh checkout to compile them takes longer than to run a quarter of them: so no worker compiles all.
    """
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    if session.config.args == session.config.getini("testpaths"):
        files = sorted(TESTS.rglob("test_*.py"))
        begin = int(number) * len(files) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        for file in files[begin:]:
            with contextlib.suppress(Exception, pytest.skip.Exception):  # which the collection finds, too, and tells
                importlib.import_module(".".join(file.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """What there is by now stays to the end: the collector need not look at all of it, and may look less often."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not run, why, and how to have it: a green end must not look like more than it is."""
    skipped = terminalreporter.stats.get("skipped", [])
    lines = count_skips(report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple))
    if lines:
        terminalreporter.section("not run here")
    for line in lines:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def _begun_before_anything_is_replaced(request: pytest.FixtureRequest) -> None:
    """The database that all worlds begin with is made by the service as it is, and not as a test has changed it.

    In a run of a few tests whoever needs it makes it.
    """
    if len(request.session.items) > 100:
        begun_database()


@pytest.fixture(autouse=True)
def _rows_say_what_the_page_says() -> Iterator[None]:
    """Compares every audit row that a test lets the service write with docs/audit-events.md."""
    next_row, found = audit.next_row, list[str]()

    def watched(db: Database, entry: AuditEntry, mac: Mac) -> dict[str, Any]:
        row = next_row(db, entry, mac)
        if isinstance(getattr(mac, "__self__", None), Keyring):  # the service's own, and no test's of the encoding
            found.extend(audit_meanings.wrong(row, {**meanings.MEANINGS, **HOST_MEANINGS}))
        return row

    audit.next_row = watched  # not by pytest's own means, which cost each test more than this
    try:
        yield
    finally:
        audit.next_row = next_row
    assert found == [], "tests/support/audit_meanings.py says otherwise"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Our service and a local Slack."""
    with make_world(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def memory_folder() -> Iterator[Path]:
    """A folder in memory, where there is such a place: what is proved here does not hang on the disk's speed."""
    with prepared_world.memory_folder() as made:
        yield made


@pytest.fixture
def folder(memory_folder: Path) -> Iterator[Path]:
    """The same, empty for each test."""
    with tempfile.TemporaryDirectory(dir=memory_folder) as made:
        yield Path(made)


@pytest.fixture
def shell(folder: Path) -> Iterator[CommandLine]:
    with open_shell(folder) as made:
        yield made


@pytest.fixture(scope="session")
def installed_once() -> Left:
    with prepared_world.memory_folder() as folder, make_world(folder) as world:
        world.browser().install()
        world.work()
        return left_by(world)


@pytest.fixture
def ready(tmp_path: Path, installed_once: Left) -> Iterator[World]:
    """The app installed in one workspace, and its greeting sent."""
    with going_on(installed_once, tmp_path) as world:
        yield world
