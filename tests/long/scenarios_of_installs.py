"""Start, migration, state, install, re-install, refresh, event."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from slackapp.flows.upkeep import heartbeat, interrupted_calls
from slackapp.store import tokens
from slackapp.store.engine.database import Database
from slackapp.store.engine.statements import sql_directory
from tests.long.child import Child
from tests.long.scenarios import (
    ADMINS,
    LIFE,
    Arguments,
    Command,
    Run,
    Scenario,
    add,
    approve,
    ask,
    assert_usable,
    at_once,
    finish,
    go_on,
    install,
)
from tests.support.world import NORTH, SOUTH, World, north_tenant


def _nothing(world: World, command: Command) -> Arguments:
    return {}


def _installed(world: World, command: Command) -> Arguments:
    install(world)
    return {}


# Start and migration


def _no_database(folder: Path) -> None:
    for file in folder.glob("slackapp.db*"):
        file.unlink()


def _installed_and_begun(world: World, command: Command) -> Arguments:
    """Beside the state of the install, which is used, one that is not."""
    install(world)
    world.browser().begin()
    return {}


def _first_schema(folder: Path) -> None:
    """The same rows as the first release would have left them: nothing of what later migrations have made.

    The user's token does not expire: that release was used before rotation was switched on.
    """
    first, *later = sorted((sql_directory() / "migrations").glob("*.sql"))
    assert later
    path, old = folder / "slackapp.db", folder / "first.db"
    old.touch(0o600)
    with contextlib.closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.executescript(first.read_text("utf-8"))
        connection.execute("ATTACH ? AS new", (str(path),))
        connection.execute("BEGIN")
        for (table,) in connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
            if table == "audit":
                continue  # its rows had a form, and a MAC, of their own: tests/test_landed.py has such ones
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
            values = columns.replace(" user_id", " holder_id")  # as the column is called since
            # Without the rows that it would not have taken, such as the key for labels.
            connection.execute(f"INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {values} FROM new.{table}")
        connection.execute("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
        connection.execute("UPDATE tokens SET refresh = NULL, expires_at = NULL WHERE user_id <> ''")
        connection.execute("COMMIT")
        connection.execute("DETACH new")
        connection.execute("PRAGMA journal_mode = WAL")
    for file in folder.glob("slackapp.db-*"):
        file.unlink()
    old.replace(path)


def _start(actor: Child) -> None:
    actor.arm(pragmas=True)
    service = actor.service()
    service.local_scheduler.run_due(service.app)
    service.remote_scheduler.run_due(service.app)
    actor.tell("started")
    service.stop()


def _works(run: Run) -> None:
    world = run.world
    assert len(world.rows("SELECT 1 FROM meta WHERE name = 'database_id'")) == 1
    newest = len(list((sql_directory() / "migrations").glob("*.sql")))
    assert world.rows("SELECT value FROM meta WHERE name = 'schema_version'")[0][0] == str(newest)
    install(world, SOUTH)
    finish(world)
    assert world.status(SOUTH) == "active"


def _works_on(run: Run) -> None:
    world = run.world
    (bot, user) = world.rows("SELECT holder_id, issued_at, expires_at, due_at FROM tokens ORDER BY holder_id")
    assert (bot["holder_id"], bot["due_at"]) == ("", bot["issued_at"] + LIFE - 7200 + 1)
    assert (user["holder_id"], user["expires_at"], user["due_at"]) == (ADMINS[NORTH], None, None)
    installers = world.rows("SELECT tenant_id, holder_id, generation, installed_at FROM installers")
    assert [tuple(row) for row in installers] == [(NORTH, ADMINS[NORTH], 1, bot["issued_at"])]
    states = world.rows("SELECT id, purpose, outcome, tenant_id FROM oauth_states ORDER BY id")
    assert [tuple(row) for row in states] == [(1, "install", "installed", NORTH), (2, "install", "", "")]
    assert_usable(world)
    _works(run)


add(Scenario("first start", _nothing, _start, _works, _no_database))
add(Scenario("migration", _installed_and_begun, _start, _works_on, _first_schema))


# Install


def _begin(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    reply = world.browser().begin("?team=T0NORTH001")
    actor.tell(f"begun {reply.status} {json.dumps(reply.query['state'])} {reply.headers['set-cookie']}")
    world.browser().begin()


def _state_works_once(run: Run) -> None:
    world = run.world
    assert world.count("oauth_states") <= 2
    if run.told:
        browser = world.browser()
        status, state, cookie = run.told[0].split(" ", 3)[1:]
        browser.cookies.update([cookie.partition(";")[0].split("=", 1)])
        assert status in ("302", "303")
        fields = {"state": json.loads(state), "client_id": world.settings.client_id}
        begun = world.browser().begin().query
        consented = world.slack_form(
            "/oauth/v2/authorize", {**begun, **fields, "target": NORTH, "user": "admin", "decision": "approve"}
        )
        assert browser.follow_callback(consented).status == 303
        assert browser.follow_callback(consented).status == 400
    install(world)
    assert_usable(world)


add(Scenario("issue a state", _nothing, _begin, _state_works_once))


def _approved(world: World, command: Command) -> Arguments:
    return approve(world)


def _installed_and_approved(world: World, command: Command) -> Arguments:
    install(world)
    return approve(world)


def _come_back(actor: Child) -> None:
    world = actor.world()
    browser = world.browser()
    actor.arm()
    actor.tell(f"callback {go_on(world, actor.arguments, browser).status}")
    actor.tell(f"page {'Northwind' in browser.get('/slack/installed').text}")


def _installed_once(run: Run) -> None:
    world = run.world
    calls = len(world.calls("oauth.v2.access"))
    used = len(world.rows("SELECT 1 FROM oauth_states WHERE used_at IS NOT NULL"))
    before = world.rows("SELECT generation, installed_at FROM installations")
    outcomes = {row[0] for row in world.rows("SELECT outcome FROM oauth_states WHERE used_at IS NOT NULL")}
    assert outcomes <= ({"installed"} if before else {""})
    if "callback 303" in run.told:
        assert world.status() == "active"
    # the browser goes there again, twice
    first, second = go_on(world, run.arguments).status, go_on(world, run.arguments).status
    assert (first, second) == (400 if used else 303, 400)
    assert calls <= used
    assert len(world.calls("oauth.v2.access")) <= 1
    if first == 400:
        assert world.rows("SELECT generation, installed_at FROM installations") == before
    if world.status() == "active":
        assert_usable(world)
    assert world.browser().install().status == 303
    finish(world)
    assert world.status() == "active"
    assert_usable(world)
    assert len(world.slack.messages(NORTH)) <= 1  # greeted, and not twice


def _reinstalled(run: Run) -> None:
    assert run.world.status() == "active"
    assert_usable(run.world)  # the old pair or the new one, but one that Slack takes
    run.world.slack.called.clear()
    second = [go_on(run.world, run.arguments).status for _ in range(2)]
    assert second[1] == 400
    assert len(run.world.calls("oauth.v2.access")) <= 1
    assert run.world.browser().install().status == 303
    finish(run.world)
    assert_usable(run.world)
    assert len(run.world.slack.messages(NORTH)) == 1


add(Scenario("install", _approved, _come_back, _installed_once))
add(Scenario("re-install", _installed_and_approved, _come_back, _reinstalled))


def _come_back_to_a_torn_install(actor: Child) -> None:
    """A planted mistake: the tokens go into a transaction of their own."""
    saved = tokens.save

    def save(db: Database, *given: Any, **named: Any) -> None:
        connection = db._writing.held.connection
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        saved(db, *given, **named)

    tokens.save = save
    _come_back(actor)


add(Scenario("planted", _approved, _come_back_to_a_torn_install, _installed_once))


# Refresh


def _due(world: World, command: Command) -> Arguments:
    install(world)
    world.clock.advance(LIFE - 3600)
    return {}


def _expired(world: World, command: Command) -> Arguments:
    install(world)
    world.clock.advance(LIFE + 1)
    return {}


def _use(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    actor.tell(f"answered {ask(world)['ok']}")
    ask(world)


def _refreshed(run: Run) -> None:
    world = run.world
    world.clock.advance(31)  # the dead one's lease is over, Slack's grace is not
    assert ask(world)["ok"] is True
    row = world.rows("SELECT generation, lease_owner, status FROM tokens WHERE holder_id = ''")[0]
    assert tuple(row) == (2, "", "live")
    assert len(world.calls("oauth.v2.access")) <= 3 - (run.told != ())
    assert_usable(world)


def _refreshed_in_time(run: Run) -> None:
    assert at_once(run.world)  # by the old token, while another one holds the lease
    _refreshed(run)


def _refreshed_late(run: Run) -> None:
    leased = run.world.rows("SELECT lease_until FROM tokens WHERE holder_id = ''")[0][0] > 0
    assert at_once(run.world) is not leased
    _refreshed(run)


add(Scenario("refresh in time", _due, _use, _refreshed_in_time))
add(Scenario("refresh when expired", _expired, _use, _refreshed_late))


# Events


def _mentioned(world: World, command: Command) -> Arguments:
    install(world)
    world.slack.mention(NORTH, "hello")
    channel = world.slack.workspaces[NORTH].general
    event = {"type": "app_mention", "user": "U0SOMEBODY", "channel": channel, "ts": "1800000000.000100", "text": "hi"}
    before = len(world.slack.messages(NORTH))
    return {"body": json.dumps(world.envelope(event, "EvSwept")), "before": str(before)}


def _receive(actor: Child) -> None:
    world = actor.world()
    actor.arm()
    actor.tell(f"acknowledged {world.post_signed(actor.arguments['body'].encode()).status}")
    world.work()
    actor.tell("worked")


def _receive_and_hand_over(actor: Child) -> None:
    """As a process that serves: with places in memory, and known to be alive."""
    world = actor.world()
    app = world.service.app
    app.db.lock_process(app.process_id)
    heartbeat.run(app, 0)
    world.service.worker.hand_off.open()
    actor.arm()
    actor.tell(f"acknowledged {world.post_signed(actor.arguments['body'].encode()).status}")
    world.work()
    actor.tell("worked")


def _taken_over(run: Run) -> None:
    """No time goes by: what the dead process had is not waited for."""
    world = run.world
    assert interrupted_calls.take_over(world.service.app, world.clock()) == 1, "it never signed off"
    assert world.rows("SELECT 1 FROM inbox WHERE lease_owner <> ''") == []
    _answered_at_most_once(run)


def _answered_at_most_once(run: Run) -> None:
    world = run.world
    kept = world.rows("SELECT state FROM inbox WHERE event_id = 'EvSwept'")
    if "acknowledged 200" in run.told:
        assert kept
    assert world.post_signed(run.arguments["body"].encode()).status == 200  # Slack sends it again
    finish(world)
    assert world.post_signed(run.arguments["body"].encode()).status == 200
    finish(world)
    posted = len(world.slack.messages(NORTH)) - int(run.arguments["before"])
    state = world.rows("SELECT state FROM inbox WHERE event_id = 'EvSwept'")[0][0]
    assert (state, posted) in {("done", 1), ("unclear", 0), ("unclear", 1)}
    unclear = world.rows("SELECT 1 FROM audit WHERE event = 'event.unclear' AND tenant_id = ?", north_tenant().id)
    assert len(unclear) == (state == "unclear")


add(Scenario("receive and run an event", _mentioned, _receive, _answered_at_most_once))
add(Scenario("receive and hand over an event", _mentioned, _receive_and_hand_over, _taken_over))
