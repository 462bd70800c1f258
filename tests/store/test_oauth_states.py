"""States of installs under way: each is used once, by the browser that began, in time."""

import hashlib
import threading
from pathlib import Path

import pytest

from slackapp.checks.state_token import VerifiedState
from slackapp.model import NO_TENANT
from slackapp.store import oauth_states
from slackapp.store.engine.database import Database
from tests.store.rows import NORTH, NOW, SOUTH, bound, issued, look
from tests.support.race import race

MINE, THEIRS = hashlib.sha256(b"mine").digest(), hashlib.sha256(b"theirs").digest()
EXPIRES = NOW + 600
NO_LIMIT = 1_000_000


def hashed(number: int) -> bytes:
    return hashlib.sha256(b"state %d" % number).digest()


def add(db: Database, number: int, now: int = NOW, limit: int = NO_LIMIT, session: bytes = MINE) -> bool:
    return oauth_states.add(db, issued(hashed(number), bound(session), now + 600), now, limit=limit)


def use(db: Database, number: int, now: int = NOW, session: bytes = MINE, **to: str) -> bool:
    return oauth_states.consume(db, VerifiedState(hashed(number), bound(session, **to)), now)


def count(db: Database) -> int:
    return int(look(db.path, "SELECT count(*) FROM oauth_states")[0][0])


# Use


@pytest.mark.claim("C-03")
def test_a_state_is_used_once(db: Database) -> None:
    """I saw the callback's address and send it again."""
    assert add(db, 1)
    assert use(db, 1)
    assert not use(db, 1)
    assert not use(db, 1, NOW + 1)


@pytest.mark.claim("C-02")
def test_a_state_is_used_to_its_last_second_and_not_after(db: Database) -> None:
    add(db, 1)
    add(db, 2)
    assert use(db, 1, EXPIRES)
    assert not use(db, 2, EXPIRES + 1)


@pytest.mark.claim("C-05")
def test_a_state_is_used_for_its_own_purpose_only(db: Database) -> None:
    """I bring a state that a Bolt app made to our callback, and the reverse."""
    add(db, 1)
    assert oauth_states.add(db, issued(hashed(2), bound(MINE, "bolt"), NOW + 600), NOW, limit=NO_LIMIT)
    assert not use(db, 1, purpose="bolt")
    assert not use(db, 2, purpose="install")
    assert use(db, 1)
    assert use(db, 2, purpose="bolt")


@pytest.mark.claim("C-05")
def test_a_state_is_used_for_its_own_provider_only(db: Database) -> None:
    """I bring a state that leads to another provider to Slack's callback, and the reverse."""
    add(db, 1)
    state = issued(hashed(2), bound(MINE, provider="elsewhere"), EXPIRES)
    assert oauth_states.add(db, state, NOW, limit=NO_LIMIT)
    assert not use(db, 1, provider="elsewhere")
    assert not use(db, 2)
    assert use(db, 1)
    assert use(db, 2, provider="elsewhere")


def test_a_refused_use_does_not_use_the_state_up(db: Database) -> None:
    """I call back with your state from my browser, so that your install fails."""
    add(db, 1)
    assert not use(db, 1, session=THEIRS)
    assert not use(db, 1, purpose="bolt")
    assert not use(db, 2)
    assert use(db, 1)


def test_using_one_state_leaves_the_others(db: Database) -> None:
    add(db, 1)
    add(db, 2)
    assert use(db, 1)
    assert look(db.path, "SELECT used_at FROM oauth_states ORDER BY id") == [(NOW,), (None,)]


