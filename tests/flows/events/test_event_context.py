"""What a behaviour can do beside calling methods: answer at a response_url, which is Slack's or nobody's."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from slackapp.behaviour import Context
from slackapp.checks.capabilities import merge_capabilities
from slackapp.errors import SlackCallError
from slackapp.flows.events.event_context import MAX_RESPONSES, RESPONSE_SECONDS
from slackapp.flows.tokens import freeze_tenant
from slackapp.flows.upkeep import interrupted_calls
from slackapp.model import Actor, ActorKind
from slackapp.store import queue
from tests.flows.kill_process import Killed, kill_in_call
from tests.slack.servers import http, raw
from tests.support.interactions import command
from tests.support.world import NORTH, World, north_tenant

OVER = "response_url response_url_over"


def row(world: World) -> Any:
    return world.rows("SELECT * FROM inbox WHERE type = '/example' ORDER BY rowid DESC")[0]


def ended(world: World) -> tuple[str, str]:
    return row(world)["state"], row(world)["result"]


def answers(world: World) -> list[str]:
    """What the app posted at a response_url."""
    return [message["text"] for message in world.slack.messages(NORTH) if message.get("via") == "response_url"]


def saying(*texts: str) -> dict[str, Any]:
    """A behaviour that answers the command with each of them."""

    def say(context: Context, event: Mapping[str, Any]) -> None:
        for text in texts:
            context.respond(text)

    return {"/example": say}


def post_to(world: World, origin: str) -> None:
    """Lets `origin` be where response_urls lead."""
    settings = world.service.app.settings
    world.replace_parts(settings=settings._replace(slack=settings.slack._replace(response_origin=origin)))


# Where it leads


FOREIGN = [
    "http://{here}@{evil}/x", "http://{evil}/x", "https://{here}/x", "http://{here}.evil.example/x", "http://{here}",
    "http://{here}0/x", "http://localhost:{port}/x", "http://{here}/x?y", "http://{here}/x#y", "file:///x", "", "x",
]  # fmt: skip


@pytest.mark.claim("C-71")
def test_nothing_is_posted_to_an_address_that_is_not_slacks(ready: World) -> None:
    here = ready.settings.slack.response_origin.removeprefix("http://")
    ready.replace_parts(behaviour=saying("canary"))
    with raw(http(b"ok")) as evil:
        names = {"here": here, "evil": evil.url.removeprefix("http://"), "port": here.partition(":")[2]}
        for address in FOREIGN:
            assert command(ready, response_url=address.format(**names)).status == 200
            assert (ready.work(), ended(ready), evil.requests) == (1, ("dead", OVER), []), address
    assert answers(ready) == []


def test_where_there_is_no_address_nothing_is_posted(ready: World) -> None:
    command(ready, response_url=None)
    assert (ready.work(), ended(ready)) == (1, ("dead", OVER))


def test_a_redirect_is_not_followed(ready: World) -> None:
    ready.replace_parts(behaviour=saying("canary"))
    with raw(http(b"ok")) as evil:
        location = f"Location: {evil.url}/x\r\n"
        for status in ("301 X", "302 X", "307 X", "308 X"):
            with raw(http(b"", status, location)) as slack:
                post_to(ready, slack.url)
                command(ready, response_url=f"{slack.url}/commands/1", trigger_id=status)
                ready.work()
                assert (len(slack.requests), evil.requests, ended(ready)[0]) == (1, [], "dead"), status


def test_what_is_posted_is_for_the_user_alone_and_carries_no_token(ready: World) -> None:
    ready.replace_parts(behaviour=saying("hello"))
    with raw(http(b"ok")) as slack:
        post_to(ready, slack.url)
        command(ready, response_url=f"{slack.url}/commands/1")
        ready.work()
        (posted,) = slack.requests
    head, _, body = posted.partition(b"\r\n\r\n")
    assert body == b'{"response_type": "ephemeral", "text": "hello"}'
    assert head.startswith(b"POST /commands/1 ")
    for word in (b"authorization", b"xox", b"cookie"):
        assert word not in head.lower()


# How often, and for how long


def test_the_sixth_answer_is_not_posted(ready: World) -> None:
    ready.replace_parts(behaviour=saying(*"123456"))
    with raw(http(b"ok")) as slack:
        post_to(ready, slack.url)
        command(ready, response_url=f"{slack.url}/commands/1")
        assert (ready.work(), len(slack.requests)) == (1, MAX_RESPONSES)
    assert ended(ready) == ("unclear", OVER), "five were said"


@pytest.mark.parametrize(("later", "said"), [(RESPONSE_SECONDS, ["late"]), (RESPONSE_SECONDS + 1, [])])
def test_after_half_an_hour_nothing_is_posted(ready: World, later: int, said: list[str]) -> None:
    ready.replace_parts(behaviour=saying("late"))
    with raw(http(b"ok")) as slack:
        post_to(ready, slack.url)
        command(ready, response_url=f"{slack.url}/commands/1")
        ready.clock.advance(later)
        ready.work()
        assert (len(slack.requests), ended(ready)[0]) == (len(said), "done" if said else "dead")


# What becomes of the row


UNKNOWN_ENDS = {
    "500": http(b"", "500 X"), "503": http(b"<html>", "503 X"), "no answer": b"", "half": http(b"o", length="7"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNKNOWN_ENDS)
def test_an_answer_of_which_nobody_knows_whether_it_came_is_unclear_and_not_posted_again(
    ready: World, what: str
) -> None:
    ready.replace_parts(behaviour=saying("once"))
    with raw(UNKNOWN_ENDS[what]) as slack:
        post_to(ready, slack.url)
        command(ready, response_url=f"{slack.url}/commands/1")
        assert (ready.work(), ended(ready)[0]) == (1, "unclear")
        ready.clock.advance(300)
        assert (ready.work(), len(slack.requests)) == (0, 1)


@pytest.mark.parametrize("status", ["400 X", "403 X", "404 X", "410 X"])
def test_an_answer_that_slack_does_not_take_is_not_posted_again(ready: World, status: str) -> None:
    ready.replace_parts(behaviour=saying("once"))
    with raw(http(b"used_url", status)) as slack:
        post_to(ready, slack.url)
        command(ready, response_url=f"{slack.url}/commands/1")
        ready.work()
        ready.clock.advance(300)
        assert (ready.work(), len(slack.requests), ended(ready)) == (0, 1, ("dead", "response_url refused"))


def test_an_answer_that_surely_did_not_arrive_is_posted_later(ready: World) -> None:
    ready.replace_parts(behaviour=saying("hello"))
    origin = ready.settings.slack.response_origin
    command(ready)
    with raw(b"") as gone:
        pass
    real, post = ready.service.app.slack.respond, []

    def elsewhere(url: str, message: Mapping[str, Any]) -> None:
        post.append(url)
        real(url.replace(origin, gone.url) if len(post) == 1 else url, message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ready.service.app.slack, "respond", elsewhere)
        assert (ready.work(), ended(ready)) == (1, ("ready", "response_url no_connection"))
        ready.clock.advance(60)
        assert (ready.work(), ended(ready), answers(ready)) == (1, ("done", "ok"), ["hello"])


def test_an_answer_at_a_limited_rate_is_posted_later(ready: World) -> None:
    ready.replace_parts(behaviour=saying("hello"))
    with raw(http(b"", "429 X")) as slack:
        post_to(ready, slack.url)
        command(ready, response_url=f"{slack.url}/commands/1")
        assert (ready.work(), ended(ready)[0]) == (1, "ready")
        slack.answer = http(b"ok")
        ready.clock.advance(60)
        assert (ready.work(), ended(ready), len(slack.requests)) == (1, ("done", "ok"), 2)


@pytest.mark.parametrize("posted", [False, True])
@pytest.mark.claim("C-50")
def test_a_process_that_dies_while_it_answers_leaves_an_unclear_row_that_is_not_run_again(
    ready: World, monkeypatch: pytest.MonkeyPatch, posted: bool
) -> None:
    real, seen = ready.service.app.slack.respond, []

    def die(url: str, message: Mapping[str, Any]) -> None:
        seen.append(row(ready)["state"])
        if posted:
            real(url, message)
        raise Killed

    command(ready)
    monkeypatch.setattr(ready.service.app.slack, "respond", die)
    kill_in_call(monkeypatch)
    with pytest.raises(Killed):
        ready.work()
    ready.restart()
    ready.clock.advance(queue.LEASE + 1)
    interrupted_calls.mark_unclear(ready.service.app, ready.clock())
    assert (seen, row(ready)["state"], ready.work(), len(answers(ready))) == (["calling"], "unclear", 0, posted)


def test_a_process_that_dies_before_it_answers_leaves_a_row_that_is_run_again(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(context: Context, event: Mapping[str, Any]) -> None:
        raise Killed

    table = ready.service.app.behaviour
    command(ready)
    ready.replace_parts(behaviour={"/example": die})
    kill_in_call(monkeypatch)
    with pytest.raises(Killed):
        ready.work()
    ready.replace_parts(behaviour=table)
    ready.clock.advance(queue.LEASE + 1)
    assert (ready.work(), ended(ready), len(answers(ready))) == (1, ("done", "ok"), 1)


def test_a_worker_that_lost_its_row_answers_nothing(ready: World) -> None:
    def lose(context: Context, event: Mapping[str, Any]) -> None:
        with closing(sqlite3.connect(ready.settings.database)) as connection, connection:
            connection.execute("UPDATE inbox SET lease_owner = 'another'")
        context.respond("too late")

    ready.replace_parts(behaviour={"/example": lose})
    command(ready)
    ready.work()
    assert (row(ready)["state"], row(ready)["lease_owner"], answers(ready)) == ("running", "another", [])


@pytest.mark.claim("C-128", "C-116")
def test_a_row_that_runs_when_the_freeze_comes_posts_nothing_and_waits(ready: World) -> None:
    def say(context: Context, event: Mapping[str, Any]) -> None:
        freeze_tenant.run(ready.service.app, context.tenant, operator, ready.clock.now)
        context.respond("while frozen")

    operator = Actor(ActorKind.OPERATOR, "r1")
    ready.replace_parts(behaviour={"/example": say})
    command(ready)
    assert (ready.work(), ended(ready), row(ready)["attempts"], answers(ready)) == (1, ("ready", "frozen"), 0, [])
    audited = ready.rows("SELECT * FROM audit ORDER BY id DESC LIMIT 1")[0]
    told = ("event", "result", "actor", "record_kind", "record_id", "tenant_id", "method", "purpose")
    assert tuple(audited[name] for name in told) == (
        "refused.frozen", "refused", "worker", "event", row(ready)["event_id"], NORTH, "response_url", "/example",
    )  # fmt: skip
    ready.clock.advance(900)
    ready.replace_parts(behaviour=saying("afterwards"))
    freeze_tenant.end(ready.service.app, north_tenant(), operator, ready.clock.now)
    assert (ready.work(), ended(ready), answers(ready)) == (1, ("done", "ok"), ["afterwards"])


def test_a_behaviour_may_catch_what_could_not_be_said(ready: World) -> None:
    def shrug(context: Context, event: Mapping[str, Any]) -> None:
        with pytest.raises(SlackCallError):
            context.respond("canary")

    ready.replace_parts(behaviour={"/example": shrug})
    command(ready, response_url="")
    assert (ready.work(), ended(ready)) == (1, ("done", "ok"))


def test_what_the_app_asks_for_by_now_and_was_not_granted_is_shown(ready: World) -> None:
    """A new release asks for more than the installs of yesterday were asked for."""
    seen: list[tuple[str, tuple[str, ...]]] = []

    def look(context: Context, event: Mapping[str, Any]) -> None:
        seen.append((context.public_url, context.missing_scopes))

    settings = ready.service.app.settings
    for scopes in (settings.bot_scopes, (*settings.bot_scopes, "users:read")):
        ready.replace_parts(behaviour={"app_mention": look}, settings=settings._replace(bot_scopes=scopes))
        ready.mention(f"Ev{len(scopes)}")
        ready.work()
    assert seen == [(settings.public_url, ()), (settings.public_url, ("users:read",))]


# What it may call


def calling(*methods: str) -> dict[str, Any]:
    """A behaviour that calls each of them."""

    def call(context: Context, event: Mapping[str, Any]) -> None:
        for method in methods:
            context.call(method, {"channel": event["user_id"], "text": "hello"})

    return {"/example": call}


@pytest.mark.claim("C-108")
def test_a_method_outside_its_capability_never_reaches_slack_and_is_not_tried_again(ready: World) -> None:
    """I am a behaviour that ends the token, and hope that the inbox tries it for me once more."""
    ready.replace_parts(behaviour=calling("auth.revoke"))
    command(ready)
    before = ready.calls()
    assert (ready.work(), ended(ready)) == (1, ("dead", "auth.revoke not_permitted"))
    ready.clock.advance(3600)
    assert (ready.work(), ready.calls()) == (0, before)
    assert ready.audit()[-1] == "refused.capability"


def test_after_a_call_that_slack_acted_on_the_row_is_shown_and_not_run_again(ready: World) -> None:
    ready.replace_parts(behaviour=calling("chat.postMessage", "admin.users.list"))
    command(ready)
    assert (ready.work(), ended(ready)) == (1, ("unclear", "admin.users.list not_permitted"))
    assert (ready.work(), ready.calls("admin.users.list")) == (0, [])


def test_a_module_that_lists_its_methods_may_call_no_other(ready: World) -> None:
    ready.replace_parts(
        behaviour=calling("chat.postMessage", "users.info"),
        vault=replace(ready.service.app.vault, capabilities=merge_capabilities((), ["chat.postMessage"])),
    )
    command(ready)
    assert (ready.work(), ended(ready)) == (1, ("unclear", "users.info not_permitted"))
    assert ready.calls("users.info") == []


# What the audit says of a call


@pytest.mark.parametrize(
    ("channel", "told"),
    [
        ("C0GENERAL1", "C0GENERAL1"), ("D0DIRECT01", "D0DIRECT01"), ("U0SOMEBODY", ""), ("#general", ""),
        ("general", ""), ("Meet me at eight", ""), ("xoxb-0-canary", ""), (None, ""), (["C0GENERAL1"], ""),
    ],
)  # fmt: skip
def test_the_row_of_a_call_names_the_channel_by_its_id_and_holds_no_other_text(
    ready: World, channel: object, told: str
) -> None:
    def post(context: Context, event: Mapping[str, Any]) -> None:
        context.call("chat.postMessage", {"channel": channel, "text": "C0TEXT0001"})

    ready.replace_parts(behaviour={"/example": post})
    command(ready)
    ready.work()
    rows = ready.rows("SELECT channel FROM audit WHERE method = 'chat.postMessage' AND purpose = '/example'")
    assert [row["channel"] for row in rows] == [told]


def test_a_call_without_a_channel_names_none(ready: World) -> None:
    ready.replace_parts(behaviour={"/example": lambda context, event: context.is_admin("U0SOMEBODY")})
    command(ready)
    ready.work()
    rows = ready.rows("SELECT channel FROM audit WHERE method = 'users.info' AND purpose = '/example'")
    assert [row["channel"] for row in rows] == [""]
