"""The life of a request: the rule on Host, the length, the headers of every answer, and what a bug of ours shows."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slackapp.errors import Refusal, Refused
from slackapp.flows.app import App
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind
from slackapp.routes import ROUTES
from slackapp.web.request import Request
from slackapp.wsgi import Wsgi
from tests.support.callback_world import approved, log_lines, nothing_happens, outcome
from tests.support.client import Reply
from tests.support.world import HOST, World, make_world

SECURITY = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
POLICY = {
    "default-src 'none'", "img-src 'self'", "form-action 'none'", "base-uri 'none'", "object-src 'none'",
    "frame-ancestors 'none'",
}  # fmt: skip
OPERATOR = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx"}


def failed(reply: Reply) -> bytes:
    """What a bug of ours shows: where it stands in the log, and nothing else."""
    return f"Something went wrong on our side.\nReference: {reply.headers['x-request-id']}\n".encode()


def boom(*_: Any) -> Any:
    """A bug, with something in its text that must not get out."""
    secret = "xoxb-local-secret of T0NORTH001"
    raise RuntimeError(f"the bug says {secret}")


def with_landing(world: World, **changes: Any) -> Wsgi:
    """The application with another landing page."""
    landing, *others = ROUTES
    return Wsgi(world.service.app, [landing._replace(**changes), *others])


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests here that change nothing in it."""
    with make_world(tmp_path_factory.mktemp("still")) as made:
        yield made


# Host


@pytest.mark.parametrize(
    "host",
    ["", "localhost", "localhost:3001", "localhost:03000", "localhost:3000:80", "localhost:80", "localhost.:3000",
     "evil.example",
     f"{HOST}, {HOST}", f"{HOST}, evil.example", f"evil.example, {HOST}", f" {HOST}", f"{HOST} ", f"{HOST}\x00",
     f"x@{HOST}", f"{HOST}/", f"{HOST}#", "127.0.0.1:3000", "[::1]:3000"],
)  # fmt: skip
@pytest.mark.claim("C-68")
def test_a_request_under_another_name_is_refused(still: World, host: str) -> None:
    with nothing_happens(still):
        for path in ("/", "/healthz", "/slack/install", "/nowhere"):
            reply = still.request("GET", path, headers={"Host": host, "X-Forwarded-Host": HOST})
            assert (reply.status, outcome(still)) == (400, "host")


@pytest.mark.claim("C-68")
def test_the_host_is_matched_without_case_and_with_the_default_port(tmp_path: Path) -> None:
    """RFC 9110 section 4.2.3."""
    names = ("app.example.com", "app.example.com:443", "App.Example.COM", "APP.example.com:443")
    others = ("app.example.com:80", "app.example.com:8443", "app.example.com:", "app.example.com:443:443")
    with make_world(tmp_path, SLACKAPP_PUBLIC_URL="https://app.example.com") as world:
        found = {host: world.request("GET", "/healthz", headers={"Host": host}).status for host in names + others}
    assert found == dict.fromkeys(names, 200) | dict.fromkeys(others, 400)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_probes_from_loopback_need_no_host_and_nothing_else_is_exempt(still: World, address: str) -> None:
    statuses = {
        path: still.request("GET", path, headers={"Host": "10.0.0.1"}, environ={"REMOTE_ADDR": address}).status
        for path in ("/healthz", "/readyz", "/", "/metrics", "/slack/installed", "/nowhere")
    }
    assert statuses == {
        "/healthz": 200, "/readyz": 503, "/": 400, "/metrics": 400, "/slack/installed": 400, "/nowhere": 400,
    }  # fmt: skip


