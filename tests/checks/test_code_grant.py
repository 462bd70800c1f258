"""Slack's answer to the exchange of a code: docs.slack.dev/reference/methods/oauth.v2.access."""

from typing import Any

import pytest

from slackapp.checks.code_grant import (
    claimed_tenants,
    has_refresh_token,
    read_scopes,
    read_token_pair,
    tokens_to_revoke,
    verify_grant,
)
from slackapp.errors import Refusal
from slackapp.model import Grant, GrantedToken, HolderKind, Secret, Tenant, Webhook
from tests.checks.helpers import refusal_of

APP_ID, TEAM, ORG = "A0LOCAL001", "T0NORTH001", "E0EVERGRN1"
YEAR = 366 * 24 * 3600
BOT: dict[str, Any] = {
    "token_type": "bot",
    "access_token": "xoxb-bot",
    "scope": "chat:write,app_mentions:read",
    "bot_user_id": "U0BOT00001",
}
USER: dict[str, Any] = {"token_type": "user", "access_token": "xoxp-user", "scope": "search:read"}
HOOK = {
    "url": "https://hooks.slack.com/services/x",
    "channel": "#general",
    "channel_id": "C0GENERAL1",
    "configuration_url": "https://x.slack.com/services/B1",
}
NAMELESS: dict[str, Any] = {"ok": True, "app_id": APP_ID, "enterprise": None, "is_enterprise_install": False}
ANSWER: dict[str, Any] = {
    **NAMELESS,
    **BOT,
    "team": {"id": TEAM, "name": "North"},
    "authed_user": {"id": "U0ADMIN001"},
}
ORG_WIDE: dict[str, Any] = {
    **ANSWER,
    "team": None,
    "enterprise": {"id": ORG, "name": "Evergreen"},
    "is_enterprise_install": True,
    "authed_user": {"id": "W0ADMIN001"},
}
BOT_TOKEN = GrantedToken(Secret("xoxb-bot"), None, None, ("app_mentions:read", "chat:write"))
USER_TOKEN = GrantedToken(Secret("xoxp-user"), None, None, ("search:read",))


def without(answer: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key not in keys}


def grant(**changes: Any) -> Grant:
    """What becomes of an answer that differs in these fields from that of a bot-only install."""
    return verify_grant({**ANSWER, **changes}, APP_ID)


def refusal(**changes: Any) -> Refusal:
    return refusal_of(lambda: grant(**changes))


def test_a_bot_in_a_workspace_outside_any_enterprise() -> None:
    assert grant() == Grant(
        tenant=Tenant("T", TEAM),
        enterprise_id="",
        enterprise_name="",
        team_id=TEAM,
        team_name="North",
        installer_id="U0ADMIN001",
        bot_user_id="U0BOT00001",
        bot=BOT_TOKEN,
        user=None,
        webhook=None,
    )


def test_a_bot_and_a_user() -> None:
    found = grant(authed_user={"id": "U0ADMIN001", **USER})
    assert (found.bot, found.user) == (BOT_TOKEN, USER_TOKEN)


def test_a_user_without_a_bot() -> None:
    data = {**without(ANSWER, *BOT), "authed_user": {"id": "U0ADMIN001", **USER}}
    found = verify_grant(data, APP_ID)
    assert (found.bot, found.bot_user_id, found.user) == (None, "", USER_TOKEN)


def test_a_user_without_a_bot_in_a_team_without_a_name() -> None:
    data = {**without(ANSWER, *BOT), "authed_user": {"id": "U0ADMIN001", **USER}, "team": {"id": TEAM}}
    assert verify_grant(data, APP_ID).team_name == ""


def test_a_bot_user_id_without_a_bot_token_is_not_kept() -> None:
    data = {**without(ANSWER, "access_token"), "authed_user": {"id": "U0ADMIN001", **USER}}
    assert verify_grant(data, APP_ID).bot_user_id == ""


def test_a_workspace_inside_an_enterprise_is_a_workspace() -> None:
    """I install into one workspace of an enterprise, so that my token serves the whole enterprise."""
    found = grant(enterprise={"id": ORG, "name": "Evergreen"})
    assert (found.tenant, found.enterprise_id, found.enterprise_name) == (Tenant("T", TEAM), ORG, "Evergreen")


def test_an_enterprise_wide_install_belongs_to_the_enterprise() -> None:
    found = verify_grant(ORG_WIDE, APP_ID)
    assert (found.tenant, found.team_id, found.installer_id) == (Tenant("E", ORG), "", "W0ADMIN001")


