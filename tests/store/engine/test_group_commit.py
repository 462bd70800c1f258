"""Group commit: the write lock among the threads of a process, and commits that they share."""

import contextlib
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from slackapp.errors import StoreBusyError, StoreDamagedError, StoreFullError
from slackapp.store import meta
from slackapp.store.engine import group_commit
from slackapp.store.engine import sqlite as module
from slackapp.store.engine.group_commit import MAX_BATCH, MAX_DEFERRED, GroupCommit
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.engine.conftest import ANYWHERE
from tests.store.rows import look
from tests.support.race import race

LONG = 20.0
"""Seconds after which a test gives up waiting for what comes at once."""
TIMEOUT = 0.05


class Disk:
    """Transactions that count themselves, and that wait at their end, or fail there, where they are told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.commits = 0
        self.gates: dict[int, threading.Event] = {}
        """By the number of the transaction, from 1 on: it does not end before that."""
        self.refused: dict[int, Exception] = {}
        self._open = False
        self.flushes: list[bool] = []

    @contextlib.contextmanager
    def transaction(self, flush: bool) -> Iterator[None]:
        self.flushes.append(flush)
        assert not self._open, "two transactions at once"
        self._open = True
        self.begun += 1
        number = self.begun
        try:
            yield
            if number in self.gates:
                assert self.gates[number].wait(LONG)
            if number in self.refused:
                raise self.refused[number]
            self.commits += 1
        finally:
            self._open = False


class Threads:
    """One thread is in the middle of its commit, and others come while it is."""

    def __init__(self, made: GroupCommit, disk: Disk, pool: ThreadPoolExecutor) -> None:
        self.turns = made
        self.disk = disk
        self._pool = pool
        disk.gates[1] = threading.Event()
        self.first = pool.submit(made.run, lambda: "first", disk.transaction, True)
        until(lambda: disk.begun == 1)

    def come(self, *works: Callable[[], Any], durable: bool = True) -> list[Future[Any]]:
        """One thread for each, in this order; returns when all of them wait."""
        futures = []
        for work in works:
            before = len(self.turns._queue)
            futures.append(self._pool.submit(self.turns.run, work, self.disk.transaction, durable))
            until(lambda before=before: len(self.turns._queue) == before + 1)
        return futures

    def come_alone(self, work: Callable[[], Any]) -> Future[Any]:
        """One that wants to write by itself."""

        def run() -> Any:
            with self.turns.exclusive():
                return work()

        before = len(self.turns._queue)
        future = self._pool.submit(run)
        until(lambda: len(self.turns._queue) == before + 1)
        return future

    def go_on(self) -> None:
        self.disk.gates[1].set()
        assert self.first.result(LONG) == "first"


def until(holds: Callable[[], bool]) -> None:
    """Looks again and again, for a while."""
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.0005)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MAX_BATCH + 20) as made:
        yield made


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def crowd(disk: Disk, pool: ThreadPoolExecutor) -> Iterator[Threads]:
    made = Threads(GroupCommit(LONG), disk, pool)
    yield made
    for gate in disk.gates.values():
        gate.set()


def is_free(made: GroupCommit) -> bool:
    """Whether nobody has the write lock, and nobody is expected to take it."""
    return not made._is_busy and not made._queue


# Who shares a commit


def test_one_who_comes_alone_has_a_commit_alone(disk: Disk) -> None:
    made = GroupCommit(LONG)
    results = [made.run(lambda number=number: number, disk.transaction, durable=True) for number in range(3)]
    assert results == [0, 1, 2]
    assert (disk.commits, is_free(made)) == (3, True)


def test_all_who_come_while_one_waits_for_the_disk_share_the_next_commit(crowd: Threads) -> None:
    futures = crowd.come(*[lambda number=number: number for number in range(20)])
    crowd.go_on()
    assert [future.result(LONG) for future in futures] == list(range(20)), "everybody has their own result"
    assert (crowd.disk.commits, is_free(crowd.turns)) == (2, True)


def test_a_transaction_takes_so_many_and_the_rest_have_the_next(crowd: Threads) -> None:
    futures = crowd.come(*[lambda number=number: number for number in range(MAX_BATCH + 5)])
    crowd.go_on()
    assert [future.result(LONG) for future in futures] == list(range(MAX_BATCH + 5))
    assert crowd.disk.commits == 3


def test_nobody_goes_on_before_the_shared_commit_is_over(crowd: Threads) -> None:
    futures = crowd.come(lambda: "a", lambda: "b")
    gate = crowd.disk.gates[2] = threading.Event()
    crowd.go_on()
    until(lambda: crowd.disk.begun == 2)
    time.sleep(0.05)
    assert [future.done() for future in futures] == [False, False]
    gate.set()
    assert [future.result(LONG) for future in futures] == ["a", "b"]


def test_work_is_done_in_the_order_in_which_it_came(crowd: Threads) -> None:
    done: list[int] = []
    futures = crowd.come(*[lambda number=number: done.append(number) for number in range(10)])
    crowd.go_on()
    for future in futures:
        future.result(LONG)
    assert done == list(range(10))


# Who fails


@pytest.mark.parametrize("error", [ValueError("mine"), StoreFullError("full"), SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_piece_of_work_that_fails_fails_alone_and_the_others_are_written(
    crowd: Threads, error: BaseException, place: int
) -> None:
    written: list[list[int]] = []

    def add(number: int) -> int:
        if number == 0 or not written:
            written.append([])
        if number == place:
            raise error
        written[-1].append(number)
        return number

    futures = crowd.come(*[lambda number=number: add(number) for number in range(5)])
    crowd.go_on()
    for number, future in enumerate(futures):
        if number == place:
            assert future.exception(LONG) is error
        else:
            assert future.result(LONG) == number
    assert sorted(set(written[-1])) == [number for number in range(5) if number != place]
    assert (crowd.disk.begun, crowd.disk.commits, is_free(crowd.turns)) == (3, 2, True)


def test_each_failing_piece_of_work_raises_its_own_error(crowd: Threads) -> None:
    def fail(number: int) -> None:
        raise ValueError(number)

    futures = crowd.come(*[lambda number=number: fail(number) for number in range(6)])
    crowd.go_on()
    assert [str(future.exception(LONG)) for future in futures] == [str(number) for number in range(6)]
    assert (crowd.disk.commits, is_free(crowd.turns)) == (1, True)


def test_a_commit_that_fails_fails_for_all_at_once(crowd: Threads) -> None:
    """Stops a batch of 64 from waiting 64 times for a database that another process holds."""
    futures = crowd.come(*[lambda number=number: number for number in range(10)])
    crowd.disk.refused[2] = StoreBusyError("the database is locked")
    crowd.go_on()
    assert {type(future.exception(LONG)) for future in futures} == {StoreBusyError}
    assert (crowd.disk.begun, crowd.disk.commits, is_free(crowd.turns)) == (2, 1, True)
    assert crowd.turns.run(lambda: "next", crowd.disk.transaction, durable=True) == "next"


# Time-outs


def test_a_waiter_that_times_out_is_refused_and_its_work_is_never_done(disk: Disk, pool: ThreadPoolExecutor) -> None:
    crowd, done = Threads(GroupCommit(TIMEOUT), disk, pool), []
    (late,) = crowd.come(lambda: done.append("late"))
    alone = crowd.come_alone(lambda: done.append("alone"))
    with pytest.raises(StoreBusyError, match="busy"):
        late.result(LONG)
    with pytest.raises(StoreBusyError, match="busy"):
        alone.result(LONG)
    crowd.go_on()
    assert crowd.turns.run(lambda: "next", disk.transaction, durable=True) == "next"
    assert (done, is_free(crowd.turns)) == ([], True)


@pytest.mark.long
def test_whose_work_has_begun_waits_for_its_end_however_long_that_takes(disk: Disk, pool: ThreadPoolExecutor) -> None:
    """Stops a caller from being told "busy" about what is written a moment later."""
    crowd = Threads(GroupCommit(0.3), disk, pool)
    futures = crowd.come(lambda: "leads", lambda: "follows")
    gate = disk.gates[2] = threading.Event()
    crowd.go_on()
    time.sleep(0.5)
    assert [future.done() for future in futures] == [False, False]
    gate.set()
    assert [future.result(LONG) for future in futures] == ["leads", "follows"]


def test_a_waiter_that_times_out_blocks_no_other(disk: Disk, pool: ThreadPoolExecutor) -> None:
    made = GroupCommit(0.2)
    crowd = Threads(made, disk, pool)
    (early,) = crowd.come(lambda: "early")
    time.sleep(0.12)
    late = [*crowd.come(lambda: "late"), crowd.come_alone(lambda: "alone")]
    with pytest.raises(StoreBusyError):
        early.result(LONG)
    crowd.go_on()
    assert [future.result(LONG) for future in late] == ["late", "alone"]
    assert is_free(made)


class Interrupted(BaseException):
    """Like Ctrl-C, which comes to whatever the thread is at."""


@pytest.mark.parametrize("has_write_lock", [False, True])
def test_a_waiter_that_is_interrupted_keeps_no_write_lock(
    disk: Disk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, has_write_lock: bool
) -> None:
    """Stops a program that hosts us, and interrupts its own thread, from never writing again."""
    crowd = Threads(GroupCommit(LONG), disk, pool)
    interrupt, wait = threading.Event(), group_commit._Waiter.wait

    def waiting(self: Any, timeout: float) -> bool:
        if threading.current_thread().name != "interrupted" or not timeout:
            return wait(self, timeout)
        assert interrupt.wait(LONG)
        raise Interrupted

    monkeypatch.setattr(group_commit._Waiter, "wait", waiting)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            with crowd.turns.exclusive():
                raise AssertionError("it has no turn")
        except Interrupted as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="interrupted")
    thread.start()
    until(lambda: len(crowd.turns._queue) == 1)
    if has_write_lock:
        crowd.go_on()
        until(lambda: not crowd.turns._queue)
    interrupt.set()
    thread.join(LONG)
    if not has_write_lock:
        crowd.go_on()
    assert crowd.turns.run(lambda: "next", disk.transaction, durable=True) == "next"
    assert (len(raised), is_free(crowd.turns)) == (1, True)


def test_if_the_one_who_does_the_work_of_all_is_interrupted_nobody_waits_for_ever(
    disk: Disk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Threads(GroupCommit(LONG), disk, pool)
    leader, *others = crowd.come(*(lambda: "done" for _ in range(4)))

    def interrupted(batch: Any, transaction: Any) -> Any:
        raise Interrupted

    monkeypatch.setattr(group_commit, "_try_batch", interrupted)
    crowd.disk.gates[1].set()
    assert isinstance(leader.exception(LONG), Interrupted)
    assert {type(other.exception(LONG)) for other in others} == {StoreBusyError}
    assert is_free(crowd.turns)


# Who gets the write lock


@pytest.mark.claim("C-46")
def test_a_commit_is_flushed_when_one_of_those_in_it_wants_that(crowd: Threads) -> None:
    crowd.come(lambda: 1, lambda: 2, durable=False)
    flushed = crowd.come(lambda: 3)
    crowd.go_on()
    assert flushed[0].result(LONG) == 3
    assert crowd.turns.run(lambda: 4, crowd.disk.transaction, durable=False) == 4
    assert crowd.disk.flushes == [True, True, False]


def test_the_longest_waiter_is_next_whether_exclusive_or_in_a_group(crowd: Threads) -> None:
    done: list[str] = []
    futures = [crowd.come_alone(lambda: done.append("a"))]
    futures += crowd.come(lambda: done.append("b"))
    futures += [crowd.come_alone(lambda: done.append("c"))]
    crowd.go_on()
    for future in futures:
        future.result(LONG)
    assert done == ["a", "b", "c"]


@pytest.mark.long
@pytest.mark.parametrize(("alone", "grouped"), [(6, 1), (1, 6)])
def test_exclusive_and_group_writers_do_not_starve_each_other(alone: int, grouped: int) -> None:
    """I keep your service writing, so that no event finds a moment to be kept in."""
    made, disk, stop = GroupCommit(LONG), Disk(), threading.Event()
    done = {"alone": 0, "grouped": 0}

    def write_alone() -> None:
        while not stop.is_set():
            with made.exclusive():
                time.sleep(0.001)
                done["alone"] += 1

    def write_grouped() -> None:
        while not stop.is_set():
            made.run(lambda: time.sleep(0.001), disk.transaction, durable=True)
            done["grouped"] += 1

    threads = [threading.Thread(target=write_alone) for _ in range(alone)]
    threads += [threading.Thread(target=write_grouped) for _ in range(grouped)]
    for thread in threads:
        thread.start()
    time.sleep(0.4)
    stop.set()
    for thread in threads:
        thread.join(LONG)
    assert min(done.values()) >= 10, done


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_write_lock_is_released_on_any_exception(error: type[BaseException]) -> None:
    made = GroupCommit(TIMEOUT)

    def fail() -> None:
        with made.exclusive():
            raise error

    with pytest.raises(error):
        fail()
    assert is_free(made)
    with made.exclusive():
        pass


def test_under_load_every_caller_gets_its_own_result() -> None:
    """16 threads, each 300 times: together, alone, and failing now and then."""
    made, disk, wrong = GroupCommit(LONG), Disk(), []
    total, lock = [0], threading.Lock()

    def work(thread: int) -> None:
        chance = random.Random(thread)
        for number in range(300):
            kind = chance.randrange(10)
            mine = (thread, number)
            if kind == 0:
                with made.exclusive():
                    total[0] += 1
            elif kind == 1:
                try:
                    fail = lambda mine=mine: (_ for _ in ()).throw(ValueError(mine))  # noqa: E731
                    made.run(fail, disk.transaction, durable=True)
                    wrong.append(mine)
                except ValueError as error:
                    if error.args != (mine,):
                        wrong.append(mine)
                with lock:
                    total[0] += 1
            else:
                if made.run(lambda mine=mine: mine, disk.transaction, durable=True) != mine:
                    wrong.append(mine)
                with lock:
                    total[0] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert not any(thread.is_alive() for thread in threads)
    assert (wrong, is_free(made)) == ([], True)
    assert time.monotonic() - began < LONG


# On a database


@pytest.fixture
def slow(db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A disk that takes 20 ms; one entry for each commit."""
    commits: list[int] = []
    commit = SqliteDatabase._commit

    def wait(self: SqliteDatabase, connection: sqlite3.Connection) -> None:
        time.sleep(0.02)
        commit(self, connection)
        commits.append(threading.get_ident())

    monkeypatch.setattr(SqliteDatabase, "_commit", wait)
    return commits


