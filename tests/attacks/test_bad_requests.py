"""Some hundred bad requests, one after another in one world: each with its exact answer, and after each all is well."""

import html
import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import pytest

from slackapp.errors import Refusal, RefusalKind, Refused
from slackapp.host.answers import refusal_api
from slackapp.host.checks.form_token import make_form_token
from slackapp.host.errors import HostRefusal, HostRefused
from slackapp.host.model import HostRole
from slackapp.host.routes import API_ROUTES
from slackapp.routes import CONNECT, PAGE, ROUTES
from slackapp.web.request import BODY_LIMIT
from slackapp.web.router import Router
from tests.attacks import api_bad_requests, page_bad_requests
from tests.attacks.api_bad_requests import API
from tests.attacks.bad_requests import ACTION, ALL, CANARY, CODES, COMMAND, FORM, JSON, METHODS, Bad, action
from tests.attacks.page_bad_requests import PAGES
from tests.host.keys import HOST_URL
from tests.support.callback_world import Approved, approved, cookie_of
from tests.support.client import Reply, keep_cookie
from tests.support.host_world import Host, connect, make_host_world
from tests.support.things import THINGS, with_things
from tests.support.world import HOST, START, Browser, World

PATHS = {route.path: route for route in ROUTES}
ROUTER = Router(PATHS)
OF_PAGES, OF_API = ({bad.name for bad in bads} for bads in (PAGES, API))
PIECE = re.compile(rb"[^\x00-\x20;,&=\"'{}:\[\]()<>?]{9,}")
"""What of a request is long enough to be recognised in an answer."""
OURS = " ".join(
    [
        HOST,
        str(START),
        JSON,
        FORM,
        *PATHS,
        *(route.path for route in THINGS),
        *(f"{each.name.lower()} {each.code} {each.sentence}" for each in (*Refusal, *HostRefusal)),
        *(name for route in API_ROUTES for name in (*route.parameters, *(route.body or ()))),
    ]
).encode()
"""What answers and the log hold whatever is asked."""
UNROUTED = ("not_found", "method", "host", "length", "too_large")
"""What is refused before it is known whether a program or a person asks."""


