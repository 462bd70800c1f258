"""Faults, as the real client sees them."""

from __future__ import annotations

import http.client
import json
from urllib.error import URLError

import pytest
from slack_sdk.errors import SlackApiError, SlackClientError

from slackapp.localslack import NULL, Fault
from tests.localslack.client import Client
from tests.support.client import FORM

BROKEN = (http.client.HTTPException, URLError, OSError, SlackClientError)


def test_a_cut_connection_breaks_before_anything_happened(on: Client) -> None:
    code = on.code()
    on.slack.fault(Fault("oauth.v2.access", "cut"))
    with pytest.raises(BROKEN):
        on.client().oauth_v2_access(
            client_id=on.slack.app.client_id,
            client_secret="current-secret",
            code=code,
            redirect_uri=on.slack.app.redirect_urls[0],
        )
    assert on.exchange(code)["ok"]


def test_a_lost_answer_breaks_after_everything_happened(on: Client) -> None:
    code = on.code()
    on.slack.fault(Fault("oauth.v2.access", "lost_answer"))
    with pytest.raises(BROKEN):
        on.exchange(code)
    assert on.slack.installed == ["T0NORTH001"]
    assert on.exchange(code)["error"] == "invalid_code"


def test_a_lost_refresh_answer_is_repaired_within_the_grace_period(on: Client) -> None:
    refresh = on.install()["refresh_token"]
    on.slack.fault(Fault("oauth.v2.access", "lost_answer"))
    with pytest.raises(BROKEN):
        on.refresh(refresh)
    assert on.refresh(refresh)["ok"]


def test_a_rate_limit_is_http_429_with_retry_after(on: Client) -> None:
    on.slack.fault(Fault("auth.test", "ratelimited", retry_after=7))
    answer = on.request("POST", "/api/auth.test", "", FORM)
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert answer.json == {"ok": False, "error": "ratelimited"}


def test_a_server_error_is_html(on: Client) -> None:
    on.slack.fault(Fault("auth.test", "html500"))
    answer = on.request("POST", "/api/auth.test", "", FORM)
    assert (answer.status, answer.body[:15]) == (500, b"<!DOCTYPE html>")


def test_a_late_server_error_comes_after_the_work(on: Client) -> None:
    token = on.install()["access_token"]
    on.slack.fault(Fault("auth.revoke", "late500"))
    assert on.request("POST", "/api/auth.revoke", f"token={token}", FORM).status == 500
    assert on.api("auth.test", token)["ok"] is False


def test_garbage_is_no_json_and_huge_is_larger_than_asked(on: Client) -> None:
    on.slack.fault(Fault("auth.test", "garbage"))
    with pytest.raises(ValueError, match=r"codec|JSON|Expecting"):
        json.loads(on.request("POST", "/api/auth.test", "", FORM).body)
    on.slack.fault(Fault("auth.test", "huge", size=300_000))
    answer = on.request("POST", "/api/auth.test", "", FORM)
    assert (len(answer.body), answer.json["error"]) == (300_000, "not_authed")


def test_the_redirect_fault_redirects_elsewhere(on: Client) -> None:
    on.slack.fault(Fault("auth.test", "redirect", location="http://127.0.0.1:9/elsewhere"))
    answer = on.request("POST", "/api/auth.test", "", FORM)
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:9/elsewhere")


def test_an_error_is_answered_without_processing(on: Client) -> None:
    token = on.install()["access_token"]
    on.slack.fault(Fault("auth.revoke", "error", error="org_login_required", patch={"warning": "w"}))
    assert on.api("auth.revoke", token) == {"ok": False, "error": "org_login_required", "warning": "w"}
    assert on.api("auth.test", token)["ok"]


def test_a_duplicate_is_processed_twice(on: Client) -> None:
    token = on.install()["access_token"]
    on.slack.mention("T0NORTH001", "hi")
    on.slack.fault(Fault("chat.postMessage", "duplicate"))
    on.api("chat.postMessage", token, channel="C0NORTH001GEN", text="x")
    assert len(on.slack.messages("T0NORTH001")) == 2
    code = on.code()
    on.slack.fault(Fault("oauth.v2.access", "duplicate"))
    assert on.exchange(code)["error"] == "invalid_code"


def test_a_slow_answer_comes_after_the_work_and_holds_up_nobody_else(on: Client) -> None:
    token = on.install()["access_token"]
    on.slack.fault(Fault("auth.test", "slow", seconds=0.05))
    assert on.api("auth.test", token)["ok"]
    assert on.slack.calls[-1].fault == "slow"


def test_a_patch_replaces_deletes_and_nulls(on: Client) -> None:
    on.slack.fault(Fault("auth.test", "patch", patch={"ok": True, "error": None, "team": NULL}))
    assert on.api("auth.test") == {"ok": True, "team": None}


def test_faults_are_used_up_in_order_and_only_by_their_method_and_tenant(on: Client) -> None:
    token = on.install()["access_token"]
    on.slack.fault(Fault("auth.test", "error", error="first", times=2))
    on.slack.fault(Fault("*", "error", error="second", team="T0SOUTH001"))
    on.slack.fault(Fault("*", "error", error="third", team="T0NORTH001", times=-1))
    assert on.api("api.test")["ok"]
    assert [on.api("auth.test", token).get("error") for _ in range(4)] == ["first", "first", "third", "third"]
    on.slack.clear_faults()
    assert on.api("auth.test", token)["ok"]


def test_slack_sdk_reports_the_error_of_a_fault(on: Client) -> None:
    on.slack.fault(Fault("auth.test", "error", error="fatal_error"))
    with pytest.raises(SlackApiError, match="fatal_error"):
        on.client("xoxb-any").auth_test()
