"""A folder in memory, a clock, and stores in it that are closed at the end."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.crypto import keyfile
from tests.bolt.store_folder import Caller, Folder, Stores, kept_open
from tests.support.prepared_world import memory_folder
from tests.support.world import Clock


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory, where there is such a place: what is proved here does not hang on the disk's speed."""
    with memory_folder() as folder:
        yield folder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of every store that is opened from now on."""
    clock = Clock()
    monkeypatch.setattr("slackapp.bolt.stores.system_clock", clock)
    return clock


@pytest.fixture(scope="session")
def prepared() -> Iterator[bytes]:
    """A new database as a store makes it, so that not every test has to wait for that."""
    with tempfile.TemporaryDirectory() as made:
        folder = Folder(Path(made))
        stores = Stores(folder)
        stores.installations()
        yield folder.database.read_bytes()


@pytest.fixture
def folder(tmp_path: Path, clock: Clock, prepared: bytes) -> Folder:
    """With a master key and a new database in it; the stores' clock stands still."""
    folder = Folder(tmp_path)
    keyfile.write_private(folder.database, prepared)
    return folder


@pytest.fixture
def stores(folder: Folder) -> Iterator[Stores]:
    """Makes stores on the folder's database."""
    made = Stores(folder)
    yield made
    made.close()


@pytest.fixture(params=["refreshed by Bolt", "managed, from asyncio"])
def store(request: pytest.FixtureRequest, stores: Stores) -> Iterator[Any]:
    """A store as Bolt calls it: refreshing by itself; and leaving that to us, from an event loop."""
    managed = request.param.startswith("managed")
    made = stores.installations(managed_rotation=managed)
    if not managed:
        yield made
        return
    with asyncio.Runner() as loop:
        yield Caller(made, loop.run)


@pytest.fixture
def plain(stores: Stores) -> Any:
    """A store with which Bolt refreshes by itself."""
    return stores.installations(managed_rotation=False)


@pytest.fixture
def builtin(monkeypatch: pytest.MonkeyPatch, folder: Folder) -> Iterator[Callable[..., Any]]:
    """Makes stores of slack_sdk, whose connections do not outlive the test; `wait` seconds for a lock."""
    with kept_open(monkeypatch) as make:
        yield lambda kind, wait=0.0, **given: make(folder, kind, wait, **given)
