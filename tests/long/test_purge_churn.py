"""Customers install and remove the app over and over, where 10,000 tenants have keys: no purge waits long."""

import contextlib
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slackapp.flows.backup import key_backup
from slackapp.flows.removal import purge_tenant
from slackapp.model import Actor, ActorKind, AuditDetail
from slackapp.store import inbox, meta
from tests.support.operator import tenant
from tests.support.world import NORTH, ORG_TEAM, SOUTH, World, make_world

pytestmark = pytest.mark.long
TENANTS, ROUNDS = 10_000, 1000
PURPOSES = ("bot", "user", "refresh", "data")
CUSTOMERS = (NORTH, SOUTH, ORG_TEAM)


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[World]:
    """A service with a key backup in which everybody's keys are, and its worker at work."""
    (tmp_path / "key-backup").mkdir(mode=0o700)
    with make_world(tmp_path, SLACKAPP_KEY_BACKUP_DIR=str(tmp_path / "key-backup")) as world:
        app, worker = world.service.app, world.service.worker
        ids = random.Random(1).sample(range(2, 2**32 - 1), TENANTS * len(PURPOSES))
        rows = ((key, f"T{n // 4:09d}", PURPOSES[n % 4], os.urandom(130)) for n, key in enumerate(ids))
        with contextlib.closing(sqlite3.connect(world.settings.database)) as db, db:
            db.executemany("INSERT INTO data_keys VALUES (?, 'T', ?, ?, '', 'local', 1, ?, 'active', 1)", rows)
        key_backup.write(app)
        worker.start(app)
        yield world
        worker.stop()
        worker.join(time.monotonic() + 10)


@contextlib.contextmanager
def again_and_again(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Beside whatever else is done."""
    over = threading.Event()

    def loop() -> None:
        while not over.wait(seconds):
            act()

    thread = threading.Thread(target=loop)
    thread.start()
    yield
    over.set()
    thread.join()


def test_no_purge_waits_for_more_than_a_minute_and_no_event_for_a_purge(crowd: World) -> None:
    app, clock = crowd.service.app, crowd.clock
    pending, receipts = [0], []

    def look() -> None:
        rows, since = inbox.oldest_pending_purge(app.db)
        pending.append(clock() - since if rows else 0)

    def receive() -> None:
        begun = time.monotonic()
        with app.db.transaction():
            meta.put(app.db, "probe", "1")
        receipts.append(time.monotonic() - begun)

    with again_and_again(1.0, lambda: clock.advance(1)), again_and_again(0.5, look), again_and_again(0.02, receive):
        for number in range(ROUNDS):
            whose = CUSTOMERS[number % len(CUSTOMERS)]
            assert crowd.browser().install(whose).status == 303
            if number % 10 == 0:
                key_backup.write(app)  # a backup, or another key operation: who is installed now is in the file
            with app.db.transaction():
                purge_tenant.erase(app, tenant(whose), AuditDetail.OPERATOR, Actor(ActorKind.SLACK, "r1", "1"), clock())
            purge_tenant.evict(app, tenant(whose))
        until = clock() + 60
        while inbox.count_pending_purges(app.db) and clock() < until:
            time.sleep(0.2)
    assert (inbox.count_pending_purges(app.db), max(pending) <= 60, max(receipts) < 2) == (0, True, True), (
        max(pending),
        max(receipts),
    )
    assert crowd.audit().count("purge.complete") == ROUNDS
    content = (crowd.folder / "key-backup" / "slackapp-keys.json").read_text()
    assert [whose for whose in CUSTOMERS if whose in content] == []
    print(f"longest pending {max(pending)} s, slowest receipt {max(receipts) * 1000:.0f} ms of {len(receipts)}")
