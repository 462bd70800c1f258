"""Whom the service installs for: allowed workspaces, and admins where it matters; of all others nothing is kept."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slackapp.localslack.model import Fault
from tests.support.callback_world import approved, live_tokens, log_lines, opened, outcome, state_outcomes
from tests.support.client import Reply
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World, make_world, north_tenant

EXCHANGE, ASK, REVOKE = "oauth.v2.access", "users.info", "auth.revoke"
HARMLESS = "app_mentions:read,chat:write"
SIGHTED = f"{HARMLESS},users:read"
SENSITIVE = f"{SIGHTED},files:read"
ADMIN, MEMBER = "U0NORTH001ADM", "U0NORTH001MEM"
OTHER_ORG_TEAM = "T0EVERBB01"
ADMIN_OF_ONE = "W0EVERAAD1"
"""An admin of ORG_TEAM who is nobody special in the enterprise."""
NOT_ADMIN, UNKNOWN = "installer_not_admin", "installer_unknown"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[World]:
    """An app that asks for a sensitive scope."""
    with make_world(tmp_path, SLACKAPP_BOT_SCOPES=SENSITIVE) as made:
        yield made


@pytest.fixture(scope="module")
def strict_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with make_world(tmp_path_factory.mktemp("strict"), SLACKAPP_BOT_SCOPES=SENSITIVE) as made:
        yield made


@pytest.fixture
def strict(strict_world: World) -> World:
    """The same, one for all tests in which every install is refused: a minute apart, for only so many may be."""
    strict_world.slack.called.clear()
    strict_world.clock.advance(60)
    return strict_world


def stored(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Every row but the audit's and those of states."""
    rows = world.snapshot()
    del rows["oauth_states"]
    return rows


def refused(world: World, refusal: str, user: str = "member", target: str = NORTH, status: int = 403) -> Reply:
    """An install that is refused: no row has changed, Slack takes no token that it did not take before."""
    way, before, live = approved(world, target, user), stored(world), live_tokens(world, target)
    failed = state_outcomes(world).count("failed")
    reply = way.finish()
    assert (reply.status, outcome(world)) == (status, refusal)
    assert state_outcomes(world).count("failed") == failed + 1
    assert stored(world) == before
    assert live_tokens(world, target) == live
    return reply


def works(world: World) -> bool:
    """Whether the bot answers a mention."""
    before = len(world.slack.messages(NORTH))
    world.mention(f"Ev{before:04d}")
    world.work()
    return len(world.slack.messages(NORTH)) == before + 1


# An admin where it matters


def test_an_admin_is_asked_about_and_installs(guarded: World) -> None:
    assert guarded.browser().install().status == 303
    assert guarded.calls() == [EXCHANGE, ASK]
    (call,) = [call for call in guarded.slack.calls if call.method == ASK]
    assert (call.params, call.credentials, call.team) == ({"user": ADMIN}, "header", NORTH)
    assert guarded.status() == "active"
    assert live_tokens(guarded) == [opened(guarded, north_tenant())[0]]


@pytest.mark.parametrize("user", ["member", "guest"])
@pytest.mark.claim("C-12")
def test_a_member_or_a_guest_is_refused_and_the_token_is_given_back(strict: World, user: str) -> None:
    """I have every message read by an app of my choice, although I am nobody here."""
    reply = refused(strict, NOT_ADMIN, user)
    assert strict.calls() == [EXCHANGE, ASK, REVOKE]
    assert "Only an admin of the workspace may install this app." in reply.text
    assert "Please ask an admin to install the app." in reply.text


def test_a_refused_install_is_counted_and_noted_and_an_admin_can_install_after_it(guarded: World) -> None:
    refused(guarded, NOT_ADMIN)
    noted = guarded.rows("SELECT detail FROM audit WHERE event = 'install.failed'")
    assert [row["detail"] for row in noted] == ["refused.installer.not_admin"]
    assert 'slackapp_installs_total{result="failed"} 1\n' in guarded.service.app.metrics.text()
    assert guarded.browser().install().status == 303


def test_the_installer_is_checked_before_anything_is_stored(guarded: World) -> None:
    way, probed, seen = approved(guarded), guarded.slack.probe, []

    def look(method: str) -> None:
        assert probed is not None
        probed(method)  # finds an open transaction
        seen.append((method, guarded.count("installations"), guarded.count("data_keys")))

    guarded.slack.probe = look
    keys = guarded.count("data_keys")
    way.finish()
    assert seen == [(EXCHANGE, 0, keys), (ASK, 0, keys)]


