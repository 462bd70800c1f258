"""The Web API (docs.slack.dev/apis/web-api and docs.slack.dev/reference/methods)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.localslack.client import Client
from tests.support.client import FORM

GENERAL, RANDOM, PRIVATE = "C0NORTH001GEN", "C0NORTH001RND", "C0NORTH001PRV"


def test_a_token_is_taken_from_the_header_or_a_form_but_never_from_the_query(on: Client) -> None:
    token = on.install()["access_token"]
    assert on.api("auth.test", token)["ok"]
    assert on.request("POST", "/api/auth.test", f"token={token}", FORM).json["ok"]
    assert on.request("GET", f"/api/auth.test?token={token}").json["error"] == "not_authed"
    assert on.request("GET", "/api/auth.test", headers={"Authorization": f"Bearer {token}"}).json["ok"]
    lower = {"Authorization": f"bearer {token}"}
    assert on.request("GET", "/api/auth.test", headers=lower).json["error"] == "not_authed"


def test_with_a_json_body_only_the_header_counts(on: Client) -> None:
    token = on.install()["access_token"]
    kind = {"Content-Type": "application/json"}
    body = json.dumps({"token": token, "user": "U0NORTH001ADM"})
    assert on.request("POST", "/api/users.info", body, kind).json["error"] == "not_authed"
    assert on.request("POST", "/api/users.info", body, {**kind, "Authorization": f"Bearer {token}"}).json["ok"]


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        ("application/json", b"{", "invalid_json"),
        ("application/json", b"[]", "json_not_object"),
        ("text/xml", b"<x/>", "invalid_post_type"),
        ("application/x-www-form-urlencoded", b"\xff\xfe", "invalid_form_data"),
    ],
)
def test_a_body_that_cannot_be_read_is_the_callers_fault(on: Client, kind: str, body: bytes, error: str) -> None:
    answer = on.request("POST", "/api/auth.test", body, {"Content-Type": kind})
    assert (answer.status, answer.json) == (200, {"ok": False, "error": error})


def test_failures_are_http_200_with_ok_false(on: Client) -> None:
    assert on.api("auth.test") == {"ok": False, "error": "not_authed"}
    assert on.api("auth.test", "xoxb-unknown") == {"ok": False, "error": "invalid_auth"}
    assert on.api("no.such", on.install()["access_token"])["error"] == "unknown_method"
    assert on.request("POST", "/api/auth.test", "", FORM).status == 200


def test_every_answer_names_the_scopes_of_the_token_and_of_the_method(on: Client) -> None:
    token = on.install(scope="chat:write,users:read")["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    good = on.request("GET", "/api/users.info?user=U0NORTH001ADM", headers=bearer)
    bad = on.request("GET", "/api/team.info", headers=bearer)
    assert (good.headers["x-oauth-scopes"], good.headers["x-accepted-oauth-scopes"]) == (
        "chat:write,users:read",
        "users:read",
    )
    assert (bad.headers["x-oauth-scopes"], bad.headers["x-accepted-oauth-scopes"]) == (
        "chat:write,users:read",
        "team:read",
    )
    assert bad.json == {
        "ok": False,
        "error": "missing_scope",
        "needed": "team:read",
        "provided": "chat:write,users:read",
    }
    assert "x-oauth-scopes" in on.request("GET", "/api/auth.test").headers


def test_auth_test_of_a_bot_names_the_bot_and_of_a_user_the_user(on: Client) -> None:
    answer = on.install(user_scope="search:read")
    bot = on.api("auth.test", answer["access_token"])
    person = on.api("auth.test", answer["authed_user"]["access_token"])
    assert (bot["team_id"], bot["user_id"], bot["bot_id"]) == ("T0NORTH001", answer["bot_user_id"], "B0NORTH001BOT")
    assert (person["user_id"], person["user"], "bot_id" in person) == ("U0NORTH001ADM", "northwind-admin", False)
    assert "enterprise_id" not in bot


def test_auth_test_of_an_enterprise_wide_token_holds_the_enterprise_id_in_team_id(on: Client) -> None:
    answer = on.api("auth.test", on.install("E0EVERGRN1")["access_token"])
    assert (answer["team_id"], answer["enterprise_id"]) == ("E0EVERGRN1", "E0EVERGRN1")
    assert answer["is_enterprise_install"] is True


def test_auth_revoke_with_rotation_ends_that_token_and_keeps_the_installation(on: Client) -> None:
    answer = on.install()
    assert on.api("auth.revoke", answer["access_token"], test="1") == {"ok": True, "revoked": False}
    assert on.api("auth.revoke", answer["access_token"]) == {"ok": True, "revoked": True}
    assert on.api("auth.test", answer["access_token"])["error"] == "token_revoked"
    assert on.slack.installed == ["T0NORTH001"]
    assert on.slack.deliver_due() == []
    assert on.refresh(answer["refresh_token"])["ok"]


def test_auth_revoke_of_the_last_long_lived_token_removes_the_app(long_lived: Client) -> None:
    token = long_lived.install()["access_token"]
    assert long_lived.api("auth.revoke", token)["revoked"] is True
    assert long_lived.api("auth.test", token)["error"] == "account_inactive"
    assert long_lived.slack.installed == []
    assert [d.type for d in long_lived.slack.deliver_due()] == ["tokens_revoked", "app_uninstalled"]
    assert long_lived.app.events[0]["event"]["tokens"] == {"oauth": [], "bot": ["U0NORTH001BOT"]}


def test_apps_uninstall_ends_every_token(on: Client) -> None:
    answer = on.install(user_scope="search:read")
    client = on.client(answer["access_token"])
    with pytest.raises(SlackApiError, match="bad_client_secret"):
        client.apps_uninstall(client_id=on.slack.app.client_id, client_secret="wrong")
    assert client.apps_uninstall(client_id=on.slack.app.client_id, client_secret="current-secret")["ok"]
    assert on.api("auth.test", answer["access_token"])["error"] == "account_inactive"
    assert on.api("auth.test", answer["authed_user"]["access_token"])["error"] == "token_revoked"
    assert [d.type for d in on.slack.deliver_due()] == ["app_uninstalled", "tokens_revoked"]


@pytest.mark.parametrize(
    ("user", "flags"),
    [
        ("U0NORTH001ADM", (True, True, True, False)),
        ("U0NORTH001MEM", (False, False, False, False)),
        ("U0NORTH001GST", (False, False, False, True)),
    ],
)
def test_users_info_tells_admins_members_and_guests_apart(on: Client, user: str, flags: tuple[bool, ...]) -> None:
    found = on.api("users.info", on.install()["access_token"], user=user)["user"]
    assert (found["is_admin"], found["is_owner"], found["is_primary_owner"], found["is_restricted"]) == flags
    assert "enterprise_user" not in found
    assert "email" not in found["profile"]


def test_users_info_tells_the_rights_in_an_enterprise_apart_from_those_in_a_workspace(on: Client) -> None:
    token = on.install("T0EVERAA01")["access_token"]
    owner = on.api("users.info", token, user="W0EVERADM1")["user"]
    local = on.api("users.info", token, user="W0EVERAAD1")["user"]
    assert (owner["is_admin"], owner["enterprise_user"]["is_admin"]) == (True, True)
    assert (local["is_admin"], local["enterprise_user"]["is_admin"]) == (True, False)


def test_users_info_knows_nobody_of_another_workspace(on: Client) -> None:
    token = on.install()["access_token"]
    assert on.api("users.info", token, user="U0SOUTH001ADM")["error"] == "user_not_found"
    assert on.api("users.info", token, user="U0NORTH001BOT")["user"]["is_bot"] is True


def test_an_address_needs_its_own_scope(on: Client) -> None:
    token = on.install(scope="users:read,users:read.email")["access_token"]
    assert on.api("users.info", token, user="U0NORTH001ADM")["user"]["profile"]["email"].endswith("@example.com")


def test_team_info_names_the_enterprise_of_a_workspace_in_one(on: Client) -> None:
    north = on.api("team.info", on.install()["access_token"])["team"]
    ever = on.api("team.info", on.install("T0EVERAA01")["access_token"])["team"]
    assert (north["id"], north["domain"], "enterprise_id" in north) == ("T0NORTH001", "northwind", False)
    assert (ever["enterprise_id"], ever["enterprise_name"]) == ("E0EVERGRN1", "Evergreen")


def names(on: Client, token: str, **params: Any) -> tuple[list[str], list[int]]:
    found: list[str] = []
    sizes: list[int] = []
    cursor = ""
    while True:
        answer = on.api("conversations.list", token, cursor=cursor, **params)
        assert answer["ok"], answer
        sizes.append(len(answer["channels"]))
        found += [channel["name"] for channel in answer["channels"]]
        cursor = answer["response_metadata"]["next_cursor"]
        if not cursor:
            return found, sizes


def test_paging_ends_with_an_empty_cursor(on: Client) -> None:
    token = on.install()["access_token"]
    assert names(on, token) == (["general", "random"], [2])
    assert names(on, token, limit="1") == (["general", "random"], [1, 1])


def test_pages_may_be_short_or_empty_before_the_end(on: Client) -> None:
    on.slack.short_pages = True
    assert names(on, on.install()["access_token"]) == (["general", "random"], [1, 0, 1])


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"cursor": "WzldCg=="}, "invalid_cursor"),
        ({"limit": "1000"}, "invalid_limit"),
        ({"limit": "x"}, "invalid_limit"),
        ({"types": "rooms"}, "invalid_types"),
        ({"types": "private_channel"}, "missing_scope"),
    ],
)
def test_bad_paging_and_types_are_named(on: Client, params: dict[str, Any], error: str) -> None:
    assert on.api("conversations.list", on.install()["access_token"], **params)["error"] == error


def test_an_enterprise_wide_token_must_name_the_workspace(on: Client) -> None:
    token = on.install("E0EVERGRN1")["access_token"]
    assert on.api("conversations.list", token)["error"] == "missing_argument"
    assert on.api("conversations.list", token, team_id="T0NORTH001")["error"] == "team_access_not_granted"
    assert names(on, token, team_id="T0EVERBB01")[0] == ["general", "random"]


def test_an_enterprise_wide_install_reaches_only_the_workspaces_it_was_added_to(on: Client) -> None:
    on.slack.org_adds_workspaces = False
    token = on.install("E0EVERGRN1")["access_token"]
    assert on.api("auth.teams.list", token)["teams"] == []
    assert on.api("conversations.join", token, channel="C0EVERAA01GEN")["error"] == "team_access_not_granted"
    on.slack.grant_team("E0EVERGRN1", "T0EVERAA01")
    assert on.api("auth.teams.list", token)["teams"] == [{"id": "T0EVERAA01", "name": "Evergreen North"}]
    assert on.api("conversations.join", token, channel="C0EVERAA01GEN")["ok"]
    event = on.slack.deliver_due()[0]
    assert event.type == "team_access_granted"
    assert not {"team_id", "authorizations"}.intersection(json.loads(event.sent))


def test_auth_teams_list_is_for_enterprise_wide_tokens(on: Client) -> None:
    assert on.api("auth.teams.list", on.install()["access_token"])["error"] == "not_allowed_token_type"


def test_a_bot_joins_public_channels_and_is_warned_when_it_is_in_already(on: Client) -> None:
    token = on.install()["access_token"]
    assert "warning" not in on.api("conversations.join", token, channel=RANDOM)
    assert on.api("conversations.join", token, channel=RANDOM)["warning"] == "already_in_channel"
    assert on.api("conversations.join", token, channel=PRIVATE)["error"] == "channel_not_found"


def post(on: Client, token: str, **params: Any) -> Any:
    return on.api("chat.postMessage", token, **params)


def test_posting_needs_membership(on: Client) -> None:
    token = on.install()["access_token"]
    assert post(on, token, channel=RANDOM, text="x")["error"] == "not_in_channel"
    assert post(on, token, channel=PRIVATE, text="x")["error"] == "channel_not_found"
    assert post(on, token, channel="C0SOUTH001GEN", text="x")["error"] == "channel_not_found"
    on.api("conversations.join", token, channel=RANDOM)
    assert post(on, token, channel=RANDOM, text="x")["ok"]
    assert post(on, token, channel="#random", text="by name")["channel"] == RANDOM


def test_posting_everywhere_public_needs_a_scope_of_its_own(on: Client) -> None:
    assert post(on, on.install(scope="chat:write,chat:write.public")["access_token"], channel=RANDOM, text="x")["ok"]


def test_a_post_is_kept_with_channel_thread_and_author(on: Client) -> None:
    token = on.install()["access_token"]
    on.slack.mention("T0NORTH001", "hi")
    first = post(on, token, channel=GENERAL, text="one")
    post(on, token, channel=GENERAL, text="two", thread_ts=first["ts"])
    one, two = on.slack.messages("T0NORTH001")
    assert isinstance(first["ts"], str)
    assert (one["channel"], one["text"], one["user"], one["ts"]) == (GENERAL, "one", "U0NORTH001BOT", first["ts"])
    assert (two["thread_ts"], two["ts"] != one["ts"]) == (first["ts"], True)
    assert on.slack.messages("T0SOUTH001") == []


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, "no_text"),
        ({"blocks": "{"}, "invalid_blocks_format"),
        ({"blocks": "[1]"}, "invalid_blocks"),
        ({"attachments": json.dumps([{}] * 101)}, "too_many_attachments"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
    ],
)
def test_chat_postmessage_names_what_is_wrong_with_a_message(on: Client, params: dict[str, Any], error: str) -> None:
    token = on.install()["access_token"]
    on.slack.mention("T0NORTH001", "hi")
    assert post(on, token, channel=GENERAL, **params)["error"] == error


def test_slack_sdk_posts_blocks_updates_and_whispers(on: Client) -> None:
    client = on.client(on.install()["access_token"])
    on.slack.mention("T0NORTH001", "hi")
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}}
    sent = client.chat_postMessage(channel=GENERAL, blocks=[block], text="hi")
    assert sent["message"]["blocks"] == [block]
    client.chat_update(channel=GENERAL, ts=sent["ts"], text="changed")
    client.chat_postEphemeral(channel=GENERAL, user="U0NORTH001MEM", text="psst")
    texts = [(message["text"], message.get("ephemeral_to")) for message in on.slack.messages("T0NORTH001")]
    assert texts == [("changed", None), ("psst", "U0NORTH001MEM")]
    with pytest.raises(SlackApiError, match="message_not_found"):
        client.chat_update(channel=GENERAL, ts="1.1", text="x")


def react(on: Client, token: str, **changes: str) -> Any:
    on.slack.mention("T0NORTH001", "hi")
    said = on.slack.conversation("T0NORTH001")[0]
    return on.api("reactions.add", token, **{"channel": GENERAL, "timestamp": said["ts"], "name": "memo", **changes})


def test_a_reaction_is_added_once_to_what_a_user_or_the_app_has_said(on: Client) -> None:
    token = on.install(scope="app_mentions:read,chat:write,reactions:write")["access_token"]
    assert [react(on, token) for _ in range(2)] == [{"ok": True}, {"ok": False, "error": "already_reacted"}]
    own = post(on, token, channel=GENERAL, text="x")["ts"]
    assert react(on, token, timestamp=own, name="wave::skin-tone-3") == {"ok": True}
    assert on.slack.conversation("T0NORTH001")[0]["reactions"] == {"memo": ["U0NORTH001BOT"]}
    assert on.slack.messages("T0NORTH001")[0]["reactions"] == {"wave::skin-tone-3": ["U0NORTH001BOT"]}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"timestamp": ""}, "no_item_specified"),
        ({"channel": ""}, "no_item_specified"),
        ({"channel": PRIVATE}, "channel_not_found"),
        ({"channel": RANDOM}, "message_not_found"),
        ({"timestamp": "yesterday"}, "bad_timestamp"),
        ({"timestamp": "1.1"}, "message_not_found"),
        ({"name": ":memo:"}, "invalid_name"),
        ({"name": ""}, "invalid_name"),
    ],
)
def test_reactions_add_names_what_is_wrong(on: Client, changes: dict[str, str], error: str) -> None:
    token = on.install(scope="app_mentions:read,reactions:write")["access_token"]
    assert react(on, token, **changes)["error"] == error


def test_a_reaction_needs_its_scope(on: Client) -> None:
    assert react(on, on.install()["access_token"])["error"] == "missing_scope"


def test_a_direct_message_is_opened_and_written_to(on: Client) -> None:
    client = on.client(on.install(scope="chat:write,im:write")["access_token"])
    channel = client.conversations_open(users=["U0NORTH001MEM"])["channel"]["id"]
    assert client.chat_postMessage(channel=channel, text="x")["channel"] == channel
    assert client.chat_postMessage(channel="U0NORTH001MEM", text="y")["channel"] == channel
    with pytest.raises(SlackApiError, match="user_not_found"):
        client.conversations_open(users=["U0SOUTH001MEM"])


def test_an_enterprise_wide_token_posts_by_id_only(on: Client) -> None:
    token = on.install("E0EVERGRN1")["access_token"]
    on.slack.mention("T0EVERAA01", "hi")
    assert post(on, token, channel="#general", text="x")["error"] == "team_not_found"
    assert post(on, token, channel="C0EVERAA01GEN", text="x")["ok"]


def test_a_home_tab_is_published_per_user_and_guarded_by_its_hash(on: Client) -> None:
    client = on.client(on.install()["access_token"])
    view = {"type": "home", "blocks": []}
    first = client.views_publish(user_id="U0NORTH001MEM", view=view)["view"]
    assert on.slack.views("T0NORTH001")["U0NORTH001MEM"]["id"] == first["id"]
    second = client.views_publish(user_id="U0NORTH001MEM", view=view, hash=first["hash"])["view"]
    assert second["id"] == first["id"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        client.views_publish(user_id="U0NORTH001MEM", view=view, hash="old")
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client.views_publish(user_id="U0NORTH001MEM", view={"type": "modal"})


def test_an_enterprise_wide_token_names_the_workspace_whose_home_tab_it_publishes(on: Client) -> None:
    client = on.client(on.install("E0EVERGRN1")["access_token"])
    for team in ("T0EVERBB01", "T0EVERAA01"):
        view = {"type": "home", "blocks": []}
        published = client.views_publish(user_id="W0EVERADM1", view=view, team_id=team)["view"]
        assert (published["team_id"], list(on.slack.views(team))) == (team, ["W0EVERADM1"])


def test_the_record_of_calls_holds_no_secret(on: Client) -> None:
    answer = on.install()
    on.refresh(answer["refresh_token"])
    on.api("auth.test", answer["access_token"])
    recorded = repr(on.slack.calls)
    assert [call.method for call in on.slack.calls] == ["oauth.v2.access", "oauth.v2.access", "auth.test"]
    assert {call.team for call in on.slack.calls} == {"T0NORTH001"}
    assert not [secret for secret in [*on.slack.issued_tokens, "current-secret"] if secret in recorded]


def test_the_probe_runs_first_and_its_complaint_is_kept(on: Client) -> None:
    def probe(method: str) -> None:
        raise RuntimeError("a transaction is open")

    on.slack.probe = probe
    assert on.request("POST", "/api/auth.test", "", FORM).status == 500
    assert on.slack.violations == ["auth.test: a transaction is open"]
    assert on.slack.calls == []


def test_a_body_that_is_too_large_is_not_read(on: Client) -> None:
    assert on.request("POST", "/api/auth.test", b"x" * 1_048_577, FORM).status == 413
