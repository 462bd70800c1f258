"""States under way of one network: so many and no more, whoever asks beside, and found without counting them."""

import contextlib
import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from slackapp.checks.state_token import VerifiedState
from slackapp.store import oauth_states
from slackapp.store.engine import statements
from slackapp.store.engine.database import Database
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.store.rows import NOW, bound, issued, look
from tests.support.race import race

MINE = hashlib.sha256(b"mine").digest()
HERE, THERE = (hashlib.sha256(name).digest()[:16] for name in (b"here", b"there"))
LIFE = 600
FORGOTTEN = LIFE + oauth_states.KEEP_SECONDS + 1
NO_LIMIT = 1_000_000


def hashed(number: int) -> bytes:
    return hashlib.sha256(b"state %d" % number).digest()


def begin(db: Database, number: int, now: int = NOW, share: int = NO_LIMIT, network: bytes | None = HERE) -> bool:
    state = issued(hashed(number), bound(MINE), now + LIFE)
    return oauth_states.add(db, state, now, limit=NO_LIMIT, network=network, network_limit=share)


def begun(db: Database, numbers: range, now: int = NOW, share: int = NO_LIMIT) -> list[bool]:
    return [begin(db, number, now, share) for number in numbers]


def places(path: Path) -> list[tuple[bytes | None, int]]:
    return look(path, "SELECT network, place FROM oauth_states ORDER BY id")


@pytest.mark.claim("C-72")
@pytest.mark.parametrize("share", [1, 2, 7])
def test_the_share_of_a_network_is_exact_and_its_own(db: Database, share: int) -> None:
    """I begin installs until nobody else can."""
    assert begun(db, range(share + 2), share=share) == [True] * share + [False, False]
    assert [begin(db, 10 + number, share=share, network=THERE) for number in range(share + 1)] == [True] * share + [
        False
    ]
    assert [begin(db, 20 + number, share=share, network=None) for number in range(share + 1)] == [True] * (share + 1)


def test_each_place_comes_back_when_its_state_expires_and_no_sooner(db: Database) -> None:
    """I use my states up as fast as I get them, so that their number is never over the share."""
    for number in range(3):
        assert begin(db, number, NOW + number, share=3)
        assert oauth_states.consume(db, VerifiedState(hashed(number), bound(MINE)), NOW + number)
    assert not begin(db, 3, NOW + LIFE, share=3)
    for number in range(3, 6):
        now = NOW + LIFE + number - 2
        assert begun(db, range(number, number + 2), now, share=3) == [True, False]


def test_the_share_is_exact_after_a_sweep_of_some_and_of_all(db: Database) -> None:
    begun(db, range(3))
    begun(db, range(3, 5), NOW + FORGOTTEN - 1)
    assert oauth_states.sweep(db, NOW + FORGOTTEN) == 3
    assert begun(db, range(5, 8), NOW + FORGOTTEN, share=4) == [True, True, False]
    later = NOW + 2 * FORGOTTEN
    assert oauth_states.sweep(db, later) == 4
    assert begun(db, range(8, 11), later, share=2) == [True, True, False]
    assert places(db.path) == [(HERE, 0), (HERE, 1)]


def test_what_a_sweep_leaves_in_the_front_neither_counts_nor_hides_who_does(db: Database) -> None:
    """A clock was a day ahead when the network's first state was made: it stays, and those behind it go."""
    begin(db, 0, NOW + 86_400)
    begun(db, range(1, 4))
    assert oauth_states.sweep(db, NOW + FORGOTTEN) == 3
    assert begun(db, range(4, 8), NOW + FORGOTTEN, share=3) == [True, True, True, False]
    assert places(db.path) == [(HERE, place) for place in range(4)]