def test_without_a_sensitive_scope_nobody_is_asked_about(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_BOT_SCOPES=SIGHTED) as world:
        assert world.browser().install(user="member").status == 303
        assert world.calls() == [EXCHANGE]


def test_the_setting_requires_an_admin_for_every_install(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_BOT_SCOPES=SIGHTED, SLACKAPP_REQUIRE_ADMIN_INSTALLER="yes") as world:
        refused(world, NOT_ADMIN)
        assert world.browser().install().status == 303


def test_an_app_without_a_bot_asks_with_the_users_token(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_BOT_SCOPES="", SLACKAPP_USER_SCOPES="users:read,search:read") as world:
        refused(world, NOT_ADMIN)
        assert world.calls() == [EXCHANGE, ASK, REVOKE]
        assert world.browser().install().status == 303


def test_a_bot_that_may_not_ask_leaves_it_to_the_users_token_and_both_are_given_back(tmp_path: Path) -> None:
    scopes = {"SLACKAPP_BOT_SCOPES": f"{HARMLESS},files:read", "SLACKAPP_USER_SCOPES": "users:read"}
    with make_world(tmp_path, **scopes) as world:
        refused(world, NOT_ADMIN)
        assert world.calls() == [EXCHANGE, ASK, REVOKE, REVOKE]
        assert world.browser().install().status == 303


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"SLACKAPP_BOT_SCOPES": SENSITIVE}, {"bot_scopes": tuple(SIGHTED.split(","))}),
        (
            {"SLACKAPP_BOT_SCOPES": "", "SLACKAPP_USER_SCOPES": "users:read,search:read"},
            {"user_scopes": ("users:read",)},
        ),
    ],
    ids=["bot", "person"],
)
def test_what_was_granted_without_being_asked_for_counts(
    tmp_path: Path, before: dict[str, str], after: dict[str, tuple[str, ...]]
) -> None:
    """I wait for a release that asks for less: at Slack, what was granted once stays."""
    with make_world(tmp_path, **before) as world:
        refused(world, NOT_ADMIN)
        world.restart(**after)
        refused(world, NOT_ADMIN)


@pytest.mark.parametrize(
    ("scopes", "declined"),
    [
        ({"SLACKAPP_BOT_SCOPES": SENSITIVE}, "files:read"),
        ({"SLACKAPP_BOT_SCOPES": "", "SLACKAPP_USER_SCOPES": "users:read,search:read"}, "search:read"),
    ],
    ids=["bot", "person"],
)
def test_what_was_asked_for_counts_where_it_was_declined(tmp_path: Path, scopes: dict[str, str], declined: str) -> None:
    """I untick what gives me away."""
    with make_world(tmp_path, **scopes) as world:
        world.slack.app = replace(world.slack.app, optional_scopes=(declined,))
        refused(world, NOT_ADMIN)


# It cannot be established


def test_without_the_scope_to_ask_even_an_admin_is_refused(guarded: World) -> None:
    guarded.slack.app = replace(guarded.slack.app, optional_scopes=("users:read",))
    reply = refused(guarded, UNKNOWN, "admin")
    assert guarded.calls() == [EXCHANGE, REVOKE]
    assert "it could not be established that you are one" in reply.text


@pytest.mark.parametrize("error", ["user_not_found", "missing_scope", "no_such_error"])
def test_an_error_of_slack_establishes_nothing(strict: World, error: str) -> None:
    strict.slack.fault(Fault(ASK, "error", error=error))
    assert error not in refused(strict, UNKNOWN, "admin").text
    assert strict.calls() == [EXCHANGE, ASK, REVOKE]
    (noted,) = [line for line in log_lines(strict) if line["event"] == "installer_check_failed"][-1:]
    assert (noted["method"], noted["code"]) == (ASK, error)


@pytest.mark.parametrize(
    "user",
    [None, "U0NORTH001ADM", {"id": MEMBER, "is_admin": True}, {"id": ADMIN}, {"id": ADMIN, "is_admin": "true"}],
    ids=["nobody", "text", "somebody else", "no flags", "a flag in text"],
)
def test_an_answer_that_does_not_show_an_admin_establishes_nothing(strict: World, user: Any) -> None:
    strict.slack.fault(Fault(ASK, "patch", patch={"user": user}))
    refused(strict, UNKNOWN, "admin")


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (Fault(ASK, "html500"), "5"),
        (Fault(ASK, "cut"), "5"),
        (Fault(ASK, "garbage"), "5"),
        (Fault(ASK, "error", error="internal_error"), "5"),
        (Fault(ASK, "ratelimited", retry_after=17), "17"),
        (Fault(ASK, "ratelimited", retry_after=1), "5"),
    ],
    ids=["html500", "cut", "garbage", "internal_error", "ratelimited", "ratelimited briefly"],
)
def test_a_slack_that_fails_is_asked_once_and_the_token_is_given_back(strict: World, fault: Fault, wait: str) -> None:
    strict.slack.fault(fault)
    reply = refused(strict, "slack_unreachable", "admin", status=503)
    assert reply.headers["retry-after"] == wait
    assert strict.calls() == [EXCHANGE, ASK, REVOKE]


