"""Calls to Slack, at the local Slack and its faults: what comes back, and what is never done."""

import logging
from typing import Any

import pytest

from slackapp.errors import SlackCallError, TransactionOpenError
from slackapp.errors import SlackErrorKind as Kind
from slackapp.localslack import Fault
from slackapp.model import Secret
from tests.slack.conftest import TOKEN, MakeCaller
from tests.slack.servers import http, raw
from tests.support.world import NORTH, World

FAULTS: dict[str, tuple[Fault, str, Kind, int]] = {
    "a page of HTML": (Fault("auth.test", "html500"), "server_error", Kind.TRANSIENT, 0),
    "a connection that breaks off": (Fault("auth.test", "cut"), "unreachable", Kind.TRANSIENT, 0),
    "an answer that is lost": (Fault("auth.test", "lost_answer"), "unreachable", Kind.TRANSIENT, 0),
    "no JSON": (Fault("auth.test", "garbage"), "unreadable_answer", Kind.TRANSIENT, 0),
    "an endless answer": (Fault("auth.test", "huge"), "unreadable_answer", Kind.TRANSIENT, 0),
    "a redirect": (Fault("auth.test", "redirect"), "unreadable_answer", Kind.TRANSIENT, 0),
    "too many calls": (Fault("auth.test", "ratelimited", retry_after=7), "ratelimited", Kind.RATE_LIMITED, 7),
    "an error of Slack's": (Fault("auth.test", "error", error="internal_error"), "internal_error", Kind.TRANSIENT, 0),
    "a dead token": (Fault("auth.test", "error", error="account_inactive"), "account_inactive", Kind.DEAD, 0),
    "an expired token": (Fault("auth.test", "error", error="token_expired"), "token_expired", Kind.EXPIRED, 0),
    "a missing scope": (Fault("auth.test", "error", error="missing_scope"), "missing_scope", Kind.FORBIDDEN, 0),
    "an error of tomorrow": (Fault("auth.test", "error", error="brand_new"), "brand_new", Kind.BAD_REQUEST, 0),
}


def test_a_call_gives_the_answer(world: World, token: Secret) -> None:
    answer = world.service.app.slack.call("auth.test", token, {})
    assert answer.data["team_id"] == NORTH
    assert world.calls() == ["auth.test"]
    assert world.slack.calls[0].credentials == "header"


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_is_sorted_and_the_call_is_made_once(world: World, token: Secret, fault: str) -> None:
    """Stops a call from being repeated by the library: a code, or a refresh token, works once."""
    given, code, kind, wait = FAULTS[fault]
    world.slack.fault(given)
    before = world.service.app.metrics.text()
    with pytest.raises(SlackCallError) as caught:
        world.service.app.slack.call("auth.test", token, {})
    found = caught.value
    assert (found.method, found.code, found.kind, found.retry_after) == ("auth.test", code, kind, wait)
    assert str(found) == f"auth.test: {code}"
    assert world.calls() == ["auth.test"]
    label = "other" if code == "brand_new" else code
    sample = f'slackapp_slack_calls_total{{method="auth.test",result="{label}"}} 1'
    assert sample not in before
    assert sample in world.service.app.metrics.text()


@pytest.mark.parametrize("fault", ["lost_answer", "garbage", "huge"])
def test_a_message_whose_answer_is_lost_is_posted_once(world: World, token: Secret, fault: Any) -> None:
    world.mention()
    world.slack.fault(Fault("chat.postMessage", fault))
    with pytest.raises(SlackCallError):
        world.service.app.slack.call("chat.postMessage", token, {"channel": general(world), "text": "once"})
    assert [message["text"] for message in world.slack.messages(NORTH)] == ["once"]


def general(world: World) -> str:
    return world.slack.workspaces[NORTH].general