def test_an_enterprise_wide_install_that_names_a_team_all_the_same_belongs_to_the_enterprise() -> None:
    assert verify_grant({**ORG_WIDE, "team": {"id": TEAM}}, APP_ID).tenant == Tenant("E", ORG)


def test_without_the_flag_or_with_null_an_install_is_not_enterprise_wide() -> None:
    assert grant(is_enterprise_install=None, enterprise={"id": ORG}).tenant == Tenant("T", TEAM)
    data = without({**ANSWER, "enterprise": {"id": ORG}}, "is_enterprise_install")
    assert verify_grant(data, APP_ID).tenant == Tenant("T", TEAM)
    assert refusal_of(lambda: verify_grant(without(ORG_WIDE, "is_enterprise_install"), APP_ID)) is MALFORMED


def test_tokens_that_rotate_keep_their_refresh_token_and_life() -> None:
    rotating = {"refresh_token": "xoxe-1-bot", "expires_in": 43200, "access_token": "xoxe.xoxb-1-bot"}
    user = {**USER, "refresh_token": "xoxe-1-user", "expires_in": 43201, "access_token": "xoxe.xoxp-1-user"}
    found = grant(**rotating, authed_user={"id": "U0ADMIN001", **user})
    assert found.bot == GrantedToken(Secret("xoxe.xoxb-1-bot"), Secret("xoxe-1-bot"), 43200, BOT_TOKEN.scopes)
    assert found.user == GrantedToken(Secret("xoxe.xoxp-1-user"), Secret("xoxe-1-user"), 43201, USER_TOKEN.scopes)


def test_an_incoming_webhook_is_kept() -> None:
    expected = Webhook(Secret(HOOK["url"]), "#general", "C0GENERAL1", "https://x.slack.com/services/B1")
    assert grant(incoming_webhook=HOOK).webhook == expected


@pytest.mark.parametrize("life", [1, YEAR])
def test_a_life_at_the_bounds_is_taken(life: int) -> None:
    bot = grant(refresh_token="xoxe-1-x", expires_in=life).bot
    assert bot is not None
    assert bot.expires_in == life


@pytest.mark.parametrize("app_id", ["A0OTHER001", "a0local001", "", None, ["A0LOCAL001"], 7])
@pytest.mark.claim("C-08")
def test_an_answer_for_another_app_is_refused(app_id: Any) -> None:
    """I send you the code of an app of mine, so that you keep a token that I can revoke, or that is watched by me."""
    assert refusal(app_id=app_id) is Refusal.GRANT_FOREIGN


def test_an_answer_for_no_app_is_refused() -> None:
    assert refusal_of(lambda: verify_grant(without(ANSWER, "app_id"), APP_ID)) is Refusal.GRANT_FOREIGN
    assert refusal_of(lambda: verify_grant({}, APP_ID)) is Refusal.GRANT_FOREIGN


