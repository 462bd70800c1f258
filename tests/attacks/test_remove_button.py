"""The one button that erases: who may press it is asked when it is pressed, and a press does it once and whole."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slackapp.example import ONLY_ADMINS
from slackapp.localslack.model import Fault
from slackapp.store import queue
from tests.flows.kill_process import Killed, kill_in_call
from tests.support.interactions import ADMIN, GUEST, MEMBER, button_payload, click_button, interact
from tests.support.prepared_world import Left, going_on, left_by, memory_folder
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH, World, make_world

ASK, TELL, UNINSTALL = "users.info", "chat.postMessage", "apps.uninstall"
SCOPES = "app_mentions:read,chat:write,commands,users:read"
WITH_BUTTON = {"SLACKAPP_BOT_SCOPES": SCOPES, "SLACKAPP_HOME_ADMIN": "yes"}
ORG_ADMIN, ADMIN_OF_ONE = "W0EVERADM1", "W0EVERAAD1"
"""An owner of the enterprise; an admin of ORG_TEAM who is nobody special in the enterprise."""
MODAL = {"type": "home", "team_id": ORG_TEAM, "app_installed_team_id": ORG}


@pytest.fixture(scope="module")
def installed() -> Left:
    with memory_folder() as folder, make_world(folder, **WITH_BUTTON) as world:
        for target in (NORTH, SOUTH):
            world.browser().install(target)
        world.work()
        return left_by(world)


@pytest.fixture
def home(tmp_path: Path, installed: Left) -> Iterator[World]:
    """Installed in two workspaces, with the button on."""
    with going_on(installed, tmp_path, **WITH_BUTTON) as world:
        yield world


def states(world: World) -> list[str]:
    """How the presses ended."""
    rows = world.rows("SELECT state FROM inbox WHERE type LIKE 'block_actions:%' ORDER BY rowid")
    return [row["state"] for row in rows]


def refusals(world: World) -> list[str]:
    """Who was refused, as the audit has it."""
    rows = world.rows("SELECT * FROM audit WHERE event = 'action.refused' ORDER BY id")
    assert {(row["tenant_id"], row["actor"], row["result"], row["purpose"]) for row in rows} <= {
        (NORTH, "worker", "refused", "block_actions:remove_app")
    }
    return [row["holder_id"] for row in rows]


def told(world: World) -> list[tuple[str, str]]:
    """Who was told so, and by which way: the app's own conversation with them, or the response_url."""
    said = [message for message in world.slack.messages(NORTH) if message["text"] == ONLY_ADMINS]
    return [(message.get("ephemeral_to", message["channel"]), message.get("via", "")) for message in said]


def assert_gone(world: World, tenant: str = NORTH) -> None:
    """Nothing of the tenant is left, in any table or byte but the audit's."""
    for table in ("installations", "tokens", "data_keys"):
        assert world.rows(f"SELECT 1 FROM {table} WHERE tenant_id = ?", tenant) == [], table
    assert world.rows("SELECT 1 FROM inbox WHERE tenant_id = ? AND body IS NOT NULL", tenant) == []
    assert world.rows("SELECT 1 FROM inbox WHERE tenant_id = ? AND state <> 'done'", tenant) == []
    assert tenant not in world.slack.installed
    issued = [token.value for token in world.slack.tokens_of[tenant]]
    assert not [value for value in issued if value.encode() in world.bytes_on_disk()]


def assert_still_there(world: World, tenant: str = NORTH) -> None:
    """Nothing was removed, and Slack was not asked to."""
    assert (world.status(tenant), tenant in world.slack.installed) == ("active", True)
    assert world.calls(UNINSTALL) == world.calls("auth.revoke") == []


def buttons(world: World) -> dict[str, int]:
    """How many buttons each user's Home tab has."""
    shown = world.slack.views(NORTH).items()
    return {user: sum(len(block.get("elements", ())) for block in view["blocks"]) for user, view in shown}


def test_an_admin_s_press_erases_everything_and_tells_slack_and_nobody_else_is_touched(home: World) -> None:
    assert click_button(home).status == 200
    assert home.calls() == [], "nothing is done before it is acknowledged"
    home.work()
    assert (home.calls(), states(home)) == ([ASK, UNINSTALL], ["done"])
    assert_gone(home)
    assert_still_there_beside(home)
    (noted,) = home.facts("uninstalled")
    assert noted == {"tenant_id": NORTH, "actor": "slack", "actor_id": "admin", "result": "ok", "detail": "accepted"}
    home.clock.advance(3600)
    home.slack.deliver_due()
    home.work()
    assert (states(home), home.calls(UNINSTALL)) == (["done"], [UNINSTALL])


def assert_still_there_beside(world: World) -> None:
    """The other customer is served."""
    assert world.status(SOUTH) == "active"
    world.mention("EvBeside", team_id=SOUTH)
    assert world.rows("SELECT state FROM inbox WHERE event_id = 'EvBeside'")[0][0] == "ready"


