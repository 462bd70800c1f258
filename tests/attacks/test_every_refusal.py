"""Every refusal there is, provoked: none is dead, and each shows what the closed list says and nothing of the input.

The table has one entry for each member; a new member without one fails here. `CANARY` stands in every input.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing, nullcontext
from typing import Any
from urllib.parse import urlencode

import pytest

from slackapp.errors import Refusal, Refused
from slackapp.flows.tokens import freeze_tenant
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind
from tests.support.callback_world import approved, assert_silent, callback, log_lines, nothing_happens, outcome
from tests.support.client import Reply
from tests.support.token_use import call_as
from tests.support.world import APP_ID, NORTH, World, north_tenant

CANARY = "canary5ecret"
EXCHANGE = "oauth.v2.access"
OPERATOR = {"Authorization": f"Bearer {CANARY}"}

MakeRefusal = Callable[[World], Reply | None]
Prepared = Callable[[World], MakeRefusal]


def at_once(provoke: MakeRefusal) -> Prepared:
    """A request that needs nothing to be there."""
    return lambda world: provoke


def get(target: str, **headers: str) -> Prepared:
    return at_once(lambda world: world.request("GET", target, headers=headers))


def signed(body: bytes, media_type: str = "application/json") -> Prepared:
    return at_once(lambda world: world.post_signed(body, media_type))


def with_signature(age: int = 0, **secret: str) -> Prepared:
    body = CANARY.encode()
    return at_once(
        lambda world: world.request("POST", "/slack/events", body, world.sign(body, world.clock.now - age, **secret))
    )


def event(**body: Any) -> Prepared:
    return signed(json.dumps({"api_app_id": APP_ID, "x": CANARY, **body}).encode())


def coming_back(**changes: str) -> Prepared:
    """An install up to the callback, which then comes with other parameters."""

    def prepare(world: World) -> MakeRefusal:
        way = approved(world)
        parameters = {"code": way.code, "state": way.state, "x": CANARY, **changes}
        target = callback(**{name: value for name, value in parameters.items() if value})
        return lambda world: way.browser.get(target)

    return prepare


def answered(fault: Fault) -> Prepared:
    """An install whose exchange Slack answers with a fault."""

    def prepare(world: World) -> MakeRefusal:
        way = approved(world)
        world.slack.fault(fault)
        return lambda world: way.browser.get(f"{way.target}&x={CANARY}")

    return prepare


def installing(user: str, **settings: Any) -> Prepared:
    """An install by somebody, or into somewhere, that these settings do not allow."""

    def prepare(world: World) -> MakeRefusal:
        world.restart(**settings)
        way = approved(world, user=user)
        return lambda world: way.browser.get(f"{way.target}&x={CANARY}")

    return prepare


def in_another_browser(world: World) -> MakeRefusal:
    way, other = approved(world), world.browser()
    other.begin()
    return lambda world: other.get(way.target)


def with_a_cookie_of_my_own(world: World) -> MakeRefusal:
    target = f"{approved(world).target}&x={CANARY}"
    return lambda world: world.request("GET", target, headers={"Cookie": f"slackapp_oauth={CANARY}"})


def too_late(world: World) -> MakeRefusal:
    way = approved(world)
    world.clock.advance(601)
    return lambda world: way.finish()


def too_early(world: World) -> MakeRefusal:
    way = approved(world)
    world.clock.advance(-61)
    return lambda world: way.finish()


def twice(world: World) -> MakeRefusal:
    way = approved(world)
    way.finish()
    return lambda world: way.finish()


def too_often(world: World) -> MakeRefusal:
    world.restart(rate_per_minute=1)
    world.browser().begin()
    return lambda world: world.browser().begin()


def too_many(world: World) -> MakeRefusal:
    world.restart(state_limit=1)
    world.browser().begin()
    return lambda world: world.browser().begin()


def all_places_taken(world: World) -> MakeRefusal:
    way = approved(world)

    def provoke(world: World) -> Reply:
        with ExitStack() as stack:
            for number in range(8):
                stack.enter_context(world.service.app.exchange_limit.acquire(str(number)))
            return way.finish()

    return provoke


def amid_an_exchange(world: World) -> MakeRefusal:
    """A process died between the use of a state and its outcome, a moment ago."""
    way = approved(world)
    connection = world.service.app.db
    with connection.transaction():
        (row,) = world.rows("SELECT id_hash, session_hash FROM oauth_states")
        parameters = {**dict(row), "purpose": "install", "provider": "slack", "now": world.clock.now}
        assert connection.one("consume_state", parameters) is not None
    assert way.state
    return lambda world: world.event({"type": "app_mention", "text": CANARY})


def using_the_token(prepare: Callable[[World], None]) -> Prepared:
    """A flow of ours that asks for a token; the refusal stays inside."""

    def prepared(world: World) -> MakeRefusal:
        prepare(world)

        def provoke(world: World) -> None:
            call_as(world.service.app, north_tenant(), Actor(ActorKind.WORKER, "test"))

        return provoke

    return prepared


def outside_its_capability(world: World) -> MakeRefusal:
    world.browser().install()
    actor = Actor(ActorKind.WORKER, "test")
    return lambda world: call_as(world.service.app, north_tenant(), actor, method=f"apps.{CANARY}") and None


def frozen(world: World) -> None:
    world.browser().install()
    freeze_tenant.run(world.service.app, north_tenant(), Actor(ActorKind.OPERATOR, "test"), world.clock.now)


def with_damaged_token(world: World) -> None:
    world.browser().install()
    connection = world.service.app.db
    with connection.transaction():
        (row,) = world.rows("SELECT tenant_kind, tenant_id, holder_id FROM tokens")
        connection.execute("delete_keys", {"tenant_kind": row["tenant_kind"], "tenant_id": row["tenant_id"]})
    world.service.app.keyring.evict(north_tenant())


def dead(world: World) -> None:
    world.browser().install()
    world.slack.invalidate_refresh_tokens(NORTH)
    world.slack.expire_tokens(NORTH)
    world.clock.advance(43_200)


def not_stored(world: World) -> MakeRefusal:
    """Somebody locks the database while Slack exchanges the code, and lets go when the token is revoked."""
    way = approved(world)
    world.service.app.db.shorten_waits()  # 2 s are long for a test

    def provoke(world: World) -> Reply:
        with closing(sqlite3.connect(world.settings.database, isolation_level=None, check_same_thread=False)) as holder:

            def hold(method: str) -> None:
                holder.execute({EXCHANGE: "BEGIN IMMEDIATE", "auth.revoke": "ROLLBACK"}[method])

            world.slack.probe = hold
            return way.browser.get(f"{way.target}&x={CANARY}")

    return provoke


def without_its_key(answer: str) -> Prepared:
    """An install again, of a workspace whose keys are wrapped by a program that answers like that."""

    def prepare(world: World) -> MakeRefusal:
        world.browser().install()
        program = world.folder / "provider"
        program.write_text(f'#!/bin/sh\ncat > /dev/null\necho \'{{"error": "{answer}"}}\'\n')
        program.chmod(0o700)
        with closing(sqlite3.connect(world.settings.database, isolation_level=None)) as connection:
            connection.execute("UPDATE data_keys SET provider = 'theirs' WHERE tenant_id = ?", (NORTH,))
        world.restart(key_commands=(("theirs", program),))
        way = approved(world)
        return lambda world: way.browser.get(f"{way.target}&x={CANARY}")

    return prepare


def a_menu_that_nobody_fills(world: World) -> MakeRefusal:
    world.browser().install()
    world.work()
    menu = {"type": "block_suggestion", "action_id": CANARY, "value": CANARY, "team": {"id": NORTH}}
    body = urlencode({"payload": json.dumps(menu)}).encode()
    return lambda world: world.post_signed(body, "application/x-www-form-urlencoded", "/slack/interactivity")


EDGE: dict[Refusal, Prepared] = {
    # refused before anything is done: no call, no changed row
    Refusal.NOT_FOUND: get(f"/{CANARY}?x={CANARY}"),
    Refusal.METHOD: at_once(lambda w: w.request("POST", f"/?{CANARY}", CANARY.encode())),
    Refusal.HOST: get("/", host=CANARY),
    Refusal.LENGTH: at_once(lambda w: w.request("POST", "/slack/events", environ={"CONTENT_LENGTH": CANARY})),
    Refusal.TOO_LARGE: at_once(lambda w: w.request("POST", "/slack/events", CANARY.encode() * 90_000)),
    Refusal.QUERY: get(f"/slack/oauth_redirect?code={CANARY}&code={CANARY}"),
    Refusal.MEDIA_TYPE: signed(CANARY.encode(), f"text/{CANARY}"),
    Refusal.JSON: signed(f'{{"{CANARY}'.encode()),
    Refusal.FORM: signed(f"{CANARY}=1&{CANARY}=2".encode(), "application/x-www-form-urlencoded"),
    Refusal.EVENT: event(type=CANARY),
    Refusal.NO_OPTIONS: a_menu_that_nobody_fills,
    Refusal.UNSIGNED: at_once(lambda w: w.request("POST", "/slack/events", b"{}", {"X-Slack-Signature": CANARY})),
    Refusal.SIGNATURE_STALE: with_signature(age=301),
    Refusal.SIGNATURE_WRONG: with_signature(secret="another-signing-secret"),
    Refusal.OPERATOR: at_once(lambda w: w.request("POST", "/slack/uninstall", CANARY.encode(), OPERATOR)),
    Refusal.TOKEN_IN_QUERY: get(f"/metrics?token={CANARY}"),
    Refusal.TEAM_HINT: get(f"/slack/install?team={CANARY}"),
    Refusal.STATE_MISSING: coming_back(state=""),
    Refusal.STATE_MALFORMED: coming_back(state=CANARY),
    Refusal.STATE_FORGED: in_another_browser,
    Refusal.BROWSER: with_a_cookie_of_my_own,
    Refusal.STATE_EXPIRED: too_late,
    Refusal.STATE_AHEAD: too_early,
    Refusal.STATE_USED: twice,
    Refusal.CODE_MISSING: coming_back(code=""),
    Refusal.RATE: too_often,
    Refusal.STATE_LIMIT: too_many,
    Refusal.BUSY: all_places_taken,
    Refusal.INSTALLING: amid_an_exchange,
    Refusal.NOT_INSTALLED: using_the_token(lambda world: None),
}
LATER: dict[Refusal, Prepared] = {
    # refused after the one state of this browser was used up
    Refusal.SLACK_ERROR: coming_back(code="", error=CANARY),
    Refusal.EXCHANGE: answered(Fault(EXCHANGE, "error", error="invalid_code")),
    Refusal.GRANT_FOREIGN: answered(Fault(EXCHANGE, "patch", patch={"app_id": CANARY})),
    Refusal.GRANT_MALFORMED: answered(Fault(EXCHANGE, "patch", patch={"token_type": CANARY})),
    Refusal.TEAM_NOT_ALLOWED: installing("admin", allowed_teams=("T0SOUTH001",)),
    Refusal.INSTALLER_NOT_ADMIN: installing("member", bot_scopes=("users:read",), require_admin_installer=True),
    Refusal.INSTALLER_UNKNOWN: installing("admin", require_admin_installer=True),
    Refusal.SLACK_UNREACHABLE: answered(Fault(EXCHANGE, "ratelimited")),
    Refusal.EXCHANGE_UNCLEAR: answered(Fault(EXCHANGE, "html500")),
    Refusal.NOT_STORED: not_stored,
    # refused at a tenant's keys, or at its token
    Refusal.KEY_REVOKED: without_its_key("revoked"),
    Refusal.KEY_UNAVAILABLE: without_its_key("throttled"),
    Refusal.TOKEN_UNAVAILABLE: using_the_token(with_damaged_token),
    Refusal.NEEDS_REINSTALL: using_the_token(dead),
    Refusal.FROZEN: using_the_token(frozen),
    Refusal.CAPABILITY: outside_its_capability,
}
TABLE = EDGE | LATER


def attempt(provoke: MakeRefusal, world: World) -> tuple[Reply | None, Refusal | None]:
    """The answer over HTTP, or the refusal that a flow raised."""
    try:
        return provoke(world), None
    except Refused as refused:
        return None, refused.refusal


def provoked(world: World, refusal: Refusal) -> Reply | None:
    """Provokes it and looks whether it is the one, and what it leaves behind; its answer, where it has one."""
    provoke = TABLE[refusal](world)
    with nothing_happens(world) if refusal in EDGE else nullcontext():
        reply, raised = attempt(provoke, world)
    found = outcome(world) if reply is not None else raised.name.lower() if raised is not None else ""
    assert found == refusal.name.lower()
    return reply


def test_every_refusal_stands_in_the_table() -> None:
    assert [refusal.name for refusal in Refusal if refusal not in TABLE] == []
    assert len(EDGE) + len(LATER) == len(Refusal)


@pytest.mark.parametrize("refusal", Refusal, ids=lambda refusal: refusal.name)
def test_every_refusal_is_given_and_answers_as_the_list_says(world: World, refusal: Refusal) -> None:
    """I send my own words everywhere; I look for them in the answer and in the log, and for a trace in the rows."""
    answer = refusal
    reply = provoked(world, refusal)
    if reply is None:
        return
    assert reply.status == answer.status
    if reply.headers["content-type"].startswith("application/json"):
        assert reply.json == {"error": answer.code}
    else:
        assert answer.sentence.replace("'", "&#x27;") in reply.text
    assert answer.audit in world.audit()
    counters = world.service.app.metrics.text()
    assert f'slackapp_refusals_total{{reason="{refusal.name.lower()}"}} 1\n' in counters
    assert ("retry-after" in reply.headers) == (answer.status in (429, 503))
    assert_silent(world, reply, CANARY)
    assert CANARY not in counters
    assert CANARY.encode() not in world.bytes_on_disk()


def test_members_that_share_a_code_answer_with_the_same_bytes(world: World) -> None:
    """I compare the answers, to learn which check it was that failed."""
    by_code: dict[str, set[tuple[int, str]]] = {}
    for refusal in Refusal:
        by_code.setdefault(refusal.code, set()).add((refusal.status, refusal.sentence))
    assert {code: len(found) for code, found in by_code.items() if len(found) > 1} == {}
    forged, malformed = (provoked(world, which) for which in (Refusal.STATE_FORGED, Refusal.STATE_MALFORMED))
    assert forged is not None
    assert malformed is not None
    assert (forged.status, forged.said) == (malformed.status, malformed.said)


def test_a_refusal_is_one_line_in_the_log(world: World) -> None:
    provoked(world, Refusal.NOT_FOUND)
    assert [line["event"] for line in log_lines(world)] == ["request"]


def test_the_names_in_the_audit_are_all_different() -> None:
    names = [refusal.audit for refusal in Refusal]
    assert len(set(names)) == len(names)
