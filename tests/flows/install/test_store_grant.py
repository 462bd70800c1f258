"""What an install leaves behind: every shape of Slack's answer, and every way of installing again."""

import json
from pathlib import Path
from typing import Any

import pytest

from slackapp.crypto import records
from slackapp.errors import DecryptError
from slackapp.localslack.model import Fault
from slackapp.model import BOT, Holder, Sealed, Tenant
from tests.support.callback_world import approved, installation, only, opened, token
from tests.support.world import APP_ID, NORTH, ORG, ORG_TEAM, SOUTH, START, World, make_world, north_tenant

BOT_SCOPES = "app_mentions:read,chat:write,commands"
NORTH_ROW = {
    "tenant_kind": "T",
    "tenant_id": NORTH,
    "app_id": APP_ID,
    "enterprise_id": "",
    "enterprise_name": "",
    "team_id": NORTH,
    "team_name": "Northwind",
    "bot_user_id": "U0NORTH001BOT",
    "bot_id": "",
    "installer_id": "U0NORTH001ADM",
    "scopes_asked": BOT_SCOPES,
    "scopes_granted": BOT_SCOPES,
    "status": "active",
    "status_reason": "",
    "generation": 1,
    "installed_at": START,
    "last_used_at": 0,
    "webhook_generation": 0,
    "check_begun_at": START,
    "last_validated_at": 0,
}
LIVE = {"status": "live", "lease_owner": "", "lease_until": 0, "granted_at": START, "issued_at": START}


def patched(world: World, patch: dict[str, Any], target: str = NORTH) -> None:
    """One whole install with a changed answer of Slack."""
    world.slack.fault(Fault("oauth.v2.access", "patch", patch=patch))
    assert world.browser().install(target).status == 303


def page(world: World, target: str = NORTH) -> str:
    """The page at which a new browser comes out."""
    browser = world.browser()
    browser.install(target)
    shown = browser.get("/slack/installed")
    assert shown.status == 200
    return shown.text


def test_a_rotating_bot_token_is_stored_with_its_refresh_token(world: World) -> None:
    assert "<strong>Northwind</strong>" in page(world)
    assert installation(world) == NORTH_ROW
    row = token(world, north_tenant())
    expected = {**LIVE, "generation": 1, "scopes": BOT_SCOPES, "expires_at": START + 43_200}
    assert {name: row[name] for name in expected} == expected
    access, refresh = opened(world, north_tenant())
    assert (access[:12], refresh[:8]) == ("xoxe.xoxb-1-", "xoxe-1-l")
    assert {access, refresh} <= set(world.slack.issued_tokens)
    assert world.count("tokens") == 1


def test_a_long_lived_bot_token_is_stored_without_expiry(tmp_path: Path) -> None:
    with make_world(tmp_path, rotation=False) as world:
        world.browser().install()
        row = token(world, north_tenant())
        assert (row["refresh"], row["expires_at"]) == (None, None)
        assert opened(world, north_tenant())[0].startswith("xoxb-")


def test_a_bot_and_a_user_token_are_stored_apart(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="emoji:read") as world:
        world.browser().install()
        assert installation(world) == NORTH_ROW
        assert (token(world, north_tenant())["scopes"], token(world, north_tenant(), "U0NORTH001ADM")["scopes"]) == (
            BOT_SCOPES,
            "emoji:read",
        )
        assert opened(world, north_tenant())[0].startswith("xoxe.xoxb-1-")
        assert opened(world, north_tenant(), "U0NORTH001ADM")[0].startswith("xoxe.xoxp-1-")


def test_a_user_token_is_stored_without_a_bot(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_BOT_SCOPES="", SLACKAPP_USER_SCOPES="emoji:read") as world:
        assert "<strong>Northwind</strong>" in page(world)
        assert installation(world) == {**NORTH_ROW, "bot_user_id": "", "scopes_asked": "", "scopes_granted": ""}
        assert [row["holder_id"] for row in world.rows("SELECT holder_id FROM tokens")] == ["U0NORTH001ADM"]