@pytest.mark.parametrize("who", [MEMBER, GUEST, "U0SOUTH001ADM", "U0NORTH001BOT", "U0NOBODY", ORG_ADMIN])
@pytest.mark.claim("C-76")
def test_the_button_of_anyone_but_an_admin_of_that_workspace_removes_nothing(home: World, who: str) -> None:
    """I send the press without having the button: as a member, a guest, another workspace's admin, the bot itself."""
    click_button(home, who)
    home.work()
    assert home.calls() == [ASK, TELL]
    assert_still_there(home)
    assert refusals(home) == [who]


@pytest.mark.claim("C-91")
def test_who_is_refused_is_told_and_the_audit_has_it(home: World) -> None:
    """A Home tab has no response_url: there the app writes to the user; elsewhere it answers in the place."""
    click_button(home, MEMBER)
    home.work()
    assert (told(home), refusals(home), states(home)) == ([("D" + MEMBER[1:], "")], [MEMBER], ["done"])
    url = home.slack.response_url(NORTH)
    click_button(home, MEMBER, view=..., response_url=url, container={"type": "message"})
    home.work()
    assert (told(home)[1:], refusals(home)) == ([(MEMBER, "response_url")], [MEMBER] * 2)
    assert_still_there(home)


@pytest.mark.parametrize("error", ["channel_not_found", "messages_tab_disabled", "missing_scope"])
def test_a_refusal_that_cannot_be_sent_is_audited_and_leaves_no_work(home: World, error: str) -> None:
    home.slack.fault(Fault(TELL, "error", error=error))
    click_button(home, MEMBER)
    home.work()
    assert (told(home), refusals(home), states(home)) == ([], [MEMBER], ["done"])
    assert home.rows("SELECT 1 FROM inbox WHERE body IS NOT NULL") == []


@pytest.mark.parametrize("user", [{"id": None}, {"id": 7}, {"id": [ADMIN]}, {"id": ""}, {"id": {"id": ADMIN}}, {}])
def test_a_press_with_a_malformed_user_removes_nothing(home: World, user: dict[str, Any]) -> None:
    interact(home, button_payload() | {"user": user})
    home.work()
    assert (home.calls(), states(home), refusals(home)) == ([], ["done"], [""])
    assert_still_there(home)


def test_who_was_an_admin_when_the_button_was_shown_and_is_none_when_it_is_pressed_removes_nothing(home: World) -> None:
    """I open the tab on my last day as an admin, and press the button the day after."""
    home.slack.open_home(NORTH, ADMIN)
    home.event({"type": "app_home_opened", "tab": "home", "user": ADMIN})
    home.work()
    assert buttons(home) == {ADMIN: 1}
    person = home.slack.accounts.users[ADMIN]
    home.slack.accounts.users[ADMIN] = replace(person, admin_of=(), owner=False)
    click_button(home)
    home.work()
    assert_still_there(home)


def test_who_became_an_admin_after_an_earlier_press_is_asked_about_anew(home: World) -> None:
    """Slack's word at the moment of the press counts, and no memory of ours."""
    click_button(home, MEMBER)
    home.work()
    assert_still_there(home)
    home.slack.accounts.users[MEMBER] = replace(home.slack.accounts.users[MEMBER], admin_of=(NORTH,))
    home.clock.advance(1)
    click_button(home, MEMBER)
    home.work()
    assert_gone(home)


@pytest.mark.parametrize(
    "patch",
    [
        {"team_id": SOUTH}, {"team_id": None}, {"team_id": SOUTH, "enterprise_user": {"enterprise_id": "E0FOREIGN1"}},
        {"team_id": SOUTH, "enterprise_user": {"enterprise_id": ""}}, {"team_id": SOUTH, "enterprise_user": 7},
        {"is_stranger": True}, {"deleted": True}, {"is_admin": "true", "is_owner": 1, "is_primary_owner": None},
        {"id": MEMBER},
    ],
    ids=str,
)  # fmt: skip
def test_an_admin_of_another_company_in_a_shared_channel_is_none_here(home: World, patch: dict[str, Any]) -> None:
    """I am an admin at home, see your customer's channel, and press it."""
    user = {"id": ADMIN, "team_id": NORTH, "is_admin": True, "is_owner": False, **patch}
    home.slack.fault(Fault(ASK, "patch", patch={"user": user}))
    click_button(home)
    home.work()
    assert home.calls() == [ASK, TELL]
    assert_still_there(home)


def test_an_admin_of_a_workspace_in_an_enterprise_is_known_by_the_enterprise_too(home: World) -> None:
    home.slack.join_enterprise(NORTH, ORG)
    home.browser().install(NORTH)
    home.work()
    user = {"id": ADMIN, "team_id": "T0EVERBB01", "is_admin": True, "enterprise_user": {"enterprise_id": ORG}}
    home.slack.fault(Fault(ASK, "patch", patch={"user": user}))
    click_button(home)
    home.work()
    assert_gone(home)