def put(db: SqliteDatabase, name: str, value: str = "1") -> Callable[[], str]:
    def work() -> str:
        meta.put(db, name, value)
        return name

    return work


def test_forty_writers_wait_for_few_commits_and_find_what_they_wrote_on_the_disk(
    db: SqliteDatabase, slow: list[int]
) -> None:
    def write(number: int) -> bool:
        name = db.commit_in_group(put(db, f"n{number}"))
        seen = look(db.path, "SELECT value FROM meta WHERE name = ?", f"n{number}")
        return name == f"n{number}" and seen == [("1",)]

    with ThreadPoolExecutor(40) as pool:
        assert all(pool.map(write, range(40)))
    assert 2 <= len(slow) <= 12, "one for the first, and a few for all the others"


def test_exclusive_transactions_share_no_commit(db: SqliteDatabase, slow: list[int]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: meta.put(db, f"n{number}", "1"), range(8)))
    assert len(slow) == 8


def test_nothing_is_seen_by_others_before_the_commit(db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Any]] = []
    commit = SqliteDatabase._commit

    def peek(self: SqliteDatabase, connection: sqlite3.Connection) -> None:
        seen.append(look(db.path, "SELECT value FROM meta WHERE name = 'a'"))
        commit(self, connection)

    monkeypatch.setattr(SqliteDatabase, "_commit", peek)
    db.commit_in_group(put(db, "a"))
    assert (seen, look(db.path, "SELECT value FROM meta WHERE name = 'a'")) == ([[]], [("1",)])