def test_the_next_call_after_a_fault_works(world: World, token: Secret) -> None:
    world.slack.fault(Fault("auth.test", "cut"))
    with pytest.raises(SlackCallError):
        world.service.app.slack.call("auth.test", token, {})
    assert world.service.app.slack.call("auth.test", token, {}).data["ok"] is True


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.claim("C-24")
def test_a_token_is_not_sent_on_to_where_a_redirect_points(caller_of: MakeCaller, status: int) -> None:
    """I answer in Slack's place, and send you on to a server of mine."""
    with raw(http(b'{"ok": true}')) as target:
        location = f"Location: {target.url}/api/auth.test\r\n"
        with raw(http(b"", f"{status} Found", location)) as slack, pytest.raises(SlackCallError) as caught:
            caller_of(slack.url).client.call("auth.test", TOKEN, {})
        assert caught.value.code == "unreadable_answer"
        assert len(slack.requests) == 1
        assert target.requests == []


@pytest.mark.claim("C-53")
def test_no_call_is_made_while_a_transaction_is_open(world: World, token: Secret) -> None:
    app = world.service.app
    with app.db.transaction(), pytest.raises(TransactionOpenError, match=r"auth\.test"):
        app.slack.call("auth.test", token, {})
    with app.db.transaction(), pytest.raises(TransactionOpenError):
        app.slack.call_as_app("oauth.v2.access", {"code": "x"})
    with app.db.transaction(), pytest.raises(TransactionOpenError):
        app.slack.uninstall(token)
    with app.db.transaction(), pytest.raises(TransactionOpenError):
        app.slack.exchange(token)
    assert world.calls() == []
    assert app.slack.call("auth.test", token, {}).data["ok"] is True


@pytest.mark.parametrize(
    ("header", "scopes"),
    [
        ("chat:write,app_mentions:read", ("app_mentions:read", "chat:write")),
        ("chat:write, app_mentions:read ,, chat:write,", ("app_mentions:read", "chat:write")),
        ("", ()),
        (None, None),
        ("chat:write,\u00e9", None),
        ("chat:write,\tx", None),
    ],
)
def test_what_the_token_may_do_now_is_read_from_the_header(
    caller_of: MakeCaller, header: str | None, scopes: tuple[str, ...] | None
) -> None:
    with raw(http(b'{"ok": true}', headers="" if header is None else f"X-OAuth-Scopes: {header}\r\n")) as slack:
        assert caller_of(slack.url).client.call("auth.test", TOKEN, {}).scopes == scopes


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.claim("C-24")
def test_a_proxy_in_the_environment_sees_nothing(
    caller_of: MakeCaller, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """I set a proxy in the environment of your service, to read its tokens."""
    with raw(http(b'{"ok": true}')) as proxy, raw(http(b'{"ok": true}')) as slack:
        for spelling in (name, name.lower()):
            monkeypatch.setenv(spelling, proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        assert caller_of(slack.url).client.call("auth.test", TOKEN, {}).data["ok"] is True
        assert (len(slack.requests), proxy.requests) == (1, [])


@pytest.mark.parametrize(
    "fault", [None, "html500", "cut", "lost_answer", "garbage", "huge", "redirect", "ratelimited", "error"]
)
def test_no_log_record_of_any_library_holds_a_token(world: World, caplog: pytest.LogCaptureFixture, fault: Any) -> None:
    """I read the log of a service whose libraries log what they could not parse."""
    caplog.set_level(logging.DEBUG)
    world.browser().install()
    token = next(each.value for each in world.slack.tokens_of[NORTH] if each.kind == "bot")
    if fault is not None:
        world.slack.fault(Fault("auth.test", fault))
        with pytest.raises(SlackCallError) as caught:
            world.service.app.slack.call("auth.test", Secret(token), {})
        assert token not in repr(caught.value)
    else:
        world.service.app.slack.call("auth.test", Secret(token), {})
    seen = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    secrets = [*world.slack.issued_tokens, "a-client-secret-for-tests"]
    assert [secret for secret in secrets if secret in seen] == []
    assert [secret for secret in secrets if secret in world.log.getvalue()] == []


def test_an_answer_does_not_print_its_content(world: World, token: Secret) -> None:
    answer = world.service.app.slack.call("auth.test", token, {})
    assert "team_id" not in repr(answer)
