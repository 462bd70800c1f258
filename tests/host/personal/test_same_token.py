"""Slack gives one user one long-lived token: what is stored of it elsewhere is no connection's, and is not ended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.callback_world import live_tokens, opened
from tests.support.connecting import make_host_world
from tests.support.personal import SCOPES, approve, connect, make_person
from tests.support.world import NORTH, World, north_tenant

ADMIN = "U0NORTH001ADM"


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[World]:
    """The app is installed from its public page, with a token of whoever installed it."""
    changes = {
        "SLACKAPP_HOST_USER_SCOPES": SCOPES,
        "SLACKAPP_USER_SCOPES": SCOPES,
        "SLACKAPP_REQUIRE_ADMIN_INSTALLER": "yes",
    }
    with make_host_world(tmp_path, False, **changes) as made:
        assert made.browser().install(NORTH).status == 303
        yield made


@pytest.mark.claim("C-348")
def test_a_token_that_is_stored_already_is_not_connected_and_not_revoked(installed: World) -> None:
    """I installed the app for everybody, and connect the same workspace for myself."""
    stored = opened(installed, north_tenant(), ADMIN)[0]
    person = make_person(installed)
    assert approve(person, user="admin")["error"] == "workspace_taken"
    assert stored in live_tokens(installed)
    assert opened(installed, north_tenant(), ADMIN)[0] == stored


@pytest.mark.claim("C-14")
def test_an_install_that_is_refused_does_not_end_what_a_connection_holds(installed: World) -> None:
    """I am no admin, have connected the workspace for myself, and try to install the app for everybody."""
    person = make_person(installed)
    connect(person, user="member")
    before = live_tokens(installed)
    assert installed.browser().install(NORTH, user="member").status == 403
    assert live_tokens(installed) == before
