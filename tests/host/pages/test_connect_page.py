"""The page on which a connect is begun: for whoever may, and for whoever may not."""

from pathlib import Path

import pytest

from slackapp.host.flows.connect import approve_connect
from slackapp.host.model import HostRole
from slackapp.host.rows import ApprovalStatus
from slackapp.store import freezes
from tests.host.pages.test_settings import OPERATOR, act, of_role
from tests.support.connecting import HOST_URL, ann, make_host_world
from tests.support.world import NORTH

CONNECT, BUTTON = "/settings/connect", "Connect Slack</button>"
OWNER, ADMIN, MEMBER, AUDITOR = HostRole


@pytest.mark.parametrize("approval", ["yes", "no"])
def test_whoever_may_not_connect_is_told_so_before_a_button_is_pressed(tmp_path: Path, approval: str) -> None:
    with make_host_world(tmp_path, SLACKAPP_HOST_APPROVAL=approval) as world:
        pages = {role: of_role(world, role).browser.get(CONNECT) for role in HostRole}
    assert {role: BUTTON in page.text for role, page in pages.items()} == {
        OWNER: True, ADMIN: True, MEMBER: False, AUDITOR: False,
    }  # fmt: skip
    for role in (MEMBER, AUDITOR):
        assert pages[role].status == 200
        assert "An owner or admin of <strong>Acme</strong> connects" in pages[role].text
        assert ("/settings/approvals" in pages[role].text) == (role is MEMBER and approval == "yes")


def test_a_member_whose_wish_was_approved_has_the_button(tmp_path: Path) -> None:
    with make_host_world(tmp_path, SLACKAPP_HOST_APPROVAL="yes") as world:
        app, now, member = world.service.app, world.clock(), of_role(world, MEMBER)
        wish = approve_connect.ask(app, member.caller, "alerts", now)
        assert BUTTON not in member.browser.get(CONNECT).text
        approve_connect.decide(app, ann(world).caller, wish.id, ApprovalStatus.APPROVED, words="", now=now)
        assert BUTTON in member.browser.get(CONNECT).text


def test_each_page_with_a_menu_leads_back_to_the_product(tmp_path: Path) -> None:
    with make_host_world(tmp_path) as world:
        auditor = of_role(world, AUDITOR)
        for path in ("/settings/integrations", "/settings/connects"):
            assert f'<a href="{HOST_URL}">Back to the product</a>' in auditor.browser.get(path).text


@pytest.mark.claim("C-209")
def test_a_frozen_workspace_has_a_default_channel_without_a_name(tmp_path: Path) -> None:
    scopes = "app_mentions:read,channels:read,chat:write,commands,users:read"
    with make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=scopes) as world:
        person = ann(world)
        tenant = person.connect().tenant
        assert tenant is not None
        path = f"/settings/integrations/{person.held().id}"
        person.browser.get(f"{path}/channels")
        act(person, path, "channel", channel="C0NORTH001GEN")
        assert "#general <code" in person.browser.get(path).text
        with world.service.app.db.transaction():
            freezes.add(world.service.app.db, tenant, OPERATOR, world.clock())
        page = person.browser.get(path).text
    assert ("C0NORTH001GEN" in page, "#general" in page) == (True, False)


def test_a_token_that_died_unannounced_is_found_and_reconnected(tmp_path: Path) -> None:
    """What a newcomer plays with the local Slack: no event came, the next call says it, and one button mends it."""
    with make_host_world(tmp_path) as world:
        person = ann(world)
        path = f"/settings/integrations/{person.connect().id}"
        world.slack.expire_tokens(NORTH)
        world.slack.invalidate_refresh_tokens(NORTH)
        assert act(person, path, "test").status == 409
        assert "Needs to be reconnected" in person.browser.get(path).text
        assert "Reconnect Northwind</button>" in person.browser.get(CONNECT).text
