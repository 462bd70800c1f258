"""The consent page (docs.slack.dev/authentication/installing-with-oauth)."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from slackapp.localslack.pages.consent import is_below
from tests.localslack.client import Client, make_client, sent_back
from tests.support.client import FORM


def show(on: Client, **changes: str | None) -> str:
    return on.request("GET", "/oauth/v2/authorize?" + urlencode(on.query(**changes))).text


def test_the_page_names_the_app_and_every_scope_on_a_line_of_its_own(on: Client) -> None:
    page = show(on, scope="chat:write,commands", user_scope="search:read")
    assert "Install Example?" in page
    for scope in ("chat:write", "commands", "search:read"):
        assert f'<li class="scope">{scope}</li>' in page


def test_the_page_has_no_script_and_allows_none(on: Client) -> None:
    answer = on.request("GET", "/oauth/v2/authorize?" + urlencode(on.query()))
    assert "<script" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert 'name="viewport"' in answer.text


def test_the_form_on_the_page_can_be_sent_as_it_stands(on: Client) -> None:
    page = show(on, state='a"b<c')
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    fields["state"] = fields["state"].replace("&quot;", '"').replace("&lt;", "<")
    body = urlencode({**fields, "target": "T0NORTH001", "user": "member", "decision": "approve"})
    assert sent_back(on.request("POST", "/oauth/v2/authorize", body, FORM))["state"] == 'a"b<c'


def test_a_valid_team_is_preselected_and_an_unknown_one_ignored(on: Client) -> None:
    assert 'value="T0SOUTH001" checked' in show(on, team="T0SOUTH001")
    assert 'value="T0NORTH001" checked' in show(on, team="T0NOWHERE1")


def test_the_user_may_choose_another_workspace_than_the_one_asked_for(on: Client) -> None:
    assert on.exchange(on.code("T0SOUTH001", team="T0NORTH001"))["team"]["id"] == "T0SOUTH001"


def test_a_member_may_install_instead_of_an_admin(on: Client) -> None:
    answer = on.install(user="member")
    assert answer["authed_user"]["id"] == on.slack.workspaces["T0NORTH001"].member


def test_approval_sends_back_a_code_and_the_state_unchanged(on: Client) -> None:
    back = sent_back(on.decide(state="a state/with+signs&more"))
    assert re.fullmatch(r"\d+\.\d+\.[0-9a-f]{64}", back["code"])
    assert back["state"] == "a state/with+signs&more"


def test_a_denial_sends_access_denied_with_or_without_the_state(on: Client) -> None:
    assert sent_back(on.decide(decision="deny")) == {"error": "access_denied", "state": "the-state"}
    on.slack.deny_with_state = False
    assert sent_back(on.decide(decision="deny")) == {"error": "access_denied"}


def test_a_flow_begun_without_a_state_comes_back_without_one(on: Client) -> None:
    assert "state" not in sent_back(on.decide(state=None))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "9.9"}, "invalid_client_id"),
        ({"redirect_uri": "http://localhost:3000/elsewhere"}, "bad_redirect_uri"),
        ({"redirect_uri": "http://localhost:3001/slack/oauth_redirect"}, "bad_redirect_uri"),
        ({"scope": "no:such"}, "invalid_scope"),
        ({"scope": "chat:write", "user_scope": "openid"}, "invalid_scope"),
        ({"scope": ""}, "no_scopes"),
    ],
)
def test_errors_are_shown_on_slacks_own_page_and_not_redirected(on: Client, changes: dict[str, str], code: str) -> None:
    shown = on.request("GET", "/oauth/v2/authorize?" + urlencode(on.query(**changes)))
    posted = on.decide(**changes)
    for answer in (shown, posted):
        assert answer.status == 400
        assert "location" not in answer.headers
        assert f"<code>{code}</code>" in answer.text


@pytest.mark.parametrize(
    ("claimed", "fits"),
    [
        ("https://app.example.com/slack", True),
        ("https://app.example.com/slack/below", True),
        ("https://app.example.com/slack?x=1", True),
        ("https://app.example.com/slackish", False),
        ("https://app.example.com/slack/../other", False),
        ("https://app.example.com/slack#part", False),
        ("https://app.example.com:444/slack", False),
        ("https://app.example.com@evil.example/slack", False),
        ("https://app.example.com\\@evil.example/slack", False),
        ("http://app.example.com/slack", False),
        ("https://evil.example/slack", False),
        ("/slack", False),
    ],
)
def test_a_redirect_url_equals_a_configured_one_or_lies_below_it(claimed: str, *, fits: bool) -> None:
    assert is_below(claimed, "https://app.example.com/slack") is fits


def test_plain_http_is_for_loopback_only() -> None:
    assert is_below("http://localhost:3000/cb", "http://localhost:3000/cb")
    assert not is_below("http://app.example.com/cb", "http://app.example.com/cb")


def test_with_several_redirect_urls_the_request_must_name_one() -> None:
    urls = ("http://localhost:3000/one", "http://localhost:3000/two")
    with make_client(redirect_urls=urls) as on:
        assert "<code>bad_redirect_uri</code>" in show(on, redirect_uri=None)
        assert on.decide(redirect_uri=urls[1]).status == 302


def test_a_declined_optional_scope_is_missing_from_the_grant() -> None:
    with make_client(optional_scopes=("users:read", "team:read")) as on:
        assert 'name="optional" value="users:read" checked' in show(on)
        granted = on.install(optional="team:read")["scope"].split(",")
        assert "team:read" in granted
        assert "users:read" not in granted


def test_where_an_admin_must_approve_nobody_is_sent_back(on: Client) -> None:
    on.slack.require_approval = True
    answer = on.decide()
    assert (answer.status, "location" in answer.headers) == (200, False)


def test_an_enterprise_is_offered_only_when_enterprise_wide_install_is_switched_on() -> None:
    with make_client(org_deploy=False) as on:
        assert "E0EVERGRN1" not in show(on)
        assert "scope_not_allowed_on_enterprise" in on.decide("E0EVERGRN1").text


def test_an_enterprise_wide_install_needs_a_bot_scope(on: Client) -> None:
    assert "scope_not_allowed_on_enterprise" in on.decide("E0EVERGRN1", scope=None, user_scope="search:read").text


def test_an_app_that_is_not_distributed_installs_at_home_only() -> None:
    with make_client(home_team="T0NORTH001") as on:
        assert on.decide("T0NORTH001").status == 302
        assert "invalid_team_for_non_distributed_app" in on.decide("T0SOUTH001").text


def test_scopes_that_were_not_approved_are_refused(on: Client) -> None:
    on.slack.unapproved_scopes = {"commands"}
    assert "unapproved_scope" in on.decide().text


def test_a_user_of_another_workspace_cannot_approve(on: Client) -> None:
    assert on.decide("T0NORTH001", user="U0SOUTH001ADM").status == 400


def test_a_page_of_another_site_cannot_approve(on: Client) -> None:
    body = urlencode({**on.query(), "target": "T0NORTH001", "user": "admin", "decision": "approve"})
    foreign = on.request("POST", "/oauth/v2/authorize", body, {**FORM, "Origin": "http://evil.example"})
    crossed = on.request("POST", "/oauth/v2/authorize", body, {**FORM, "Sec-Fetch-Site": "cross-site"})
    own = on.request("POST", "/oauth/v2/authorize", body, {**FORM, "Origin": on.base, "Sec-Fetch-Site": "same-origin"})
    assert (foreign.status, crossed.status, own.status) == (403, 403, 302)


def test_a_foreign_host_name_is_refused_everywhere(on: Client) -> None:
    for path in ("/", "/oauth/v2/authorize", "/api/auth.test", "/control/state.json"):
        assert on.request("GET", path, headers={"Host": "evil.example"}).status == 400
