"""The disk is full, or fails, after every so many bytes of what a request writes: all of it is kept, or nothing is.

`max_page_count` lets the database grow by N pages and no more (SQLITE_FULL). A limit on the size of files lets the log
take N bytes and no more, in the middle of a page, too (SQLITE_IOERR). N goes from 0 up to where everything fits.
"""

import contextlib
import itertools
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slackapp.errors import Refused, StoreError
from slackapp.flows.tokens import refresh_due
from slackapp.store import meta
from tests.flows.tokens.rotation import DUE
from tests.long import invariants
from tests.support.disk_faults import file_size_limited, page_count_limited
from tests.support.prepared_world import Prepared, snapshot_world
from tests.support.world import SOUTH, World, make_world

pytestmark = pytest.mark.long
SETTINGS = {
    "SLACKAPP_BOT_SCOPES": "app_mentions:read,chat:write,incoming-webhook",
    "SLACKAPP_USER_SCOPES": "users:read",
}
PIECE = 1030
"""A quarter of a page in the log, with its head."""
BIG = "x" * 20_000
"""Of several pages, so that the database must grow for it."""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    with make_world(tmp_path_factory.mktemp("full"), **SETTINGS) as world:
        assert world.browser().install().status == 303
        world.work()
        world.service.app.db._connection().execute("VACUUM")  # no page is free
        yield snapshot_world(world)


def event(world: World) -> bool:
    """Whether it was acknowledged."""
    world.service.worker.hand_off.open()
    reply = world.event({"type": "app_mention", "user": "U0SOMEBODY", "text": BIG}, "EvIn")
    assert (reply.status, reply.headers.get("retry-after")) in [(200, None), (503, "5")]
    return reply.status == 200


def kept(world: World) -> bool:
    return bool(world.rows("SELECT 1 FROM inbox WHERE event_id = 'EvIn' AND body IS NOT NULL"))


def install(world: World) -> bool:
    reply = world.browser().get("/slack/install")
    assert (reply.status, reply.headers.get("retry-after")) in [(302, None), (503, "5")]
    browser = world.browser()
    with contextlib.suppress(KeyError):
        begun = browser.begin()
        if begun.status == 302:
            reply = browser.follow_callback(browser.consent(begun, SOUTH))
            assert (reply.status, reply.headers.get("retry-after")) in [(303, None), (503, "5")]
            return reply.status == 303
    return False


def is_installed(world: World) -> bool:
    live = [token for token in world.slack.tokens_of[SOUTH] if not token.dead]
    assert bool(live) == bool(world.status(SOUTH)), "no token is left behind, and none is missing"
    return world.status(SOUTH) == "active"


def refresh(world: World) -> bool:
    with contextlib.suppress(StoreError, Refused):
        refresh_due.run(world.service.app, lambda: False)
    return is_refreshed(world)


def is_refreshed(world: World) -> bool:
    assert invariants.lost(world) == []
    return all(pair.token.generation == 2 for pair in invariants.pairs(world))


SCENARIOS: dict[str, tuple[Callable[[World], bool], Callable[[World], bool]]] = {
    "event": (event, kept),
    "install": (install, is_installed),
    "refresh": (refresh, is_refreshed),
}


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("kind", ["pages", "bytes"])
def test_wherever_the_room_ends_all_or_nothing_is_kept_and_a_second_try_succeeds(
    before: Prepared, name: str, kind: str
) -> None:
    act, happened = SCENARIOS[name]
    outcomes: Counter[str] = Counter()
    for step in range(1000):
        world = before.reset()
        if name == "refresh":
            world.clock.advance(DUE)
        fault = page_count_limited(world, step) if kind == "pages" else file_size_limited(world, step * PIECE)
        with fault:
            done = act(world)
        assert happened(world) == done, f"room for {step}: what was said and what is there differ"
        assert invariants.violations(world) == []
        outcomes["done" if done else "refused"] += 1
        if not done:
            world.clock.advance(31)  # a lease that could not be given back
            assert act(world), f"room for {step}: a second try, with room"
            assert happened(world)
            assert invariants.violations(world) == []
        assert '"request_failed"' not in world.log.getvalue()
        if done and outcomes["done"] == 3:
            break
    print(f"\n{name}, {kind}: {dict(outcomes)}; nothing half kept, nothing lost")
    assert outcomes["done"] == 3
    assert outcomes["refused"] >= (40 if kind == "bytes" else 1 if name == "event" else 0)