MALFORMED = Refusal.GRANT_MALFORMED
ROTATING = {"refresh_token": "xoxe-1-x", "expires_in": 43200}
BAD: dict[str, dict[str, Any]] = {
    # whose it is
    "no team": {"team": None},
    "team empty": {"team": {}},
    "team a string": {"team": TEAM},
    "team id of another form": {"team": {"id": "north"}},
    "team id with a line feed": {"team": {"id": TEAM + "\n"}},
    "team id of an org": {"team": {"id": ORG}},
    "org empty": {"enterprise": {}},
    "org a list": {"enterprise": [ORG]},
    "org id of another form": {"enterprise": {"id": "evergreen"}},
    "org id of a team": {"enterprise": {"id": TEAM}},
    "org-wide without an org": {"is_enterprise_install": True},
    "org-wide as a string": {"is_enterprise_install": "true", "enterprise": {"id": ORG}},
    "org-wide as a number": {"is_enterprise_install": 1, "enterprise": {"id": ORG}},
    "not org-wide as a number": {"is_enterprise_install": 0},
    "not org-wide as an empty string": {"is_enterprise_install": ""},
    # who installed it
    "nobody installed it": {"authed_user": None},
    "installer a string": {"authed_user": "U0ADMIN001"},
    "installer without id": {"authed_user": {}},
    "installer id of another form": {"authed_user": {"id": "B0ADMIN001"}},
    # tokens
    "no token": {"access_token": None},
    "token empty": {"access_token": ""},
    "token a number": {"access_token": 7},
    "token a list": {"access_token": ["xoxb-bot"]},
    "user's token for the bot": {"access_token": "xoxp-user"},
    "app-level token": {"access_token": "xapp-1"},
    "refresh token as the token": {"access_token": "xoxe-1-x"},
    "rotating user's token for the bot": {"access_token": "xoxe.xoxp-1-x"},
    "token with a space": {"access_token": "xoxb-a b"},
    "token with a line feed": {"access_token": "xoxb-a\r\nX-Evil: 1"},
    "token that is not ASCII": {"access_token": "xoxb-é"},
    "token of more than 16 KiB": {"access_token": "xoxb-" + "a" * (16 * 1024 - 4)},
    "no token type": {"token_type": None},
    "token type of a user": {"token_type": "user"},
    "no bot user": {"bot_user_id": None},
    "bot user of another form": {"bot_user_id": "B0BOT00001"},
    "bot user a list": {"bot_user_id": ["U0BOT00001"]},
    "person's token of a bot": {"authed_user": {"id": "U0ADMIN001", **USER, "access_token": "xoxb-bot"}},
    "person's token of type bot": {"authed_user": {"id": "U0ADMIN001", **USER, "token_type": "bot"}},
    "person's token without type": {"authed_user": {"id": "U0ADMIN001", "access_token": "xoxp-user"}},
    # rotation
    "refresh token without life": {"refresh_token": "xoxe-1-x"},
    "life without refresh token": {"expires_in": 43200},
    "refresh token of another form": {**ROTATING, "refresh_token": "xoxb-x"},
    "refresh token empty": {**ROTATING, "refresh_token": ""},
    "refresh token with a line feed": {**ROTATING, "refresh_token": "xoxe-1-\n"},
    "refresh token a number": {**ROTATING, "refresh_token": 7},
    "life zero": {**ROTATING, "expires_in": 0},
    "life below zero": {**ROTATING, "expires_in": -1},
    "life over a year": {**ROTATING, "expires_in": YEAR + 1},
    "life a string": {**ROTATING, "expires_in": "43200"},
    "life a fraction": {**ROTATING, "expires_in": 43200.0},
    "life true": {**ROTATING, "expires_in": True},
    "life without end": {**ROTATING, "expires_in": 10**400},
    # scopes and webhook
    "scopes a list": {"scope": ["chat:write"]},
    "scopes that are not ASCII": {"scope": "chat:write,é"},
    "scopes with a lone surrogate": {"scope": "\ud800"},
    "scopes with NUL": {"scope": "chat:write\x00"},
    "scopes of more than 16 KiB": {"scope": "a" * (16 * 1024 + 1)},
    "webhook a string": {"incoming_webhook": HOOK["url"]},
    "webhook without address": {"incoming_webhook": {**HOOK, "url": None}},
    "webhook with a script for an address": {"incoming_webhook": {**HOOK, "url": "javascript:alert(1)"}},
    "webhook with a file for an address": {"incoming_webhook": {**HOOK, "url": "file:///etc/passwd"}},
    "webhook with half an address": {"incoming_webhook": {**HOOK, "url": "https:x"}},
    "webhook with a space in its address": {"incoming_webhook": {**HOOK, "url": "https://x/ y"}},
    "webhook with an address that is not ASCII": {"incoming_webhook": {**HOOK, "url": "https://x/" + "日" * 9000}},
    "webhook with an endless address": {"incoming_webhook": {**HOOK, "url": "https://x/" + "a" * 16 * 1024}},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
@pytest.mark.claim("C-09", "C-74", "C-75")
def test_an_answer_that_cannot_be_used_is_refused(changes: dict[str, Any]) -> None:
    assert refusal(**changes) is MALFORMED


@pytest.mark.parametrize("token", ["xoxb-" + "a" * (16 * 1024 - 5), "xoxb-!~"], ids=["16 KiB", "ends of ASCII"])
def test_a_token_at_the_bounds_is_taken(token: str) -> None:
    bot = grant(access_token=token).bot
    assert bot is not None
    assert bot.access.reveal() == token


def test_a_webhook_at_the_bounds_is_taken() -> None:
    longest = "http://x/" + "a" * (16 * 1024 - 9)
    webhook = grant(incoming_webhook={**HOOK, "url": longest}).webhook
    assert webhook is not None
    assert webhook.url == Secret(longest)


@pytest.mark.parametrize(
    ("name", "kept"),
    [("N" * 100_000, "N" * 255), ("日" * 256, "日" * 255), (None, ""), (7, ""), (["N"], ""), ("\ud800x", "?x")],
    ids=["huge", "huge and not ASCII", "null", "a number", "a list", "lone surrogate"],
)
def test_a_name_is_for_people_and_breaks_nothing(name: Any, kept: str) -> None:
    """I call my workspace something that is too long for a column, or cannot be written."""
    found = grant(team={"id": TEAM, "name": name}, enterprise={"id": ORG, "name": name})
    assert (found.team_name, found.enterprise_name) == (kept, kept)


@pytest.mark.parametrize("key", ["channel", "channel_id", "configuration_url"])
def test_what_a_webhook_says_besides_its_address_is_text_or_nothing(key: str) -> None:
    found = grant(incoming_webhook={**HOOK, key: ["x"]}).webhook
    assert found is not None
    assert getattr(found, key) == ""


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        (None, ()),
        ("", ()),
        ("chat:write", ("chat:write",)),
        ("b,a", ("a", "b")),
        ("b, a,,b ", ("a", "b")),
        ("a" * 16 * 1024, ("a" * 16 * 1024,)),
    ],
    ids=["null", "empty", "one", "sorted", "spaces and repeats", "16 KiB"],
)
def test_scopes_are_a_sorted_set(listed: Any, found: tuple[str, ...]) -> None:
    assert read_scopes(listed) == found