def test_an_install_without_a_bot_leaves_no_work_that_cannot_be_done(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_BOT_SCOPES="", SLACKAPP_USER_SCOPES="emoji:read") as world:
        world.browser().install()
        world.work()
        assert [row["state"] for row in world.rows("SELECT state FROM inbox WHERE state <> 'done'")] == []


def test_an_incoming_webhook_is_sealed_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_BOT_SCOPES=f"{BOT_SCOPES},incoming-webhook") as world:
        world.browser().install()
        assert installation(world)["webhook_generation"] == 1
        sealed = Sealed(only(world, "SELECT webhook FROM installations")["webhook"])
        hook = json.loads(world.service.app.keyring.open(records.webhook_context(north_tenant(), 1), sealed))
        assert hook.pop("url") in world.slack.issued_tokens
        assert hook == {
            "channel": "#general",
            "channel_id": "C0NORTH001GEN",
            "configuration_url": f"{world.slack_url}/services/B0NORTH001BOT",
        }


def test_a_workspace_in_an_enterprise_is_stored_as_a_workspace(world: World) -> None:
    text = page(world, ORG_TEAM)
    assert "<strong>Evergreen North</strong>" in text
    assert "/workspaces/add" not in text
    row = installation(world, ORG_TEAM)
    assert (row["tenant_kind"], row["team_id"], row["team_name"]) == ("T", ORG_TEAM, "Evergreen North")
    assert (row["enterprise_id"], row["enterprise_name"]) == (ORG, "Evergreen")


def test_an_enterprise_wide_install_is_the_enterprises_and_leads_on_to_adding_workspaces(world: World) -> None:
    text = page(world, ORG)
    assert "<strong>Evergreen</strong>" in text
    assert f'href="{world.slack_url}/manage/{ORG}/integrations/profile/{APP_ID}/workspaces/add"' in text
    row = installation(world, ORG)
    assert (row["tenant_kind"], row["team_id"], row["team_name"]) == ("E", "", "")
    assert (row["enterprise_id"], row["enterprise_name"], row["bot_user_id"]) == (ORG, "Evergreen", "W0EVERGRN1BOT")
    assert opened(world, Tenant("E", ORG))[0].startswith("xoxe.xoxb-1-")


def test_an_enterprise_wide_answer_that_names_a_team_is_still_the_enterprises(world: World) -> None:
    patched(world, {"team": {"id": ORG_TEAM, "name": "Evergreen North"}}, ORG)
    row = only(world, "SELECT * FROM installations")
    assert (row["tenant_kind"], row["tenant_id"], row["team_id"], row["team_name"]) == ("E", ORG, "", "")


@pytest.mark.parametrize("target", [NORTH, ORG_TEAM])
def test_an_answer_without_the_flag_is_about_a_workspace(world: World, target: str) -> None:
    patched(world, {"is_enterprise_install": None}, target)
    assert installation(world, target)["tenant_kind"] == "T"


def test_the_life_of_a_token_is_what_slack_says(world: World) -> None:
    patched(world, {"expires_in": 43_201})
    assert token(world, north_tenant())["expires_at"] == START + 43_201


def test_a_team_without_a_name_is_known_by_its_id(world: World) -> None:
    world.slack.fault(Fault("oauth.v2.access", "patch", patch={"team": {"id": NORTH}}))
    assert f"<strong>{NORTH}</strong>" in page(world)
    assert installation(world)["team_name"] == ""


def test_a_name_for_people_is_cut_and_shown_as_text(world: World) -> None:
    name = "<script>alert(1)</script>\u0430\ud800" + "x" * 300
    world.slack.fault(Fault("oauth.v2.access", "patch", patch={"team": {"id": NORTH, "name": name}}))
    text = page(world)
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\u0430?xxx" in text
    assert len(installation(world)["team_name"]) == 255