def test_of_64_threads_that_use_one_state_exactly_one_may(db: Database) -> None:
    """I send the same callback 64 times at once."""
    add(db, 1)
    allowed: list[bool] = []
    barrier = threading.Barrier(64)

    def try_it() -> None:
        barrier.wait()
        allowed.append(use(db, 1))

    threads = [threading.Thread(target=try_it) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(allowed) == [False] * 63 + [True]


def test_of_4_processes_that_use_50_states_each_state_is_used_once(db: Database) -> None:
    """I send my callbacks to every process of yours at once."""
    with db.transaction():
        for number in range(50):
            add(db, number)
    code = """
import hashlib, sys
from pathlib import Path
from slackapp.checks.state_token import VerifiedState
from slackapp.model import StateBinding, StatePurpose
from slackapp.store import oauth_states
from slackapp.store.engine.sqlite import SqliteDatabase
db = SqliteDatabase(Path(sys.argv[1]))
mine = hashlib.sha256(b"mine").digest()
binding = StateBinding(StatePurpose.INSTALL, mine)
db.one("get_meta", {"name": "a"})
"""
    run = f"""
hashes = [hashlib.sha256(b"state %d" % number).digest() for number in range(50)]
states = [VerifiedState(each, binding) for each in hashes]
print(*[number for number in range(50) if oauth_states.consume(db, states[number], {NOW})])
"""
    outputs = race(4, code, run, str(db.path))
    assert sorted(int(number) for output in outputs for number in output.split()) == list(range(50))


# The limit


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_the_limit_is_exact(db: Database, limit: int) -> None:
    assert [add(db, number, limit=limit) for number in range(limit + 2)] == [True] * limit + [False, False]
    assert count(db) == limit


def test_a_state_that_was_refused_for_the_limit_leaves_nothing(db: Database) -> None:
    add(db, 1, limit=1)
    assert not add(db, 2, limit=1)
    assert not use(db, 2)


@pytest.mark.claim("C-98")
def test_states_of_a_clock_that_was_a_day_ahead_do_not_count(db: Database) -> None:
    here, tomorrow = hashlib.sha256(b"a network").digest()[:16], NOW + 86_400

    def begin(number: int, now: int, **limits: int) -> bool:
        state = issued(hashed(number), bound(MINE), now + 900)
        return oauth_states.add(db, state, now, network=here, **limits)

    for number in range(3):
        assert begin(number, tomorrow, limit=3, network_limit=3)
    assert not add(db, 3, tomorrow, limit=3)
    assert begin(4, NOW, limit=3, network_limit=3), "neither over all"
    assert begin(5, NOW, limit=9, network_limit=2), "nor of one network"
    assert not begin(6, NOW, limit=9, network_limit=2)
    assert not add(db, 7, NOW - 60, limit=2), "a clock may differ by a minute"


def test_expired_states_do_not_count(db: Database) -> None:
    assert add(db, 1, limit=1)
    assert not add(db, 2, EXPIRES, limit=1)
    assert add(db, 2, EXPIRES + 1, limit=1)
    assert not add(db, 3, EXPIRES + 1, limit=1)


def test_used_states_count_until_they_expire(db: Database) -> None:
    """I use my states up as fast as I get them, so that their number is never over the limit."""
    add(db, 1, limit=1)
    assert use(db, 1)
    assert not add(db, 2, limit=1)


def test_the_limit_is_exact_after_a_sweep(db: Database) -> None:
    for number in range(3):
        add(db, number)
    later = EXPIRES + oauth_states.KEEP_SECONDS + 1
    add(db, 3, later - 1)
    assert oauth_states.sweep(db, later) == 3
    assert [add(db, number, later, limit=3) for number in range(4, 8)] == [True, True, False, False]


def test_the_limit_is_exact_after_everything_was_swept(db: Database) -> None:
    add(db, 1)
    assert oauth_states.sweep(db, EXPIRES + oauth_states.KEEP_SECONDS + 1) == 1
    assert count(db) == 0
    assert [add(db, number, limit=2) for number in range(2, 5)] == [True, True, False]


# The sweep


def test_a_state_is_kept_for_an_hour_after_its_expiry(db: Database) -> None:
    add(db, 1)
    assert oauth_states.sweep(db, EXPIRES + 3600) == 0
    assert oauth_states.sweep(db, EXPIRES + 3601) == 1


def test_a_sweep_takes_only_what_is_old(db: Database) -> None:
    add(db, 1)
    add(db, 2, NOW + 5000)
    assert oauth_states.sweep(db, EXPIRES + 3601) == 1
    assert use(db, 2, NOW + 5000)


def test_a_sweep_takes_at_most_1000_at_once(db: Database) -> None:
    with db.transaction():
        for number in range(1100):
            add(db, number)
    later = EXPIRES + 3601
    assert [oauth_states.sweep(db, later) for _ in range(3)] == [1000, 100, 0]


# How it ended


def finish(db: Database, number: int, outcome: str = "installed", now: int = NOW, session: bytes = MINE) -> None:
    add(db, number, now, session=session)
    use(db, number, now, session=session)
    oauth_states.set_outcome(db, hashed(number), outcome, NORTH if outcome == "installed" else NO_TENANT)


def test_only_a_state_that_was_used_is_finished(db: Database) -> None:
    add(db, 1)
    oauth_states.set_outcome(db, hashed(1), "installed", NORTH)
    assert look(db.path, "SELECT outcome, tenant_id FROM oauth_states") == [("", "")]


def test_finishing_one_state_leaves_the_others(db: Database) -> None:
    finish(db, 1, "declined")
    add(db, 2)
    use(db, 2)
    oauth_states.set_outcome(db, hashed(2), "failed", NO_TENANT)
    assert look(db.path, "SELECT outcome FROM oauth_states ORDER BY id") == [("declined",), ("failed",)]


def test_a_browser_sees_what_it_installed_and_nobody_else_does(db: Database) -> None:
    """I open the page of success in my browser, to see who else installs your app."""
    finish(db, 1)
    assert oauth_states.last_installed(db, MINE, NOW) == NORTH
    assert oauth_states.last_installed(db, THEIRS, 0) is None


def test_a_browser_sees_what_it_installed_since_a_time(db: Database) -> None:
    finish(db, 1)
    assert oauth_states.last_installed(db, MINE, NOW) == NORTH
    assert oauth_states.last_installed(db, MINE, NOW + 1) is None


@pytest.mark.parametrize("outcome", ["declined", "failed"])
def test_what_was_not_installed_is_not_shown(db: Database, outcome: str) -> None:
    finish(db, 1, outcome)
    assert oauth_states.last_installed(db, MINE, 0) is None


def test_the_last_of_several_installs_is_shown(db: Database) -> None:
    finish(db, 1)
    for number, now in ((2, NOW + 1), (3, NOW + 1)):
        add(db, number, now)
        use(db, number, now)
        oauth_states.set_outcome(db, hashed(number), "installed", SOUTH if number == 3 else NORTH)
    assert oauth_states.last_installed(db, MINE, 0) == SOUTH


@pytest.mark.claim("C-54")
def test_an_exchange_is_under_way_from_the_use_to_the_outcome(db: Database) -> None:
    add(db, 1)
    assert not oauth_states.has_open_exchange(db, NOW - 30)
    use(db, 1)
    assert oauth_states.has_open_exchange(db, NOW - 1)
    assert not oauth_states.has_open_exchange(db, NOW)
    oauth_states.set_outcome(db, hashed(1), "failed", NO_TENANT)
    assert not oauth_states.has_open_exchange(db, NOW - 30)
    oauth_states.add(db, issued(hashed(2), bound(MINE, "bolt"), NOW + 600), NOW, limit=NO_LIMIT)
    assert use(db, 2, purpose="bolt")
    assert not oauth_states.has_open_exchange(db, NOW - 30), "a Bolt app says nothing of its end"


@pytest.mark.claim("C-98")
def test_an_exchange_that_began_in_the_future_is_not_under_way(db: Database) -> None:
    """The clock was ahead when a process died in an exchange: events of strangers are not refused for that long."""
    add(db, 1)
    use(db, 1)
    assert oauth_states.has_open_exchange(db, NOW - 119)
    assert not oauth_states.has_open_exchange(db, NOW - 121)


def test_a_stolen_database_holds_no_state(db: Database, tmp_path: Path) -> None:
    """I have your database, and look in it for a state that I can use."""
    random = b"the random part of a usable state"[:32]
    oauth_states.add(db, issued(hashlib.sha256(random).digest(), bound(MINE), EXPIRES), NOW, limit=NO_LIMIT)
    assert not any(random in file.read_bytes() for file in tmp_path.iterdir())
