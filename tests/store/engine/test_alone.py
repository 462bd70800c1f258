"""Where the engine lets a statement run: by itself, in a commit that it shares, or in a transaction only."""

from functools import partial

import pytest

from slackapp.store.engine.sqlite import SqliteDatabase
from slackapp.store.engine.statements import parse_statements
from tests.store.rows import look

HEAD = "-- name: {} :{}\n-- tenant: none (a test)\n"
PUT = "INSERT INTO meta (name, value) VALUES ('a', 'b');\n"
LOOK = "SELECT count(*) AS found FROM meta;\n"
BARE, WRITING_ONE, READING = "bare", "writing_one", "reading"


@pytest.fixture
def judged(db: SqliteDatabase) -> SqliteDatabase:
    text = HEAD.format(BARE, "exec") + PUT
    text += HEAD.format(WRITING_ONE, "one") + PUT.replace(";", " RETURNING value;")
    text += HEAD.format(READING, "one") + LOOK + HEAD.format("head", "one") + "-- alone: audit head\n" + LOOK
    text += HEAD.format("look", "one") + "-- alone: look-up\n" + LOOK
    for why in ("compare-and-swap", "insert", "idempotent (a reason)"):
        text += HEAD.format(why[:4], "exec") + f"-- alone: {why}\n" + PUT
    db._statements.update({each.name: each for each in parse_statements("test.sql", text)})
    return db


def written(db: SqliteDatabase) -> bool:
    return look(db.path, "SELECT value FROM meta WHERE name = 'a'") == [("b",)]


@pytest.mark.claim("C-129")
def test_a_write_that_does_not_say_why_runs_in_a_transaction_only(judged: SqliteDatabase) -> None:
    for run in (partial(judged.execute, BARE, {}), partial(judged.one, WRITING_ONE, {})):
        with pytest.raises(RuntimeError, match="alone"):
            run()
        with pytest.raises(RuntimeError, match="alone"):
            judged.commit_in_group(run)
    assert not written(judged)
    with judged.transaction():
        judged.execute(BARE, {})
    assert written(judged)


@pytest.mark.claim("C-129")
def test_nothing_is_read_in_a_commit_that_is_shared_but_what_says_why(judged: SqliteDatabase) -> None:
    with pytest.raises(RuntimeError, match="reading"):
        judged.commit_in_group(lambda: judged.one(READING, {}))
    for name in ("head", "look"):
        assert judged.commit_in_group(partial(judged.one, name, {})) is not None
    assert judged.one(READING, {}) is not None
    with judged.transaction():
        assert judged.one(READING, {}) is not None
    assert judged.one(READING, {}) is not None, "after a shared commit of this thread, too"


@pytest.mark.parametrize("name", ["comp", "inse"])
@pytest.mark.parametrize("is_shared", [False, True])
def test_what_judges_for_itself_whether_it_writes_may_stand_alone(
    judged: SqliteDatabase, name: str, is_shared: bool
) -> None:
    run = partial(judged.execute, name, {})
    assert (judged.commit_in_group(run) if is_shared else run()) == 1
    assert written(judged)


@pytest.mark.claim("C-129")
def test_what_writes_the_same_whatever_was_there_runs_by_itself_and_shares_no_commit(judged: SqliteDatabase) -> None:
    with pytest.raises(RuntimeError, match="idem"):
        judged.commit_in_group(lambda: judged.execute("idem", {}))
    assert not written(judged)
    assert judged.execute("idem", {}) == 1
