"""The pages of an access reviewer: whose each access is, what for, since when, used by whom; and the same as files."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.host.model import HostRole
from tests.host.pages.test_settings import AUDITOR, MEMBER, SCOPES, connected, of_role
from tests.support.connecting import make_host_world
from tests.support.world import World

INVENTORY, USES = "/settings/inventory", "/settings/token-use"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_host_world(tmp_path, SLACKAPP_BOT_SCOPES=SCOPES, SLACKAPP_HOST_WORKSPACES="9") as made:
        yield made


@pytest.mark.claim("C-367")
def test_a_reviewer_sees_whose_what_for_since_when_and_who_used_it(world: World) -> None:
    person, workspace = connected(world)
    connection = workspace.rpartition("/")[2]
    assert person.browser.get(f"{workspace}/channels").status == 200
    people = {role: of_role(world, role) for role in HostRole}
    for role, each in people.items():
        for path in (INVENTORY, f"{INVENTORY}.csv", USES, f"{USES}.csv"):
            assert each.browser.get(path).status == (403 if role is MEMBER else 200), (role, path)
        assert (f'href="{INVENTORY}"' in each.browser.get("/settings/integrations").text) is (role is not MEMBER)
    auditor = people[AUDITOR].browser
    page = auditor.get(INVENTORY).text
    for words in ("Answers for it", "What for", "Never used", "Granted", "Last checked with Slack", "How it ends"):
        assert words in page
    assert "conversations.list" in page
    assert "May do more than it ever did" in page
    uses = auditor.get(f"{USES}?connection={connection}&capability=discover").text
    assert "Looking for channels <code>conversations.list</code>" in uses
    assert "auth.test" not in uses
    heads, row = csv.reader(io.StringIO(auditor.get(f"{INVENTORY}.csv").text))
    assert row[heads.index("id")] == connection
    heads, *rows = csv.reader(io.StringIO(auditor.get(f"{INVENTORY}.csv?view=credentials").text))
    assert [each[heads.index("type")] for each in rows] == ["bot_access", "bot_refresh"]
    heads, *rows = csv.reader(io.StringIO(auditor.get(f"{USES}.csv?capability=discover").text))
    assert {each[heads.index("method")] for each in rows} == {"conversations.list"}
    assert auditor.get(f"{USES}?connection=x%20y").status == 400
    assert auditor.get(f"{USES}?cursor=x").status == 200
    assert auditor.get(f"{INVENTORY}?cursor=x%20y%20z").status == 200


def test_a_workspaces_page_tells_of_its_tokens_life(world: World) -> None:
    person, workspace = connected(world)
    page = person.browser.get(workspace).text
    for words in ("Token issued", "Token renewed", "Not yet", "Token expires", "Last failure"):
        assert words in page
    assert "to send messages (used to <code>post</code>, <code>behaviour</code>)" in page
