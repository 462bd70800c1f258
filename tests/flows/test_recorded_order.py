"""What happens before what: everything that a thread does to the database, to keys and to Slack, written down in order.

The other tests look at the disk in the moment of a call. Here the whole of it is recorded, once, and read afterwards.
A commit that does not wait for the disk is written down as another word, and so counts for nothing here.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from slackapp import callers
from slackapp.flows.events import receive_event
from slackapp.model import RecordContext, Sealed
from slackapp.store.engine.connections import ConnectionHandle
from tests.support.prepared_world import memory_folder
from tests.support.world import World, make_world

COMMENT = re.compile(r"--[^\n]*\n")
STATE_USED = "UPDATE oauth_states SET used_at"
NOTED = "INSERT INTO audit"
LEASED = "UPDATE tokens SET lease_owner = +'PROCESS"
RENEWED = "UPDATE tokens SET lease_until"
STORED = "INSERT INTO inbox"
CALLING = "UPDATE inbox SET state = 'calling'"


@pytest.fixture(scope="module")
def story() -> Iterator[list[str]]:
    """An install, an event, its answer with a token that had to be refreshed for it: statement by statement."""
    patch = pytest.MonkeyPatch()
    with memory_folder() as folder, make_world(folder) as world:
        told: list[str] = []
        record(world, told, patch)
        world.browser().install()
        world.work()
        world.clock.advance(11 * 3600)  # the token is due, and lives
        told.append("an event")
        world.mention()
        world.work()
        patch.undo()
        yield told


def record(world: World, told: list[str], patch: pytest.MonkeyPatch) -> None:
    """Writes down each statement, each call, each opening, and what is read of an event."""
    app = world.service.app
    probed, opened = world.slack.probe, app.keyring.open

    def call(method: str) -> None:
        assert probed is not None
        probed(method)
        told.append(f"call {method}")

    def opening(context: RecordContext, sealed: Sealed, *others: int | None) -> bytes:
        told.append(f"open {context.kind}")
        return opened(context, sealed, *others)

    def noted(name: str, function: Any) -> Any:
        def run(*arguments: Any, **named: Any) -> Any:
            told.append(name)
            return function(*arguments, **named)

        return run

    writer = app.db._writer

    def listened(flush: bool) -> ConnectionHandle:
        held = writer(flush)
        before = "" if flush else "unflushed "
        held.connection.set_trace_callback(lambda sql: told.append(before + plain(sql, app.process_id)))
        return held

    patch.setattr(app.db, "_writer", listened)
    world.slack.probe = call
    patch.setattr(app.keyring, "open", opening)
    patch.setattr(callers, "verify_signature", noted("verify", callers.verify_signature))
    patch.setattr(receive_event, "parse_json", noted("parse", receive_event.parse_json))


def plain(sql: str, process_id: str) -> str:
    """A statement without its comments, and without the name that a process makes up for itself."""
    return COMMENT.sub("", sql).strip().replace(process_id, "PROCESS")


def after(story: list[str], *steps: str) -> None:
    """These happen one after the other; what else happens in between does not matter."""
    at = 0
    for step in steps:
        found = [number for number, line in enumerate(story[at:], at) if line.startswith(step)]
        assert found, f"no {step!r} after {story[at - 1] if at else 'the beginning'!r}"
        at = found[0] + 1


@pytest.mark.claim("C-53")
def test_no_transaction_is_open_when_slack_is_called_or_a_value_opened(story: list[str]) -> None:
    opened = False
    for line in story:
        words = line.removeprefix("unflushed ")
        opened = words.startswith("BEGIN") or (opened and not words.startswith(("COMMIT", "ROLLBACK")))
        assert not (opened and line.startswith(("call", "open"))), line
    assert sum(line.startswith("call") for line in story) > 3


@pytest.mark.claim("C-06")
def test_the_state_is_used_up_and_committed_before_the_code_is_exchanged(story: list[str]) -> None:
    after(story[: story.index("call oauth.v2.access") + 1], STATE_USED, "COMMIT", "call oauth.v2.access")


@pytest.mark.claim("C-17")
def test_the_signature_is_verified_before_the_body_is_parsed_and_anything_is_looked_up(story: list[str]) -> None:
    event = story[story.index("an event") + 1 :]
    assert event[:2] == ["verify", "parse"]


@pytest.mark.claim("C-46")
def test_an_event_is_committed_before_it_is_acknowledged(story: list[str]) -> None:
    event = story[story.index("an event") + 1 :]
    after(event[: event.index("open event_body")], "BEGIN", STORED, "COMMIT")


@pytest.mark.claim("C-25")
def test_before_a_token_is_opened_an_audit_row_is_committed(story: list[str]) -> None:
    """One row for each: between two openings stands a row of its own, and the commit of it."""
    for kind in ("bot_refresh", "bot_access"):
        event = story[story.index("an event") :]
        before = event[: event.index(f"open {kind}")]
        tail = before[max((i for i, line in enumerate(before) if line.startswith("open")), default=0) :]
        after(tail, NOTED, "COMMIT")
    assert story.count("open bot_refresh") == 1


@pytest.mark.claim("C-42")
def test_the_lease_is_committed_and_held_again_before_slack_is_asked_for_a_new_pair(story: list[str]) -> None:
    event = story[story.index("an event") :]
    asked = event[: event.index("call oauth.v2.access") + 1]
    after(asked, LEASED, "COMMIT", "open bot_refresh", RENEWED, "COMMIT", "call oauth.v2.access")


@pytest.mark.claim("C-50")
def test_the_intent_is_committed_before_the_post(story: list[str]) -> None:
    event = story[story.index("an event") :]
    after(event, CALLING, "COMMIT", "open bot_access", "call chat.postMessage")