# A disk that is full, and stays so until somebody makes room

DISK, FREED = 40 * 1024 * 1024, 6 * 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MB of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    mount = tmp_path / "disk"
    mount.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", str(mount)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine mounts no disk: {done.stderr.strip()}")
    yield mount
    subprocess.run(["umount", "--lazy", str(mount)], check=True)


def fill(ballast: Path, size: int = DISK) -> None:
    """What else lies on the disk grows by that much, or until nothing is free."""
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while size > 0:
            size -= file.write(b"b" * min(size, 65_536))


@pytest.mark.parametrize("text", [500, 20_000, 700_000])
@pytest.mark.parametrize("who", ["others", "we"])
def test_a_full_disk_of_which_six_megabytes_are_freed_recovers_by_itself_every_time(
    disk: Path, text: int, who: str
) -> None:
    """Filled by others at once, or by our own events with what others have; and again after each time."""
    (disk / "service").mkdir(mode=0o700)
    ballast, count = disk / "ballast", itertools.count()
    with make_world(disk / "service", **SETTINGS) as world:
        assert world.browser().install().status == 303
        world.work()
        app, log = world.service.app, world.settings.database.with_name("slackapp.db-wal")
        app.db.begin_service()
        kept, longest = 0, 0

        def scheduler(seconds: int = 1) -> None:
            world.clock.advance(seconds)
            world.service.local_scheduler.run_due(app)

        def comes() -> bool:
            nonlocal kept, longest
            said = {"type": "app_mention", "user": "U0SOMEBODY", "text": "x" * text, "channel": "C0NORTH001GEN"}
            status = world.event(said, f"Ev{next(count)}").status
            assert status in (200, 503)
            kept += status == 200
            longest = max(longest, log.stat().st_size)
            return status == 200

        scheduler()
        fill(ballast, DISK if who == "others" else DISK // 2 + FREED)
        recovered = 0
        for _ in range(3):
            refused = 0
            for number in range(4000):
                refused += not comes()
                if number % 20 == 0:
                    scheduler()
                if refused == 25:
                    break
            if who == "others":
                fill(ballast)
            scheduler()
            if ballast.stat().st_size < FREED:
                break
            os.truncate(ballast, ballast.stat().st_size - FREED)
            scheduler(10)
            assert [comes() for _ in range(3)] == [True] * 3, "it takes events again"
            scheduler(10)
            assert world.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"}).json["database"]
            recovered += 1
        assert recovered >= 2
        rows = "SELECT count(*) FROM inbox WHERE event_id LIKE 'Ev%' AND body IS NOT NULL"
        assert world.rows(rows)[0][0] == kept, "what was acknowledged is there, and nothing else"
        assert longest < 6 * max(kept * text, 1024 * 1024)
        assert longest < 4 * 1024 * 1024
        assert invariants.violations(world) == []
    print(f"\n{who}, {text}: {kept} events kept, recovered {recovered} times, the log had {longest} bytes at most")


def test_a_log_that_is_written_all_the_time_does_not_grow_without_end(tmp_path: Path) -> None:
    """The scheduler comes while others commit: what it moves is never all there is."""
    with make_world(tmp_path) as world:
        database, log = world.service.app.db, world.settings.database.with_name("slackapp.db-wal")
        database.begin_service()
        stop, longest, written = threading.Event(), 0, itertools.count()

        def write() -> None:
            while not stop.is_set():
                with database.transaction():
                    meta.put(database, f"x{next(written) % 50}", "x" * 50_000)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 15
        while time.monotonic() < until:
            time.sleep(0.2)
            database.maintain()
            longest = max(longest, log.stat().st_size)
        stop.set()
        for thread in threads:
            thread.join()
    print(f"\n{next(written)} commits of 50 kB; the log had {longest} bytes at most")
    assert longest < 40 * 1024 * 1024