def test_what_fails_for_itself_leaves_nothing_and_the_others_are_on_the_disk(
    db: SqliteDatabase, slow: list[int]
) -> None:
    def write(number: int) -> str:
        def work() -> str:
            name = put(db, f"n{number}")()
            if number % 5 == 0:
                raise ValueError(number)
            return name

        try:
            return db.commit_in_group(work)
        except ValueError as error:
            return f"error {error}"

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(write, range(20)))
    assert found == [f"error {number}" if number % 5 == 0 else f"n{number}" for number in range(20)]
    names = {row[0] for row in look(db.path, "SELECT name FROM meta WHERE name LIKE 'n%'")}
    assert names == {f"n{number}" for number in range(20) if number % 5}


@pytest.mark.parametrize("where", ["_commit", "_connection"])
def test_a_transaction_that_fails_as_such_fails_for_all_and_nothing_is_written(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """At its end, or at its beginning; and once for all of them."""
    first_is_in, go_on = threading.Event(), threading.Event()
    tries: list[str] = []

    def hold() -> None:
        first_is_in.set()
        assert go_on.wait(LONG)

    def refuse(*arguments: Any) -> None:
        tries.append(threading.current_thread().name)
        raise StoreFullError("the database cannot be written")

    with ThreadPoolExecutor(11) as pool:
        first = pool.submit(db.commit_in_group, hold)
        assert first_is_in.wait(LONG)
        others = [pool.submit(db.commit_in_group, put(db, f"n{number}")) for number in range(10)]
        until(lambda: len(db._group_commit._queue) == 10)
        with monkeypatch.context() as patch:
            if where == "_commit":
                patch.setattr(SqliteDatabase, where, refuse)
                go_on.set()
                assert isinstance(first.exception(LONG), StoreFullError)
            else:
                attempt = group_commit._try_batch
                patch.setattr(group_commit, "_try_batch", lambda batch, transaction: attempt(batch, _refused(tries)))
                go_on.set()
                first.result(LONG)
            assert {type(other.exception(LONG)) for other in others} == {StoreFullError}
    assert len(tries) == (2 if where == "_commit" else 1)
    assert look(db.path, "SELECT * FROM meta WHERE name LIKE 'n%'") == []
    assert db.commit_in_group(put(db, "after")) == "after"
    assert is_free(db._group_commit)


def _refused(tries: list[str]) -> Callable[[bool], contextlib.AbstractContextManager[None]]:
    @contextlib.contextmanager
    def transaction(flush: bool) -> Iterator[None]:
        tries.append("begin")
        raise StoreFullError("the database cannot be written")
        yield

    return transaction


def test_work_is_not_handed_in_from_inside_a_transaction_or_from_other_work(db: SqliteDatabase) -> None:
    with db.transaction(), pytest.raises(RuntimeError, match="open on this thread"):
        db.commit_in_group(put(db, "a"))
    with pytest.raises(RuntimeError, match="open on this thread"):
        db.commit_in_group(lambda: db.commit_in_group(put(db, "b")))

    def nested() -> None:
        with db.transaction():
            put(db, "c")()

    with pytest.raises(RuntimeError, match="open on this thread"):
        db.commit_in_group(nested)
    assert look(db.path, "SELECT * FROM meta WHERE name IN ('a', 'b', 'c')") == []
    assert db.commit_in_group(put(db, "d")) == "d"


def test_a_database_that_another_process_holds_refuses_all_in_the_time_of_one(
    db: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stops 16 requests from waiting 2 s each, one after the other, which Slack would not wait for."""
    monkeypatch.setattr(module, "BUSY_MS", 200)
    ours = SqliteDatabase(db.path)
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(ours.commit_in_group, put(ours, f"n{number}")) for number in range(16)]
        assert {type(future.exception(LONG)) for future in futures} == {StoreBusyError}
    assert time.monotonic() - began < 4 * 0.2
    other.execute("ROLLBACK")
    other.close()
    assert ours.commit_in_group(put(ours, "after")) == "after"
    ours.close()


@pytest.mark.long
def test_two_processes_that_share_commits_each_write_all_of_theirs(db: SqliteDatabase) -> None:
    prepare = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from slackapp.store import meta
from slackapp.store.engine.sqlite import SqliteDatabase
db = SqliteDatabase(Path(sys.argv[1]))
"""
    run = """
import os
def write(number):
    name = f"n{os.getpid()}-{number}"
    return db.commit_in_group(lambda: meta.put(db, name, "1") or name) == name
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(write, range(200))))
"""
    assert race(2, ANYWHERE + prepare, run, str(db.path)) == ["200", "200"]
    assert look(db.path, "SELECT count(*) FROM meta WHERE name LIKE 'n%'") == [(400,)]


# What nobody waits for


def test_what_was_left_is_written_with_the_next_commit_of_anybody(disk: Disk) -> None:
    made, done = GroupCommit(LONG), []
    made.defer(lambda: done.append("a"))
    made.defer(lambda: done.append("b"))
    assert (done, disk.commits) == ([], 0)
    assert made.run(lambda: done.append("work"), disk.transaction, True) is None
    assert (done, disk.commits, disk.flushes) == (["work", "a", "b"], 1, [True])
    made.write_deferred(disk.transaction)
    assert disk.commits == 1, "there is nothing left"


def test_where_no_commit_comes_it_is_written_unflushed(disk: Disk) -> None:
    made, done = GroupCommit(LONG), []
    made.defer(lambda: done.append("a"))
    made.write_deferred(disk.transaction)
    assert (done, disk.flushes) == (["a"], [False])


def test_what_a_commit_could_not_write_waits_for_the_next_one(disk: Disk) -> None:
    made, done = GroupCommit(LONG), []
    disk.refused = {1: StoreFullError("full"), 2: StoreFullError("full")}
    for name in "ab":
        made.defer(lambda name=name: done.append(name))
    with pytest.raises(StoreFullError):
        made.run(lambda: None, disk.transaction, True)
    with pytest.raises(StoreFullError):
        made.write_deferred(disk.transaction)
    done.clear()
    made.write_deferred(disk.transaction)
    assert (done, is_free(made)) == (["a", "b"], True)


@pytest.mark.parametrize("error", [ValueError, StoreDamagedError])
def test_what_was_left_fails_for_itself_alone(disk: Disk, error: type[Exception]) -> None:
    made, done = GroupCommit(LONG), []

    def fail() -> None:
        raise error

    made.defer(fail)
    made.defer(lambda: done.append("b"))
    assert made.run(lambda: "work", disk.transaction, True) == "work"
    done.clear()
    made.write_deferred(disk.transaction)
    assert (done, disk.commits) == ([], 1), "it is written, and what failed is not tried for ever"


def test_a_commit_takes_a_bounded_part_of_what_was_left(disk: Disk) -> None:
    made, done = GroupCommit(LONG), []
    for number in range(MAX_DEFERRED + 1):
        made.defer(lambda number=number: done.append(number))
    made.run(lambda: None, disk.transaction, True)
    assert done == list(range(MAX_DEFERRED))
    made.write_deferred(disk.transaction)
    assert done == list(range(MAX_DEFERRED + 1))