def test_a_header_makes_nobody_loopback(world: World) -> None:
    spoofed = {"Host": "x", "X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
    assert world.request("GET", "/healthz", headers=spoofed).status == 400


# Length


@pytest.mark.parametrize(
    "length", ["", "x", "-1", "+1", "1_0", " 1", "1 ", "0x1", "00000001", "9" * 5000, "\u0661", "1, 1"]
)
def test_a_length_that_cannot_be_read_is_refused(still: World, length: str) -> None:
    reply = still.request("POST", "/slack/events", b"{", environ={"CONTENT_LENGTH": length})
    assert (reply.status, outcome(still)) == (400, "length")


def test_a_body_that_breaks_off_is_refused(world: World) -> None:
    reply = world.request("POST", "/slack/events", b"{}", environ={"CONTENT_LENGTH": "3"})
    assert (reply.status, outcome(world)) == (400, "length")


def test_a_body_of_one_mebibyte_is_read_and_a_larger_one_is_not(world: World) -> None:
    body = b"x" * 1024 * 1024
    assert (world.request("POST", "/slack/events", body).status, outcome(world)) == (401, "unsigned")
    assert (world.request("POST", "/slack/events", body + b"x").status, outcome(world)) == (413, "too_large")
    assert world.request("GET", "/", body + b"x").status == 413


def test_a_body_where_none_is_expected_is_read_and_forgotten(world: World) -> None:
    assert world.request("GET", "/", b"anything at all").status == 200
    with nothing_happens(world):
        assert world.request("GET", "/healthz", b"code=x&state=y").body == b"ok\n"


@pytest.mark.parametrize("length", ["00000000", "x", "1"])
def test_the_answer_to_head_has_no_body_even_when_its_length_is_refused(still: World, length: str) -> None:
    """On a kept-alive connection behind a proxy, such a body would be taken for the next answer."""
    reply = still.request("HEAD", "/", environ={"CONTENT_LENGTH": length})
    assert (reply.status, reply.body) == (400, b"")


# Headers


def every_status(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[int, Reply]:
    """An answer of each status that the service can give over HTTP."""
    browser = world.browser()
    answers = [browser.begin(), browser.install(), browser.get("/slack/installed"), world.request("GET", "/nowhere")]
    for fault in (Fault("oauth.v2.access", "html500"), Fault("oauth.v2.access", "patch", patch={"team": 1})):
        way = approved(world)
        world.slack.fault(fault)
        answers.append(way.finish())
    answers += [
        world.request("POST", "/"),
        world.request("GET", "/", headers={"Host": "x"}),
        world.request("GET", "/metrics"),
        world.request("GET", "/metrics", headers=OPERATOR),
        world.request("POST", "/slack/uninstall", b"{}", OPERATOR),
        world.request("POST", "/slack/events", bytes(1024 * 1024 + 1)),
        world.event({"type": "app_mention"}, "not an id"),
        world.request("HEAD", "/"),
    ]
    with monkeypatch.context() as patched:
        patched.setattr(type(world.service.app.rate_limiter), "admit", lambda *_: 7)
        answers.append(world.browser().begin())
        patched.setattr(world.service, "wsgi", with_landing(world, handler=boom))
        answers.append(world.request("GET", "/"))
    return {answer.status: answer for answer in answers}


def test_every_answer_carries_the_security_headers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = every_status(world, monkeypatch)
    assert sorted(answers) == [200, 302, 303, 400, 401, 404, 405, 413, 415, 429, 500, 502, 503]
    for status, answer in answers.items():
        assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY, status
        directives = set(answer.headers["content-security-policy"].split("; "))
        (style,) = directives - POLICY
        assert directives >= POLICY
        assert style.startswith("style-src 'sha256-")
        assert "charset=utf-8" in answer.headers["content-type"]
        assert re.fullmatch(r"[0-9a-f]{16}-[0-9a-f]+", answer.headers["x-request-id"])
        if answer.body:
            assert answer.headers["content-length"] == str(len(answer.body))


def test_a_cookie_is_set_by_the_install_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = {status for status, answer in every_status(world, monkeypatch).items() if "set-cookie" in answer.headers}
    assert setting == {302}


# Bugs of ours


@pytest.mark.parametrize("part", ["handler", "caller"])
def test_a_bug_is_a_bare_500_and_its_text_stays_inside(
    world: World, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(world.service, "wsgi", with_landing(world, **{part: boom}))
    reply = world.request("GET", "/?code=sent-by-somebody", headers={"Cookie": "sent=by-somebody"})
    assert (reply.status, reply.body, outcome(world)) == (500, failed(reply), "bug")
    (line,) = [line for line in log_lines(world) if line["level"] == "bug"]
    assert line["exception"] == "RuntimeError"
    assert "test_wsgi.py" in line["places"]
    assert line["request"] == reply.headers["x-request-id"]
    for text in ("the bug says", "xoxb", "T0NORTH001", "by-somebody", "sent"):
        assert text not in world.log.getvalue() + reply.text
    monkeypatch.undo()
    assert world.request("GET", "/").status == 200


def test_a_browser_is_shown_a_bug_as_a_page_with_its_reference(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.service, "wsgi", with_landing(world, handler=boom))
    reply = world.request("GET", "/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (reply.status, reply.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert f'Reference: <code class="copy">{reply.headers["x-request-id"]}</code>' in reply.text
    assert ("Something went wrong on our side." in reply.text, "the bug says" in reply.text) == (True, False)


def test_a_bug_inside_a_transaction_leaves_nothing_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    way = approved(world)
    monkeypatch.setattr("slackapp.store.oauth_states.set_outcome", boom)
    assert way.finish().status == 500
    assert not world.service.app.db.in_transaction()
    monkeypatch.undo()
    assert world.count("installations") == 0
    assert world.browser().install().status == 303


def test_a_server_that_gives_no_raw_target_is_refused_and_the_log_says_what_to_do(world: World) -> None:
    for target in (None, b"/"):
        with nothing_happens(world):
            reply = world.request("GET", "/", environ={"REQUEST_URI": target})
        assert (reply.status, reply.body) == (500, failed(reply))
        told = [line for line in log_lines(world) if line["event"] == "no_raw_target"][-1]
        assert ("REQUEST_URI" in told["why"], "slackapp serve" in told["action"]) == (True, True)


def test_an_audit_that_cannot_be_written_does_not_take_the_refusal_with_it(world: World) -> None:
    connection = sqlite3.connect(world.settings.database)
    connection.execute("CREATE TRIGGER t BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'planted'); END")
    connection.close()
    assert world.request("GET", "/nowhere").status == 404


# Refusals, the audit and the log


@pytest.mark.claim("C-72")
def test_strangers_buy_one_audit_row_per_reason_and_minute(world: World) -> None:
    for _ in range(5):
        world.request("GET", "/nowhere")
        world.request("POST", "/slack/events", b"{}")
    assert world.audit() == ["refused.path", "refused.signature.malformed"]
    world.clock.advance(60)
    world.request("GET", "/nowhere")
    assert world.audit()[2:] == ["refused.path"]
    rows = world.rows("SELECT actor, tenant_kind, tenant_id, result, record_id FROM audit ORDER BY id")
    assert [tuple(row) for row in rows[:2]] == [
        ("unverified", "", "", "refused", ""),
        ("unverified", "", "", "refused", "/slack/events"),
    ]


def test_a_verified_caller_gets_a_row_for_every_refusal(world: World) -> None:
    for _ in range(3):
        world.post_signed(b"{")
        world.request("POST", "/slack/uninstall", b"{", {**OPERATOR, "Content-Type": "application/json"})
    rows = world.rows("SELECT event, actor, actor_id FROM audit ORDER BY id")
    assert [tuple(row) for row in rows] == [("refused.json", "slack", "1"), ("refused.json", "operator", "")] * 3


@pytest.mark.claim("C-208")
@pytest.mark.parametrize("kind", [ActorKind.ANYONE, ActorKind.UNVERIFIED])
def test_a_refusal_that_names_somebody_who_has_proved_nothing_makes_nobody_verified(
    world: World, kind: ActorKind
) -> None:
    """I am refused under a name that I made up, and have a row of the audit for each time."""
    world.restart(rate_per_minute=3)

    def refuse(app: App, request: Request, caller: Actor, now: int) -> Any:
        raise Refused(Refusal.STATE_MISSING, actor=Actor(kind, request.request_id))

    world.service.wsgi = with_landing(world, handler=refuse)
    assert [world.request("GET", "/").status for _ in range(5)] == [400] * 3 + [429] * 2
    assert [fact["actor"] for fact in world.facts("refused.state.missing")] == ["unverified"]


def test_who_was_proved_and_refused_at_once_stands_in_the_row_of_the_audit(world: World) -> None:
    def refuse(app: App, request: Request, now: int) -> Actor:
        raise Refused(Refusal.RATE, actor=Actor(ActorKind.BOLT, request.request_id, "someone"))

    world.service.wsgi = with_landing(world, caller=refuse)
    for _ in range(2):
        assert world.request("GET", "/").status == 429
    assert [tuple(row) for row in world.rows("SELECT event, actor, actor_id FROM audit ORDER BY id")] == [
        ("refused.rate", "bolt", "someone")
    ] * 2


SAME: dict[str, list[Callable[[World], Reply]]] = {
    "unsigned": [
        lambda w: w.request("POST", "/slack/events", b"{}"),
        lambda w: w.request("POST", "/slack/events", b"[1", w.sign(b"[2")),
        lambda w: w.request("POST", "/slack/events", b"{}", w.sign(b"{}", w.clock.now - 301)),
        lambda w: w.request("POST", "/slack/events", b"{}", w.sign(b"{}", secret="another-signing-secret")),
    ],
    "not the operator": [
        lambda w: w.request("GET", "/metrics"),
        lambda w: w.request("GET", "/metrics", headers={"Authorization": "Bearer wrong"}),
        lambda w: w.request("POST", "/slack/uninstall", b"{"),
    ],
    "not found": [
        lambda w: w.request("GET", "/a"),
        lambda w: w.request("POST", "/slack/oauth_redirect/<b>?code=1"),
        lambda w: w.request("PUT", "*"),
    ],
    "state refused": [
        lambda w: w.request("GET", "/slack/oauth_redirect?code=1&state=<b>"),
        lambda w: w.request("GET", "/slack/oauth_redirect?code=1&state=" + "A" * 104),
    ],
    "wrong host": [
        lambda w: w.request("GET", "/", headers={"Host": "a"}),
        lambda w: w.request("POST", "/slack/events", b"{}", {"Host": "b"}),
    ],
    "query": [
        lambda w: w.request("GET", "/slack/oauth_redirect?code=1&code=2"),
        lambda w: w.request("GET", "/slack/install?team=%ff"),
    ],
}


@pytest.mark.parametrize("kind", SAME)
def test_refusals_of_one_class_are_the_same_bytes_whatever_the_input(still: World, kind: str) -> None:
    answers = [provoke(still) for provoke in SAME[kind]]
    assert len({(answer.status, answer.said) for answer in answers}) == 1
    varies = {"x-request-id": "", "content-length": ""}
    assert len({tuple(sorted((answer.headers | varies).items())) for answer in answers}) == 1


def test_a_log_line_says_where_and_how_and_nothing_else(world: World) -> None:
    world.request("GET", "/slack/oauth_redirect?code=c0de&state=st4te", headers={"Cookie": "c=0okie"})
    world.request("GET", "/n0where?x=y")
    first, second = log_lines(world)
    assert set(first) == {"at", "level", "event", "request", "route", "status", "outcome"}
    assert (first["route"], first["status"], first["outcome"]) == ("/slack/oauth_redirect", 400, "state_malformed")
    assert (second["route"], second["outcome"]) == ("none", "not_found")
    for text in ("c0de", "st4te", "0okie", "n0where", "192.0.2.7"):
        assert text not in world.log.getvalue()


def test_requests_are_counted_by_route_and_refusals_by_reason(tmp_path: Path) -> None:
    with make_world(tmp_path) as world:
        world.request("GET", "/")
        world.request("GET", "/a<b>")
        text = world.request("GET", "/metrics", headers=OPERATOR).text
    assert 'slackapp_requests_total{route="/",status="200"} 1\n' in text
    assert 'slackapp_requests_total{route="none",status="404"} 1\n' in text
    assert 'slackapp_refusals_total{reason="not_found"} 1\n' in text
    assert "<b>" not in text