def test_a_pair_is_read_for_the_type_that_it_was_asked_for() -> None:
    refreshed = {"token_type": "user", "access_token": "xoxe.xoxp-1-x", **ROTATING}
    assert read_token_pair(refreshed, HolderKind.USER) == GrantedToken(
        Secret("xoxe.xoxp-1-x"), Secret("xoxe-1-x"), 43200, ()
    )
    assert refusal_of(lambda: read_token_pair(refreshed, HolderKind.BOT)) is MALFORMED
    bots = {**refreshed, "access_token": "xoxe.xoxb-1-x"}
    assert refusal_of(lambda: read_token_pair(bots, HolderKind.USER)) is MALFORMED
    assert read_token_pair({"token_type": "user"}, HolderKind.USER) is None


REVOKED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "bot": ({"access_token": "xoxb-a"}, ["xoxb-a"]),
    "bot and person": ({"access_token": "xoxb-a", "authed_user": {"access_token": "xoxp-b"}}, ["xoxb-a", "xoxp-b"]),
    "person": ({"authed_user": {"access_token": "xoxp-b"}}, ["xoxp-b"]),
    "of an odd form": ({"access_token": "whatever", "app_id": 7, "team": 7}, ["whatever"]),
    "none": ({"authed_user": "x", "access_token": None}, []),
    "what cannot stand in a header": ({"access_token": "xoxb-\r\nX: 1", "authed_user": {"access_token": ""}}, []),
    "what is no text": ({"access_token": ["xoxb-a"], "authed_user": {"access_token": 7}}, []),
}


@pytest.mark.parametrize(("data", "found"), REVOKED.values(), ids=REVOKED)
def test_every_token_of_a_refused_answer_is_to_be_revoked(data: dict[str, Any], found: list[str]) -> None:
    assert [token.reveal() for _, token in tokens_to_revoke(data)] == found


@pytest.mark.parametrize(
    ("data", "rotates"),
    [
        ({"refresh_token": "xoxe-1-x"}, True),
        ({"authed_user": {"refresh_token": "xoxe-1-x"}}, True),
        ({"authed_user": "x"}, False),
        ({"access_token": "xoxb-a", "authed_user": {"id": "U0ADMIN001"}}, False),
    ],
    ids=["bot", "person", "no person", "neither"],
)
def test_whether_an_answer_rotates_is_seen_at_both_levels(data: dict[str, Any], rotates: bool) -> None:
    assert has_refresh_token(data) is rotates


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"team": {"id": TEAM}, "enterprise": {"id": ORG}}, (Tenant("T", TEAM), Tenant("E", ORG))),
        ({"team": None, "enterprise": {"id": ORG}}, (Tenant("E", ORG),)),
        ({"team": {"id": ORG}, "enterprise": {"id": TEAM}}, ()),
        ({"team": "T0NORTH001"}, ()),
        ({}, ()),
    ],
    ids=["both", "org", "each other's", "no object", "none"],
)
def test_a_refused_answer_says_whom_it_may_be_about(data: dict[str, Any], found: tuple[Tenant, ...]) -> None:
    assert claimed_tenants(data) == found