# Over what works


@pytest.mark.parametrize("rotation", [True, False], ids=["rotating", "long-lived"])
def test_a_reinstall_by_a_member_leaves_what_works(tmp_path: Path, rotation: bool) -> None:
    """I install again what an admin has installed, to break it."""
    with make_world(tmp_path, rotation, SLACKAPP_BOT_SCOPES=SENSITIVE) as world:
        world.browser().install()
        world.work()
        before = opened(world, north_tenant())
        refused(world, NOT_ADMIN)
        assert (REVOKE in world.calls()) is rotation  # without rotation the "new" token is the one in use
        assert opened(world, north_tenant()) == before
        assert works(world)


# A whole enterprise


def test_for_a_whole_enterprise_an_admin_of_the_enterprise_is_needed(guarded: World) -> None:
    """I am an admin of one of its workspaces."""
    refused(guarded, NOT_ADMIN, "member", ORG)
    refused(guarded, NOT_ADMIN, ADMIN_OF_ONE, ORG)
    assert guarded.browser().install(ORG_TEAM, ADMIN_OF_ONE).status == 303
    assert guarded.browser().install(ORG, "admin").status == 303
    assert (guarded.status(ORG_TEAM), guarded.status(ORG)) == ("active", "active")


# Allowed workspaces


@pytest.mark.claim("C-11")
def test_only_tenants_on_the_list_may_install(tmp_path: Path) -> None:
    """I was sent the link by somebody whose workspace is on the list."""
    with make_world(tmp_path, SLACKAPP_ALLOWED_TEAMS=f"{NORTH},{ORG_TEAM}") as world:
        reply = refused(world, "team_not_allowed", "admin", SOUTH)
        assert world.calls() == [EXCHANGE, REVOKE]
        assert "This app is not for that workspace." in reply.text
        noted = world.rows("SELECT detail FROM audit WHERE event = 'install.failed'")
        assert [row["detail"] for row in noted] == ["refused.team_not_allowed"]
        for target in (ORG, OTHER_ORG_TEAM):
            refused(world, "team_not_allowed", "admin", target)
        assert [world.browser().install(target).status for target in (NORTH, ORG_TEAM)] == [303, 303]


def test_an_enterprise_on_the_list_stands_for_its_workspaces_and_for_itself(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_ALLOWED_TEAMS=ORG) as world:
        refused(world, "team_not_allowed", "admin", NORTH)
        assert [world.browser().install(target).status for target in (ORG_TEAM, ORG)] == [303, 303]


def test_who_is_not_allowed_is_not_asked_about(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_ALLOWED_TEAMS=SOUTH, SLACKAPP_BOT_SCOPES=SENSITIVE) as world:
        refused(world, "team_not_allowed")
        assert world.calls() == [EXCHANGE, REVOKE]


@pytest.mark.parametrize("rotation", [True, False], ids=["rotating", "long-lived"])
def test_who_is_taken_off_the_list_cannot_install_again_and_works_on(tmp_path: Path, rotation: bool) -> None:
    with make_world(tmp_path, rotation) as world:
        world.browser().install()
        world.work()
        world.restart(allowed_teams=(SOUTH,))
        refused(world, "team_not_allowed", "admin")
        assert works(world)


def test_what_a_refused_user_granted_is_revoked_where_the_bots_token_is_in_use(tmp_path: Path) -> None:
    """Without rotation Slack answers with the bot's token that works; the user's own is new, and nobody keeps it."""
    asked = {"SLACKAPP_BOT_SCOPES": SENSITIVE, "SLACKAPP_USER_SCOPES": "emoji:read"}
    with make_world(tmp_path, rotation=False, **asked) as world:
        assert world.browser().install().status == 303
        world.work()
        before = live_tokens(world)
        world.slack.called.clear()
        refused(world, NOT_ADMIN)
        assert (world.calls(REVOKE), live_tokens(world)) == ([REVOKE], before)
        assert len(before) == 2
        refused(world, NOT_ADMIN, "guest")
        assert works(world)