def test_scopes_that_were_not_granted_are_recorded_and_noted(world: World) -> None:
    patched(world, {"scope": "chat:write, commands"})
    row = installation(world)
    assert (row["scopes_asked"], row["scopes_granted"]) == (BOT_SCOPES, "chat:write,commands")
    same = {"actor": "anyone", "tenant_id": NORTH, "generation": 1, "result": "ok"}
    assert world.facts("installed") == [{**same, "holder_kind": "user", "holder_id": "U0NORTH001ADM"}]
    assert world.facts("scope.missing") == [
        {**same, "holder_kind": "bot", "record_kind": "scope", "record_id": "app_mentions:read"}
    ]


def test_tokens_open_only_in_their_place(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="emoji:read") as world:
        for target in (NORTH, SOUTH):
            world.browser().install(target)
        keyring, south = world.service.app.keyring, Tenant("T", SOUTH)
        sealed = Sealed(token(world, north_tenant())["access"])
        assert keyring.open(records.access_token_context(north_tenant(), BOT, 1), sealed)
        for place in (
            records.access_token_context(south, BOT, 1),
            records.access_token_context(north_tenant(), Holder.user("U0NORTH001ADM"), 1),
            records.access_token_context(north_tenant(), BOT, 2),
            records.refresh_token_context(north_tenant(), BOT, 1),
        ):
            with pytest.raises(DecryptError):
                keyring.open(place, sealed)


def test_no_token_and_no_webhook_lies_on_the_disk_in_clear(tmp_path: Path) -> None:
    hook = f"{BOT_SCOPES},incoming-webhook"
    with make_world(tmp_path, SLACKAPP_BOT_SCOPES=hook, SLACKAPP_USER_SCOPES="emoji:read") as world:
        world.browser().install()
        world.browser().install()
        stored = world.bytes_on_disk()
        assert [secret for secret in world.slack.issued_tokens if secret.encode() in stored] == []
        assert len(world.slack.issued_tokens) > 10
        assert b"Northwind" in stored  # the control: names are found


def test_installing_again_replaces_the_token_and_counts_on(world: World) -> None:
    world.browser().install()
    first = opened(world, north_tenant())
    world.clock.advance(100)
    world.browser().install(user="member")
    row = installation(world)
    assert (row["generation"], row["installed_at"], row["installer_id"]) == (2, START + 100, "U0NORTH001MEM")
    assert token(world, north_tenant())["generation"] == 2
    assert not set(opened(world, north_tenant())) & set(first)
    assert (world.count("installations"), world.count("tokens")) == (1, 1)
    assert [event for event in world.audit() if "installed" in event] == ["installed", "reinstalled"]


def installed_by(world: World) -> list[tuple[Any, ...]]:
    """Who installed, the latest last: tenant, user, generation of the installation, time."""
    columns = "tenant_id, holder_id, generation, installed_at, details"
    sql = f"SELECT {columns} FROM installers ORDER BY tenant_id, generation"
    return [tuple(row) for row in world.rows(sql)]


def test_everybody_who_installed_is_known_with_the_order_in_which_they_came(world: World) -> None:
    for target in (NORTH, ORG):
        world.browser().install(target)
    enterprise = (ORG, "W0EVERADM1", 1, START, None)
    assert installed_by(world) == [enterprise, (NORTH, "U0NORTH001ADM", 1, START, None)]
    world.browser().install(user="member")
    both = [(NORTH, "U0NORTH001ADM", 1, START, None), (NORTH, "U0NORTH001MEM", 2, START, None)]
    assert installed_by(world) == [enterprise, *both], "in one second, and yet one after the other"
    world.clock.advance(100)
    world.browser().install()
    assert installed_by(world) == [enterprise, both[1], (NORTH, "U0NORTH001ADM", 3, START + 100, None)]


def test_installing_again_uses_the_same_keys_and_greets_nobody_twice(world: World) -> None:
    world.browser().install()
    keys = world.count("data_keys")
    greetings = "SELECT state FROM inbox WHERE type = 'slackapp.installed'"
    assert [row["state"] for row in world.rows(greetings)] == ["ready"]
    world.work()
    world.browser().install()
    world.work()
    assert [row["state"] for row in world.rows(greetings)] == ["done"]
    assert world.count("data_keys") == keys
    assert len(world.slack.messages(NORTH)) == 1