def test_of_4_processes_a_network_gets_its_share_and_no_more(db: Database) -> None:
    """I begin installs at every process of yours at once."""
    code = """
import hashlib, sys
from pathlib import Path
from slackapp.checks.state_token import IssuedState
from slackapp.model import StateBinding, StatePurpose
from slackapp.store import oauth_states
from slackapp.store.engine.sqlite import SqliteDatabase
db = SqliteDatabase(Path(sys.argv[1]))
binding = StateBinding(StatePurpose.INSTALL, hashlib.sha256(b"mine").digest())
here = hashlib.sha256(b"here").digest()[:16]
db.one("get_meta", {"name": "a"})
"""
    run = f"""
import os
from functools import partial
states = [IssuedState("", os.urandom(32), binding, {NOW + LIFE}) for _ in range(30)]
limits = dict(limit={NO_LIMIT}, network=here, network_limit=50)
print(sum(db.commit_in_group(partial(oauth_states.add, db, each, {NOW}, **limits), durable=False) for each in states))
"""
    outputs = race(4, code, run, str(db.path))
    assert sum(map(int, outputs)) == 50
    assert places(db.path) == [(HERE, place) for place in range(50)]


# What it costs


@contextlib.contextmanager
def counting_steps(db: Database, counted: list[int]) -> Iterator[None]:
    """Counts the steps of SQLite's machine in a transaction."""
    with db.transaction():
        connection = cast("SqliteDatabase", db)._writing.held.connection
        connection.set_progress_handler(lambda: counted.append(1), 1)
        try:
            yield
        finally:
            connection.set_progress_handler(None, 0)


@pytest.mark.claim("C-72")
@pytest.mark.parametrize("network", [HERE, None], ids=["of a network", "of none"])
def test_a_state_costs_as_much_as_the_first_ones_however_many_are_under_way(
    db: Database, network: bytes | None
) -> None:
    """I begin so many installs that each further one keeps your database busy."""
    few, many, refused = list[int](), list[int](), list[int]()
    with db.transaction():
        for number in range(10):
            begin(db, number, network=network)
    with counting_steps(db, few):
        assert begin(db, 10, network=network)
    with db.transaction():
        for number in range(11, 2000):
            begin(db, number, network=network)
    with counting_steps(db, many):
        assert begin(db, 2000, network=network)
    with counting_steps(db, refused):
        assert begin(db, 2001, share=1000, network=network) is (network is None)
    assert 50 < len(few) < 500
    assert max(len(many), len(refused)) <= len(few) + 20


# States that were under way when places came


def test_states_of_an_older_release_have_places_and_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(statements.sql_directory(), tmp_path / "sql")
    monkeypatch.setattr(statements, "sql_directory", lambda: tmp_path / "sql")
    (file,) = (tmp_path / "sql" / "migrations").glob("*_state_places.sql")
    later = {each: each.read_text() for each in file.parent.glob("*.sql") if each.name >= file.name}
    for each in later:
        each.unlink()
    path = tmp_path / "slackapp.db"
    old = SqliteDatabase(path)
    old.create_or_migrate()
    old.close()
    sql = "INSERT INTO oauth_states (id, id_hash, session_hash, purpose, expires_at, network) VALUES (?,?,?,?,?,?)"
    rows = [(7, HERE), (9, None), (10, THERE), (11, HERE), (15, HERE), (16, None), (17, THERE)]
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(sql, [(row, hashed(row), MINE, "install", NOW + LIFE, network) for row, network in rows])
    before = look(path, "SELECT * FROM oauth_states ORDER BY id")
    for each, text in later.items():
        each.write_text(text)
    db = SqliteDatabase(path)
    db.create_or_migrate()
    assert [row[: len(before[0])] for row in look(path, "SELECT * FROM oauth_states ORDER BY id")] == before
    assert places(path) == [
        (HERE, 0), (None, 0), (THERE, 0), (HERE, 1), (HERE, 2), (None, 0), (THERE, 1)
    ]  # fmt: skip
    assert db.commit_in_group(lambda: begin(db, 20, share=3)) is False
    assert db.commit_in_group(lambda: begin(db, 21, share=3, network=THERE)) is True
    assert db.commit_in_group(lambda: begin(db, 22, share=4)) is True
    assert db.commit_in_group(lambda: begin(db, 23, NOW + LIFE + 1, share=2)) is True
    assert places(path)[-3:] == [(THERE, 2), (HERE, 3), (HERE, 4)]
    db.close()
