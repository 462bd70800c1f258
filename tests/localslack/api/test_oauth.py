"""`oauth.v2.access` with a code (docs.slack.dev/reference/methods/oauth.v2.access)."""

from __future__ import annotations

import base64

from slackapp.localslack import Fault
from tests.localslack.client import BOT, Client, make_client


def test_a_bot_install_outside_an_enterprise(on: Client) -> None:
    answer = on.install()
    assert set(answer) == {
        "ok",
        "app_id",
        "token_type",
        "access_token",
        "refresh_token",
        "expires_in",
        "scope",
        "bot_user_id",
        "team",
        "enterprise",
        "is_enterprise_install",
        "authed_user",
    }
    assert answer["access_token"].startswith("xoxe.xoxb-1-")
    assert answer["refresh_token"].startswith("xoxe-1-")
    assert (answer["app_id"], answer["token_type"], answer["expires_in"]) == ("A0LOCAL001", "bot", 43200)
    assert answer["scope"] == BOT
    assert answer["team"] == {"id": "T0NORTH001", "name": "Northwind"}
    assert answer["enterprise"] is None
    assert answer["is_enterprise_install"] is False
    assert answer["authed_user"] == {"id": "U0NORTH001ADM"}


def test_a_bot_and_user_install_has_a_token_of_its_own_for_the_user(on: Client) -> None:
    user = on.install(user_scope="search:read")["authed_user"]
    assert (user["id"], user["scope"], user["token_type"]) == ("U0NORTH001ADM", "search:read", "user")
    assert user["access_token"].startswith("xoxe.xoxp-1-")
    assert user["expires_in"] == 43200


def test_a_user_only_install_has_nothing_of_a_bot(on: Client) -> None:
    answer = on.install(scope=None, user_scope="search:read")
    assert not {"access_token", "token_type", "scope", "bot_user_id", "refresh_token"}.intersection(answer)
    assert answer["authed_user"]["access_token"].startswith("xoxe.xoxp-1-")


def test_a_workspace_in_an_enterprise_has_an_enterprise_but_is_not_an_enterprise_wide_install(on: Client) -> None:
    answer = on.install("T0EVERAA01")
    assert answer["team"]["id"] == "T0EVERAA01"
    assert answer["enterprise"] == {"id": "E0EVERGRN1", "name": "Evergreen"}
    assert answer["is_enterprise_install"] is False


def test_an_enterprise_wide_install_has_no_team(on: Client) -> None:
    answer = on.install("E0EVERGRN1")
    assert answer["team"] is None
    assert answer["enterprise"] == {"id": "E0EVERGRN1", "name": "Evergreen"}
    assert answer["is_enterprise_install"] is True
    assert answer["bot_user_id"].startswith("W")


def test_the_incoming_webhook_scope_adds_a_webhook_that_works(on: Client) -> None:
    hook = on.install(scope="incoming-webhook,chat:write")["incoming_webhook"]
    assert set(hook) == {"channel", "channel_id", "configuration_url", "url"}
    assert hook["url"].startswith(f"{on.base}/services/T0NORTH001/")
    posted = on.request(
        "POST", hook["url"].removeprefix(on.base), '{"text": "from the hook"}', {"Content-Type": "application/json"}
    )
    assert (posted.status, posted.text) == (200, "ok")
    assert [m["text"] for m in on.slack.messages("T0NORTH001")] == ["from the hook"]
    assert hook["url"] in on.slack.issued_tokens


def test_without_rotation_tokens_are_long_lived(long_lived: Client) -> None:
    answer = long_lived.install(user_scope="search:read")
    assert answer["access_token"].startswith("xoxb-")
    assert answer["authed_user"]["access_token"].startswith("xoxp-")
    assert not {"refresh_token", "expires_in"}.intersection(answer) | {"refresh_token"}.intersection(
        answer["authed_user"]
    )
    long_lived.clock.advance(10_000_000)
    assert long_lived.api("auth.test", answer["access_token"])["ok"]


def test_a_second_install_without_rotation_gives_the_living_token_again(long_lived: Client) -> None:
    first, second = long_lived.install(), long_lived.install()
    assert first["access_token"] == second["access_token"]


def test_scopes_add_up_over_installs_and_the_older_token_gains_them(on: Client) -> None:
    first = on.install(scope="chat:write")
    second = on.install(scope="users:read")
    assert second["scope"] == "chat:write,users:read"
    answer = on.request("POST", "/api/auth.test", headers={"Authorization": f"Bearer {first['access_token']}"})
    assert answer.headers["x-oauth-scopes"] == "chat:write,users:read"


def test_a_code_works_once(on: Client) -> None:
    code = on.code()
    assert on.exchange(code)["ok"]
    assert on.exchange(code) == {"ok": False, "error": "invalid_code"}
    on.slack.used_code_error = "code_already_used"
    assert on.exchange(code)["error"] == "code_already_used"