@pytest.mark.parametrize(("who", "gone"), [(ORG_ADMIN, True), (ADMIN_OF_ONE, False), ("U0EVERMEM1", False)])
def test_an_enterprise_is_removed_by_the_enterprise_s_admins_alone(home: World, who: str, gone: bool) -> None:
    """I am an admin of one workspace, and remove the app from the whole company."""
    home.browser().install(ORG)
    home.work()
    enterprise = {"team": {"id": ORG_TEAM}, "enterprise": {"id": ORG}, "is_enterprise_install": True, "view": MODAL}
    assert click_button(home, who, **enterprise).status == 200
    home.work()
    assert home.status(ORG) == ("" if gone else "active")
    if gone:
        assert_gone(home, ORG)


def test_a_press_in_one_workspace_never_removes_another(home: World) -> None:
    """I am an admin of North, and let my press name South wherever it can be named."""
    south = {"team": {"id": SOUTH}, "view": {"app_installed_team_id": SOUTH, "team_id": NORTH}}
    click_button(home, ADMIN, **south)
    home.work()
    assert (home.status(NORTH), home.status(SOUTH)) == ("active", "active")


@pytest.mark.claim("C-88")
def test_a_press_on_the_home_tab_removes_the_app_from_the_workspace_that_the_tab_is_of(home: World) -> None:
    """Slack's own field names the workspace where the app was installed first; I am an admin of both."""
    both = Fault(ASK, "patch", patch={"user": {"id": ADMIN, "team_id": SOUTH, "is_admin": True, "is_owner": False}})
    home.slack.accounts.users[ADMIN] = replace(
        home.slack.accounts.users[ADMIN], teams=(NORTH, SOUTH), admin_of=(NORTH, SOUTH)
    )
    home.slack.fault(both)
    view = {"type": "home", "team_id": SOUTH, "app_installed_team_id": NORTH}
    click_button(home, ADMIN, team={"id": SOUTH}, user={"id": ADMIN, "team_id": SOUTH}, view=view)
    home.work()
    assert (home.status(NORTH), home.status(SOUTH)) == ("active", "")


def test_where_the_button_is_off_it_is_not_shown_and_a_forged_press_does_nothing(world: World) -> None:
    world.browser().install()
    world.work()
    world.slack.called.clear()
    world.event({"type": "app_home_opened", "tab": "home", "user": ADMIN})
    click_button(world)
    assert world.work() == 2
    assert (buttons(world), world.calls()) == ({ADMIN: 0}, ["views.publish", TELL])
    assert_still_there(world)


def test_a_member_s_home_tab_has_no_button_and_an_admin_s_has_one(home: World) -> None:
    for number, user in enumerate((ADMIN, MEMBER, GUEST)):
        home.event({"type": "app_home_opened", "tab": "home", "user": user}, f"EvHome{number}")
    home.event({"type": "app_home_opened", "tab": "messages", "user": ADMIN}, "EvMessages")
    home.work()
    assert (buttons(home), len(home.calls("views.publish"))) == ({ADMIN: 1, MEMBER: 0, GUEST: 0}, 3)


def test_while_slack_does_not_say_who_is_an_admin_nothing_is_removed_and_it_is_asked_again(home: World) -> None:
    home.slack.fault(Fault(ASK, "html500"))
    click_button(home)
    home.work()
    assert states(home) == ["ready"]
    assert_still_there(home)
    home.clock.advance(60)
    home.work()
    assert_gone(home)


@pytest.mark.parametrize("told", [False, True])
def test_a_process_that_dies_while_it_removes_leaves_it_to_the_next_one(
    home: World, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    real = home.service.app.slack.uninstall

    def die(*arguments: Any) -> Any:
        if told:
            real(*arguments)
        raise Killed

    click_button(home)
    monkeypatch.setattr(home.service.app.slack, "uninstall", die)
    kill_in_call(monkeypatch)
    with pytest.raises(Killed):
        home.work()
    home.restart()
    assert home.status() == "purging"
    home.clock.advance(queue.LEASE + 1)
    home.work()
    home.clock.advance(3600)
    home.work()
    for table in ("installations", "tokens", "data_keys"):
        assert home.rows(f"SELECT 1 FROM {table} WHERE tenant_id = ?", NORTH) == [], table
    assert home.rows("SELECT 1 FROM inbox WHERE tenant_id = ? AND body IS NOT NULL", NORTH) == []
    assert (NORTH in home.slack.installed, home.status(SOUTH)) == (False, "active")


def run_one(world: World) -> None:
    """What is due first, and nothing else."""
    worker, app = world.service.worker, world.service.app
    found = worker._next(app)
    assert found is not None
    assert worker._run(app, found)


def test_a_press_from_before_a_new_install_is_gone_with_the_old_one(home: World) -> None:
    """I press twice; between the two, somebody installs again."""
    click_button(home)
    click_button(home, actions=[{"action_id": "remove_app", "action_ts": "2.2"}])
    run_one(home)  # and not all: the purge is completed by another
    assert (home.status(), home.rows("SELECT 1 FROM data_keys WHERE tenant_id = ?", NORTH)) == ("", [])
    home.browser().install()
    home.work()
    assert home.status() == "active"