def test_installing_again_brings_a_dead_installation_back(tmp_path: Path) -> None:
    with make_world(tmp_path, rotation=False) as world:
        world.browser().install()
        first = opened(world, north_tenant())
        world.slack.revoke_bot(NORTH)
        world.mention()
        world.work()
        assert world.status() == "needs_reinstall"
        world.browser().install()
        assert (world.status(), token(world, north_tenant())["status"]) == ("active", "live")
        assert opened(world, north_tenant()) != first


def test_the_bots_and_two_peoples_rows_never_overwrite_each_other(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="emoji:read") as world:
        world.browser().install()
        bot, admin = opened(world, north_tenant()), opened(world, north_tenant(), "U0NORTH001ADM")
        world.browser().install(user="member")
        rows = world.rows("SELECT holder_id, generation FROM tokens ORDER BY holder_id")
        assert [tuple(row) for row in rows] == [("", 2), ("U0NORTH001ADM", 1), ("U0NORTH001MEM", 1)]
        assert opened(world, north_tenant(), "U0NORTH001ADM") == admin
        assert opened(world, north_tenant()) != bot


def test_a_user_alone_leaves_the_bot_and_its_webhook_as_they_are(tmp_path: Path) -> None:
    with make_world(tmp_path, SLACKAPP_BOT_SCOPES=f"{BOT_SCOPES},incoming-webhook") as world:
        world.browser().install()
        bot = opened(world, north_tenant())
        keyring, query = world.service.app.keyring, "SELECT webhook FROM installations"
        hook = keyring.open(records.webhook_context(north_tenant(), 1), Sealed(only(world, query)["webhook"]))
        world.restart(bot_scopes=(), user_scopes=("emoji:read",))
        world.browser().install(user="member")
        row = installation(world)
        assert (row["generation"], row["bot_user_id"]) == (2, "U0NORTH001BOT")
        assert row["scopes_granted"] == "app_mentions:read,chat:write,commands,incoming-webhook"
        assert opened(world, north_tenant()) == bot
        keyring = world.service.app.keyring
        assert row["webhook_generation"] == 1
        assert keyring.open(records.webhook_context(north_tenant(), 1), Sealed(only(world, query)["webhook"])) == hook


def test_an_enterprise_and_a_workspace_of_that_enterprise_are_two_tenants(world: World) -> None:
    world.browser().install(ORG)
    world.browser().install(ORG_TEAM)
    tenants = [tuple(row) for row in world.rows("SELECT tenant_kind, tenant_id FROM installations ORDER BY 1")]
    assert tenants == [("E", ORG), ("T", ORG_TEAM)]
    assert opened(world, Tenant("E", ORG)) != opened(world, Tenant("T", ORG_TEAM))
    sealed = Sealed(token(world, Tenant("E", ORG))["access"])
    with pytest.raises(DecryptError):
        world.service.app.keyring.open(records.access_token_context(Tenant("T", ORG_TEAM), BOT, 1), sealed)


def test_a_workspace_that_joined_an_enterprise_is_the_same_tenant(world: World) -> None:
    world.browser().install()
    world.slack.join_enterprise(NORTH, ORG)
    world.browser().install()
    row = installation(world)
    assert (row["tenant_kind"], row["generation"], row["enterprise_id"]) == ("T", 2, ORG)
    assert world.count("installations") == 1


@pytest.mark.claim("C-09")
def test_the_target_of_the_consent_counts_and_not_the_hint(world: World) -> None:
    browser = world.browser()
    begun = browser.begin(f"?team={NORTH}")
    browser.follow_callback(browser.consent(begun, SOUTH))
    assert [row["tenant_id"] for row in world.rows("SELECT tenant_id FROM installations")] == [SOUTH]


def test_two_browsers_that_install_one_workspace_leave_one_installation(world: World) -> None:
    first, second = approved(world), approved(world, user="member")
    assert (second.finish().status, first.finish().status) == (303, 303)
    assert installation(world)["generation"] == 2
    assert installation(world)["installer_id"] == "U0NORTH001ADM"
    assert len(world.rows("SELECT 1 FROM inbox WHERE type = 'slackapp.installed'")) == 1
