"""Events and their delivery (docs.slack.dev/apis/events-api)."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk.signature import SignatureVerifier

from slackapp.localslack import NULL, Fault, NotInstalled, sign
from tests.localslack.client import Client, make_client
from tests.support.servers import serve


def verified(on: Client, number: int) -> bool:
    headers, body = on.app.requests[number]
    # A clock of its own: the one that slack_sdk gives by itself is the same for every verifier of the process.
    verifier = SignatureVerifier("a-signing-secret", SimpleNamespace(now=on.clock))
    return verifier.is_valid(body, headers["x-slack-request-timestamp"], headers["x-slack-signature"])


def test_the_signature_is_the_one_of_the_documentation() -> None:
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    assert sign("8f742231b10e8888abcd99yyyzzz85a5", 1531420618, body.encode()) == (
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    )


def test_the_handshake_is_signed_and_answered_with_the_challenge(on: Client) -> None:
    delivery = on.slack.verify_events_url()
    sent = json.loads(delivery.sent)
    assert (delivery.status, delivery.body, sent["type"]) == (200, sent["challenge"], "url_verification")
    assert verified(on, 0)


def test_a_mention_arrives_signed_with_the_whole_envelope(on: Client) -> None:
    bot = on.install()["bot_user_id"]
    event_id = on.slack.mention("T0NORTH001", "hello", thread_ts="1.2")
    (delivery,) = on.slack.deliver_due()
    (body,) = on.app.events
    assert (delivery.event_id, delivery.status, delivery.attempt) == (event_id, 200, 1)
    assert verified(on, 0)
    assert on.app.requests[0][0]["user-agent"].startswith("Slackbot 1.0")
    assert "x-slack-retry-num" not in on.app.requests[0][0]
    assert (body["type"], body["team_id"], body["api_app_id"]) == ("event_callback", "T0NORTH001", "A0LOCAL001")
    assert (body["event_time"], body["is_ext_shared_channel"]) == (int(on.clock.now), False)
    assert "enterprise_id" not in body
    event = body["event"]
    assert (event["type"], event["text"], event["channel"]) == ("app_mention", f"<@{bot}> hello", "C0NORTH001GEN")
    assert (event["user"], event["thread_ts"], event["ts"]) == ("U0NORTH001MEM", "1.2", event["event_ts"])
    assert body["authorizations"] == [
        {"enterprise_id": None, "team_id": "T0NORTH001", "user_id": bot, "is_bot": True, "is_enterprise_install": False}
    ]


def test_an_event_of_an_enterprise_wide_install_names_enterprise_and_workspace(on: Client) -> None:
    on.install("E0EVERGRN1")
    on.slack.mention("T0EVERAA01", "hi")
    on.slack.org_team_null = True
    on.slack.mention("T0EVERBB01", "hi")
    on.slack.deliver_due()
    first, second = on.app.events
    assert (first["team_id"], first["enterprise_id"]) == ("T0EVERAA01", "E0EVERGRN1")
    assert first["authorizations"][0]["is_enterprise_install"] is True
    assert first["authorizations"][0]["team_id"] == "T0EVERAA01"
    assert second["authorizations"][0]["team_id"] is None


def test_nothing_is_sent_where_the_app_is_not_installed(on: Client) -> None:
    with pytest.raises(NotInstalled, match="T0NORTH001"):
        on.slack.mention("T0NORTH001", "hi")
    on.install(scope="chat:write")
    with pytest.raises(NotInstalled, match="app_mentions:read"):
        on.slack.mention("T0NORTH001", "hi")


def test_the_apps_own_posts_cause_no_mention(on: Client) -> None:
    token = on.install()["access_token"]
    on.slack.mention("T0NORTH001", "hi")
    on.slack.deliver_due()
    on.api("chat.postMessage", token, channel="C0NORTH001GEN", text="<@U0NORTH001BOT> talking to myself")
    assert on.slack.deliver_due() == []


def test_the_app_may_call_back_while_an_event_is_being_delivered(on: Client) -> None:
    token = on.install()["access_token"]
    on.app.during = lambda: on.api("chat.postMessage", token, channel="C0NORTH001GEN", text="at once")
    on.slack.mention("T0NORTH001", "hi")
    on.slack.deliver_due()
    assert [message["text"] for message in on.slack.messages("T0NORTH001")] == ["at once"]


def retry_headers(on: Client) -> list[tuple[str | None, str | None]]:
    return [(headers.get("x-slack-retry-num"), headers.get("x-slack-retry-reason")) for headers, _ in on.app.requests]


def test_a_failed_delivery_is_tried_again_at_once_after_a_minute_and_after_five(on: Client) -> None:
    on.install()
    on.app.answers = [(500, {})] * 4
    on.slack.mention("T0NORTH001", "hi")
    assert [d.attempt for d in on.slack.deliver_due()] == [1, 2]
    on.clock.advance(59)
    assert on.slack.deliver_due() == []
    on.clock.advance(1)
    assert [d.attempt for d in on.slack.deliver_due()] == [3]
    on.clock.advance(300)
    assert [(d.attempt, d.reason) for d in on.slack.deliver_due()] == [(4, "http_error")]
    on.clock.advance(86400)
    assert on.slack.deliver_due() == []
    assert retry_headers(on) == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]


def test_every_attempt_has_a_fresh_timestamp_and_signature_but_the_same_body(on: Client) -> None:
    on.install()
    on.app.answers = [(500, {})] * 2
    on.slack.mention("T0NORTH001", "hi")
    on.slack.deliver_due()
    on.clock.advance(60)
    on.slack.deliver_due()
    assert len({body for _, body in on.app.requests}) == 1
    assert len({headers["x-slack-signature"] for headers, _ in on.app.requests}) == 2
    assert on.app.requests[-1][0]["x-slack-request-timestamp"] == str(int(on.clock.now))
    assert verified(on, 2)


def test_no_retry_on_a_failure_ends_the_retries(on: Client) -> None:
    on.install()
    on.app.answers = [(503, {"x-slack-no-retry": "1"})]
    on.slack.mention("T0NORTH001", "hi")
    assert [d.status for d in on.slack.deliver_due()] == [503]
    on.clock.advance(600)
    assert on.slack.deliver_due() == []


def test_two_redirects_are_followed_and_a_third_is_a_failure(on: Client) -> None:
    on.install()
    on.app.answers = [(302, {"Location": "/a"}), (301, {"Location": "/b"})]
    on.slack.mention("T0NORTH001", "hi")
    assert [d.status for d in on.slack.deliver_due()] == [200]
    assert [headers["path"] for headers, _ in on.app.requests] == ["/slack/events", "/a", "/b"]
    on.app.answers = [(302, {"Location": "/a"})] * 3
    on.slack.mention("T0NORTH001", "hi")
    assert [d.reason for d in on.slack.deliver_due()] == ["too_many_redirects", ""]


def test_an_app_that_is_down_or_slow_is_told_so_in_the_retry_reason(on: Client) -> None:
    on.install()
    with serve(on.app) as gone:
        pass
    assert on.slack.send(b"{}", url=gone).reason == "connection_failed"
    on.slack.delivery_timeout = 0.05
    waiting = on.slack.wake
    waiting.clear()
    on.app.during = lambda: waiting.wait(0.15)
    assert on.slack.send(b"{}").reason == "http_timeout"


def test_an_event_can_come_twice_late_or_out_of_order(on: Client) -> None:
    on.install()
    twice = on.slack.emit("T0NORTH001", {"type": "reaction_added"}, copies=2)
    late = on.slack.emit("T0NORTH001", {"type": "reaction_added"}, delay=30)
    assert [d.event_id for d in on.slack.deliver_due()] == [twice, twice]
    on.clock.advance(30)
    assert [d.event_id for d in on.slack.deliver_due()] == [late]


def test_faults_on_events_double_or_delay_the_next_one(on: Client) -> None:
    on.install()
    on.slack.fault(Fault("events", "duplicate"))
    on.slack.fault(Fault("events", "slow", seconds=10))
    event_id = on.slack.mention("T0NORTH001", "hi")
    assert on.slack.deliver_due() == []
    on.clock.advance(10)
    assert [d.event_id for d in on.slack.deliver_due()] == [event_id, event_id]


def test_any_part_of_the_envelope_can_be_replaced_left_out_or_null(on: Client) -> None:
    on.install()
    ours = on.slack.emit(
        "T0NORTH001",
        {"type": "x"},
        team_id="T0SOUTH001",
        api_app_id="A0FOREIGN",
        enterprise_id=NULL,
        authorizations=None,
    )
    on.slack.deliver_due()
    (body,) = on.app.events
    assert (body["event_id"], body["team_id"], body["api_app_id"]) == (ours, "T0SOUTH001", "A0FOREIGN")
    assert body["enterprise_id"] is None
    assert "authorizations" not in body


def test_events_can_be_sent_for_teams_without_installation(on: Client) -> None:
    on.slack.emit("T0UNKNOWN1", {"type": "app_mention"})
    assert [d.type for d in on.slack.deliver_due()] == ["app_mention"]
    assert on.app.events[0]["authorizations"] == []


def test_a_stale_or_forged_request_can_be_sent(on: Client) -> None:
    on.slack.send(b"{}", timestamp=int(on.clock.now) - 301)
    on.slack.send(b"{}", secret="not-the-secret")
    on.slack.send(b"{}")
    assert [verified(on, number) for number in range(3)] == [False, False, True]


def lifecycle(on: Client) -> list[Any]:
    on.slack.deliver_due()
    return on.app.events


def test_an_uninstall_tells_the_app_in_either_order_and_without_authorizations(on: Client) -> None:
    answer = on.install(user_scope="search:read")
    on.slack.uninstall("T0NORTH001", order=("tokens_revoked", "app_uninstalled"))
    revoked, removed = lifecycle(on)
    assert revoked["event"]["tokens"] == {"oauth": ["U0NORTH001ADM"], "bot": [answer["bot_user_id"]]}
    assert (removed["event"]["type"], removed["team_id"]) == ("app_uninstalled", "T0NORTH001")
    assert "authorizations" not in revoked
    assert on.slack.installed == []


def test_an_uninstall_can_send_one_event_alone_with_authorizations(on: Client) -> None:
    on.install()
    on.slack.uninstall("T0NORTH001", order=("app_uninstalled",), authorizations=True)
    (body,) = lifecycle(on)
    assert body["authorizations"][0]["team_id"] == "T0NORTH001"


def test_an_enterprise_wide_uninstall_has_no_team_id(on: Client) -> None:
    on.install("E0EVERGRN1")
    on.slack.uninstall("E0EVERGRN1")
    for body in lifecycle(on):
        assert "team_id" not in body
        assert body["enterprise_id"] == "E0EVERGRN1"


def test_revoking_a_user_leaves_the_bot_alone(on: Client) -> None:
    answer = on.install(user_scope="search:read")
    on.slack.revoke_user("T0NORTH001", "U0NORTH001ADM")
    (body,) = lifecycle(on)
    assert body["event"]["tokens"] == {"oauth": ["U0NORTH001ADM"], "bot": []}
    assert on.api("auth.test", answer["access_token"])["ok"]
    assert on.api("auth.test", answer["authed_user"]["access_token"])["error"] == "token_revoked"


def test_revoking_the_bot_leaves_users_alone_and_is_an_uninstall_only_when_nothing_is_left(on: Client) -> None:
    answer = on.install(user_scope="search:read")
    on.slack.revoke_bot("T0NORTH001")
    assert [body["event"]["type"] for body in lifecycle(on)] == ["tokens_revoked"]
    assert on.api("auth.test", answer["authed_user"]["access_token"])["ok"]
    on.install("T0SOUTH001")
    on.slack.revoke_bot("T0SOUTH001")
    assert [body["event"]["type"] for body in lifecycle(on)][1:] == ["tokens_revoked", "app_uninstalled"]
    assert on.slack.installed == ["T0NORTH001"]


def test_a_late_uninstall_event_arrives_after_the_reinstall_with_its_old_time(on: Client) -> None:
    on.install()
    then = int(on.clock.now)
    on.slack.uninstall("T0NORTH001")
    on.clock.advance(30)
    token = on.install()["access_token"]
    assert {body["event_time"] for body in lifecycle(on)} == {then}
    assert on.api("auth.test", token)["ok"]


def test_opening_the_home_tab_is_told_every_time_with_the_view_once_published(on: Client) -> None:
    client = on.client(on.install()["access_token"])
    on.slack.open_home("T0NORTH001")
    client.views_publish(user_id="U0NORTH001MEM", view={"type": "home", "blocks": []})
    on.slack.open_home("T0NORTH001")
    on.slack.deliver_due()
    first, second = (body["event"] for body in on.app.events)
    assert (first["type"], first["tab"], "view" in first, "view" in second) == ("app_home_opened", "home", False, True)


def test_a_slash_command_is_a_signed_form_whose_response_url_works_five_times(on: Client) -> None:
    on.install("T0EVERAA01")
    url = on.slack.command("T0EVERAA01", "/example", "help me")
    assert [d.type for d in on.slack.deliver_due()] == ["slash_command"]
    headers, body = on.app.requests[0]
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert (headers["path"], verified(on, 0)) == ("/slack/commands", True)
    assert (form["command"], form["text"], form["team_id"]) == ("/example", "help me", "T0EVERAA01")
    assert (form["enterprise_id"], form["is_enterprise_install"]) == ("E0EVERGRN1", "false")
    assert form["response_url"] == url
    kind = {"Content-Type": "application/json"}
    answers = [on.request("POST", url.removeprefix(on.base), '{"text": "x"}', kind).status for _ in range(6)]
    assert answers == [200] * 5 + [404]
    assert on.slack.messages("T0EVERAA01")[0]["ephemeral_to"] == "U0EVERMEM1"


def test_a_response_url_ends_after_thirty_minutes(on: Client) -> None:
    on.install()
    url = on.slack.response_url("T0NORTH001")
    on.clock.advance(1801)
    answer = on.request("POST", url.removeprefix(on.base), '{"text": "x"}', {"Content-Type": "application/json"})
    assert (answer.status, answer.json["error"]) == (404, "expired_url")


def test_a_form_that_fails_is_not_retried(on: Client) -> None:
    on.install()
    on.app.answers = [(500, {})]
    on.slack.interact({"type": "block_actions", "actions": []})
    assert [d.status for d in on.slack.deliver_due()] == [500]
    on.slack.ssl_check()
    on.slack.deliver_due()
    assert [headers["path"] for headers, _ in on.app.requests] == ["/slack/interactivity", "/slack/commands"]
    payload = json.loads(parse_qs(on.app.requests[0][1].decode())["payload"][0])
    assert (payload["type"], payload["api_app_id"], verified(on, 0)) == ("block_actions", "A0LOCAL001", True)


@pytest.mark.parametrize("kind", ["shortcut", "message_action", "interactive_message"])
def test_shortcuts_and_legacy_buttons_do_not_say_whose_app_they_are_for(on: Client, kind: str) -> None:
    on.install()
    on.slack.interact({"type": kind})
    on.slack.deliver_due()
    assert "api_app_id" not in json.loads(parse_qs(on.app.requests[0][1].decode())["payload"][0])


def test_a_workspace_that_joins_an_enterprise_keeps_its_installation(on: Client) -> None:
    token = on.install()["access_token"]
    on.slack.join_enterprise("T0NORTH001", "E0EVERGRN1")
    assert on.api("auth.test", token)["enterprise_id"] == "E0EVERGRN1"
    on.slack.mention("T0NORTH001", "hi")
    on.slack.deliver_due()
    assert on.app.events[0]["enterprise_id"] == "E0EVERGRN1"


def test_in_the_background_events_are_delivered_by_themselves() -> None:
    with make_client() as on:
        arrived = on.slack.wake.__class__()
        on.app.during = arrived.set
        on.install()
        on.slack.start()
        on.slack.mention("T0NORTH001", "hi")
        assert arrived.wait(5)
        on.slack.stop()
        assert on.app.events[0]["event"]["type"] == "app_mention"


def test_without_an_events_url_nothing_is_queued() -> None:
    with make_client(events_url="") as on:
        on.install()
        on.slack.mention("T0NORTH001", "hi")
        assert on.slack.deliver_due() == []