@dataclass
class PreparedWorld:
    """A world with one installation, another one under way, and how far its log has been read."""

    world: World
    victim: Approved
    member: Browser
    reader: sqlite3.Connection
    good: int = 0
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    version: int = 0

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """`World.snapshot`, by one connection for all of the times that it is taken here.

        SQLite tells whether anybody has written since: where nobody has, nothing need be compared.
        """
        (version,) = self.reader.execute("PRAGMA data_version").fetchone()
        if self.rows and version == self.version:
            return self.rows
        self.version = version
        tables = [name for (name,) in self.reader.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        # A token that works once is used, whatever came with it.
        tables = [name for name in tables if name not in ("audit", "counters", "answered", "host_token_ids")]
        return {name: self.reader.execute(f"SELECT * FROM {name}").fetchall() for name in tables}

    def next_good_request_works(self) -> None:
        """Slack's handshake is answered; and in every tenth place an event is kept, or an install begins, instead."""
        self.good += 1
        if self.good % 10 == 0:
            assert self.world.mention(f"EvGood{self.good}").status == 200
            assert self.world.rows("SELECT 1 FROM inbox WHERE event_id = ?", f"EvGood{self.good}")
        elif self.good % 10 == 5:
            assert self.world.browser().begin().status == 302
        else:
            handshake = {"type": "url_verification", "challenge": f"good-{self.good}"}
            reply = self.world.post_signed(json.dumps(handshake).encode())
            assert (reply.status, reply.text) == (200, f"good-{self.good}")
        self.rows, self.calls = self.snapshot(), self.world.calls()
        self.world.log.seek(0)
        self.world.log.truncate()

    def filled(self, bad: Bad) -> Bad:
        """With the victim's state, code and cookie, and a canary in headers that nobody reads."""
        known = {"<state>": self.victim.state, "<code>": self.victim.code}
        known["<cookie>"] = cookie_of(self.victim.browser).partition("=")[2]
        known["<session>"] = cookie_of(self.member).partition("=")[2]
        known["<form_token>"] = make_form_token(known["<session>"])

        def fill(text: str) -> str:
            for name, value in known.items():
                text = text.replace(name, value)
            return text

        unread = {"User-Agent": CANARY, "Referer": f"https://{CANARY}.example/", "X-Forwarded-Host": CANARY}
        unread |= {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": CANARY, "X-Request-Id": CANARY}
        headers = {**unread, **{name: fill(value) for name, value in bad.headers.items()}}
        body = fill(bad.body.decode("latin-1")).encode("latin-1") if bad.name in OF_PAGES else bad.body
        return replace(bad, target=fill(bad.target), body=body, headers=headers)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreparedWorld]:
    with make_host_world(tmp_path_factory.mktemp("bad"), SLACKAPP_HOST_RATE_PER_MINUTE="6000") as world:
        host = Host(world)
        connect(world, host)
        for role in HostRole:
            host.of(f"r{role}", role).get("slack/integration")
        host.of("gone").get("slack/integration")
        host.post("members/gone/offboard")
        Host(world, "globex").get("slack/integration")
        world.service.wsgi = with_things(world.service.app)
        login = {"memberId": "rowner", "role": HostRole.OWNER}
        member, ticket = world.browser(), host.post("slack/sessions", login).json["ticket"]
        headers = {"Content-Type": FORM, "Origin": HOST_URL}
        keep_cookie(member.cookies, world.request("POST", "/settings/session", f"ticket={ticket}".encode(), headers))
        reader = sqlite3.connect(f"file:{world.settings.database}?mode=ro", uri=True)
        made = PreparedWorld(world, approved(world), member, reader)
        made.next_good_request_works()
        assert made.rows == {name: rows for name, rows in world.snapshot().items() if name != "host_token_ids"} != {}
        yield made
        reader.close()
        assert world.status() == "active"
        assert made.victim.finish().status == 303, "the install that was under way all the time"


def pieces(bad: Bad) -> set[bytes]:
    """What is distinctive in a request, wherever it stands in it."""
    values = [bad.method, bad.target, *bad.headers.values(), *bad.environ.values()]
    raw = b"\x00".join([*(value.encode("latin-1") for value in values), bad.body[:100_000]])
    found = {piece[:64] for piece in PIECE.findall(raw)} - set(PATHS)
    return {piece for piece in found if piece not in OURS} | {CANARY.encode(), b"c4nary"}


def assert_nothing_is_repeated(bad: Bad, reply: Reply, log: str) -> None:
    said = reply.body + repr(reply.headers).encode() + log.encode()
    assert [piece for piece in pieces(bad) if piece in said] == []


def assert_is_the_answer(bad: Bad, reply: Reply) -> None:
    """The exact answer: the code for a program, the sentence for a person, nothing for HEAD."""
    if bad.outcome == "ok":
        assert reply.text == bad.answer
        return
    match = ROUTER.match(bad.target.partition("?")[0])
    route = PATHS[match[0]] if match else None
    refusal = refusal_of(bad)
    if route is not None and route.answers is refusal_api and bad.outcome != "method":
        host_side = isinstance(refusal, HostRefusal)
        refused = HostRefused(refusal, field=bad.wrong_field or None) if host_side else Refused(refusal)
        assert reply.body == refusal_api(refused).body
        return
    if reply.status == 302:
        assert reply.location == bad.answer
        return
    if route in CONNECT:
        assert html.escape(refusal.sentence) in reply.text
        return
    assert (refusal.code, refusal.status) == (CODES[bad.outcome], bad.status)
    if bad.method == "HEAD":
        assert reply.body == b""
    elif bad.outcome in UNROUTED or route is None or route.answers == PAGE:
        assert refusal.sentence.replace("'", "&#x27;") in reply.text
    else:
        assert reply.json == {"error": CODES[bad.outcome]}


def refusal_of(bad: Bad) -> RefusalKind:
    """What it is refused by: no two lists of refusals have the same name."""
    name = bad.outcome.upper()
    return HostRefusal[name] if name in HostRefusal.__members__ else Refusal[name]


def status_of(bad: Bad) -> int:
    if bad.name in OF_PAGES:
        return 302 if bad.answer else page_bad_requests.STATUSES[bad.outcome]
    return api_bad_requests.OUTCOMES[bad.outcome] if bad.name in OF_API else bad.status


BATCH = 24
"""Requests in one test: they are many, and each test costs its while."""


EVERY = (*ALL, *API, *PAGES)


@pytest.mark.parametrize("first", range(0, len(EVERY), BATCH))
def test_a_bad_request_gets_its_answer_and_nothing_else_happens(prepared: PreparedWorld, first: int) -> None:
    for bad in EVERY[first : first + BATCH]:
        try:
            check(prepared, bad)
        except BaseException as error:
            error.add_note(f"the request: {bad.name}")
            raise


def check(prepared: PreparedWorld, bad: Bad) -> None:
    """Sends it, looks at everything, and sees that the next good request works."""
    world, status, bad = prepared.world, status_of(bad), prepared.filled(bad)
    try:
        reply = world.request(bad.method, bad.target, bad.body, bad.headers, bad.environ)
        log = world.log.getvalue()
        lines = [json.loads(line) for line in log.split("\n") if line]
        assert [(line["event"], line["level"], line["outcome"]) for line in lines] == [("request", "info", bad.outcome)]
        assert (reply.status, lines[0]["status"]) == (status, status)
        assert_is_the_answer(bad, reply)
        assert_nothing_is_repeated(bad, reply, log)
        assert {"set-cookie", "location"} & set(reply.headers) == ({"location"} if status == 302 else set())
        assert world.calls() == prepared.calls
        assert prepared.snapshot() == prepared.rows
    finally:
        prepared.next_good_request_works()


@pytest.mark.parametrize(("method", "target", "allowed"), METHODS)
def test_a_wrong_method_is_told_the_right_one(prepared: PreparedWorld, method: str, target: str, allowed: str) -> None:
    assert prepared.world.request(method, target).headers["allow"] == allowed


def test_the_bad_requests_are_many_distinct_and_cover_every_kind() -> None:
    assert len(ALL) >= 150
    assert len({(bad.method, bad.target, bad.body, *bad.headers.items(), *bad.environ.items()) for bad in ALL}) == len(
        ALL
    )
    assert len({bad.name for bad in EVERY}) == len(EVERY)
    assert {bad.outcome for bad in ALL} == {*CODES, "ok"}
    assert {bad.outcome for bad in API} == {*api_bad_requests.OUTCOMES}
    walked = {(bad.method, (ROUTER.match(bad.target.partition("?")[0]) or ("",))[0]) for bad in EVERY}
    assert {(route.method, route.path) for route in (*API_ROUTES, *CONNECT)} <= walked, "a route has no row"
    assert not set(HostRefusal.__members__) & set(Refusal.__members__)
    found = (ROUTER.match(bad.target.partition("?")[0]) for bad in EVERY)
    assert {match[0] for match in found if match} == set(PATHS)


def test_a_planted_echo_is_found(prepared: PreparedWorld) -> None:
    """I check that the search above would see me."""
    by_name = {bad.name: prepared.filled(bad) for bad in ALL}
    echoes = {
        "zeros": "v0=" + "0" * 64,
        "metrics: another token": CANARY,
        "callback: a state that is no UTF-8": prepared.victim.code,
        "code: a short cookie": prepared.victim.state,
        "path '/.env'": CANARY,
        "event: an id of SQL": "U0SOMEBODY",
        "uninstall: a line break": "an-operator-token-of-forty-characters-xx",
    }
    for name, echo in echoes.items():
        for reply, log in (
            (Reply(400, {"x": echo}, b""), ""),
            (Reply(400, {}, echo.encode()), ""),
            (Reply(400, {}, b""), echo),
        ):
            with pytest.raises(AssertionError):
                assert_nothing_is_repeated(by_name[name], reply, log)


def nested(levels: int) -> object:
    return json.loads("[" * levels + "]" * levels)


def test_the_deepest_interaction_that_is_kept_can_be_run(world: World) -> None:
    """I send what is just acceptable, and is no longer when the inbox opens it: it would be tried for ever."""
    world.browser().install()
    world.work()
    for levels, expected in ((30, (200, 1)), (31, (400, 0))):
        reply = world.post_signed(action({**ACTION, "x": nested(levels)}), FORM, "/slack/interactivity")
        assert (reply.status, world.work()) == expected
    assert {row["state"] for row in world.rows("SELECT state FROM inbox")} == {"done"}


@pytest.mark.claim("C-65")
def test_a_form_that_grows_over_the_bound_is_refused_and_never_a_bug(world: World) -> None:
    """I send what is just small enough, of bytes that take six times as many once they are written as JSON."""
    world.browser().install()
    world.work()
    form = {**COMMAND, "text": ""}
    room = BODY_LIMIT - len(urlencode(form))
    for text in (b"\x01" * room, b"x" * room):
        body = urlencode(form).encode().replace(b"text=", b"text=" + text)
        assert len(body) == BODY_LIMIT
        reply = world.post_signed(body, FORM, "/slack/commands")
        assert (reply.status, world.count("inbox")) == (413, 1)
    body = urlencode(form).encode().replace(b"text=", b"text=" + b"x" * (room - 1000))
    assert (world.post_signed(body, FORM, "/slack/commands").status, world.work()) == (200, 1)
    pressed = json.dumps({**ACTION, "x": ""}, separators=(",", ":"))
    for size, status in ((BODY_LIMIT - len("payload="), 413), (BODY_LIMIT - 1000, 200)):
        payload = pressed.replace('"x":""', f'"x":"{"x" * (size - len(pressed))}"')
        reply = world.post_signed(f"payload={payload}".encode(), FORM, "/slack/interactivity")
        assert (reply.status, len(payload)) == (status, size)