def test_a_code_lives_ten_minutes(on: Client) -> None:
    early, late = on.code(), on.code()
    on.clock.advance(600)
    assert on.exchange(early)["ok"]
    on.clock.advance(1)
    assert on.exchange(late)["error"] == "invalid_code"


def test_an_unknown_code_or_grant_type_is_refused(on: Client) -> None:
    assert on.exchange("1.2.3")["error"] == "invalid_code"
    assert on.access(grant_type="password")["error"] == "invalid_grant_type"
    assert on.access(code=on.code(), code_verifier="x")["error"] == "pkce_not_allowed"


def test_the_redirect_url_must_be_the_one_of_the_authorize_step(on: Client) -> None:
    url = on.slack.app.redirect_urls[0]
    code = on.code()
    assert on.access(code=code)["error"] == "bad_redirect_uri"
    assert on.access(code=code, redirect_uri=f"{url}/below")["error"] == "bad_redirect_uri"
    assert on.access(code=code, redirect_uri=url)["ok"]


def test_a_redirect_url_that_was_not_named_need_not_be_named_again(on: Client) -> None:
    assert on.access(code=on.code(redirect_uri=None))["ok"]
    other = on.access(code=on.code(redirect_uri=None), redirect_uri="http://localhost:1/x")
    assert other["error"] == "bad_redirect_uri"


def test_the_client_may_identify_itself_by_basic_or_in_the_body(on: Client) -> None:
    basic = base64.b64encode(b"1000000001.2000000002:current-secret").decode()
    url = on.slack.app.redirect_urls[0]
    answer = on.api("oauth.v2.access", headers={"Authorization": f"Basic {basic}"}, code=on.code(), redirect_uri=url)
    assert answer["ok"]
    assert on.exchange(on.code())["ok"]
    assert [call.credentials for call in on.slack.calls] == ["basic", "body"]


def test_wrong_client_credentials_are_refused_and_leave_the_code_good(on: Client) -> None:
    code, url = on.code(), on.slack.app.redirect_urls[0]
    assert on.access(client_id="1.1", code=code)["error"] == "invalid_client_id"
    assert on.access(client_secret="wrong", code=code, redirect_uri=url)["error"] == "bad_client_secret"
    assert on.access(client_secret="", code=code, redirect_uri=url)["error"] == "bad_client_secret"
    assert on.exchange(code)["ok"]


def test_a_regenerated_secret_leaves_the_previous_one_valid(on: Client) -> None:
    assert on.access(client_secret="previous-secret", code=on.code(), redirect_uri=on.slack.app.redirect_urls[0])["ok"]


def test_the_client_secret_is_never_taken_from_the_query(on: Client) -> None:
    answer = on.request("GET", "/api/oauth.v2.access?client_id=1000000001.2000000002&client_secret=current-secret")
    assert answer.json["error"] == "bad_client_secret"


def test_a_workspace_of_an_enterprise_inherits_the_scopes_of_the_enterprise_wide_install(on: Client) -> None:
    on.install("E0EVERGRN1", scope="chat:write")
    assert on.install("T0EVERAA01", scope="users:read")["scope"] == "chat:write"


def test_an_enterprise_may_forbid_workspace_installs(on: Client) -> None:
    on.install("E0EVERGRN1")
    on.slack.org_install_rules = True
    assert on.exchange(on.code("T0EVERAA01"))["error"] == "cannot_install_an_org_installed_app"


def test_a_patched_answer_can_leave_the_flag_out_or_name_a_foreign_app(on: Client) -> None:
    on.slack.fault(Fault("oauth.v2.access", "patch", patch={"is_enterprise_install": None, "app_id": "A0FOREIGN"}))
    answer = on.exchange(on.code())
    assert "is_enterprise_install" not in answer
    assert answer["app_id"] == "A0FOREIGN"


def test_slack_sdk_understands_the_answer(on: Client) -> None:
    answer = on.client().oauth_v2_access(
        client_id=on.slack.app.client_id,
        client_secret="current-secret",
        code=on.code(),
        redirect_uri=on.slack.app.redirect_urls[0],
    )
    assert on.client(answer["access_token"]).auth_test()["team_id"] == "T0NORTH001"


def test_every_secret_ever_issued_is_listed(on: Client) -> None:
    code = on.code(scope="chat:write,incoming-webhook", user_scope="search:read")
    answer = on.exchange(code)
    user = answer["authed_user"]
    assert set(on.slack.issued_tokens) == {
        code,
        answer["access_token"],
        answer["refresh_token"],
        user["access_token"],
        user["refresh_token"],
        answer["incoming_webhook"]["url"],
    }


def test_expires_in_follows_the_configured_lifetime() -> None:
    with make_client() as on:
        on.slack.token_lifetime = 43201
        assert on.install()["expires_in"] == 43201
