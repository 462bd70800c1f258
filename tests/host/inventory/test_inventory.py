"""What an organization holds and has held: the three questions, risks, credentials; each told to its own alone."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from slackapp.host.flows import change_connection
from slackapp.host.model import HostRole
from slackapp.host.rows import StatusReason
from tests.support.host_world import AUDITOR, Host, connect, make_host_world, told
from tests.support.world import NORTH, ORG, SOUTH, World

PATH = "slack/inventory"


def listed(world: World, query: str = "", organization: str = "acme", view: str = "inventory") -> list[dict[str, Any]]:
    """The inventory as an auditor is told of it."""
    reply = Host(world, organization).of("aud", AUDITOR).get(f"{PATH}{query}")
    assert reply.status == 200, reply.text
    found: list[dict[str, Any]] = reply.json[view]
    return found


@pytest.mark.claim("C-365")
def test_the_three_questions_are_answered_in_a_line(used: World) -> None:
    (line,) = listed(used)
    assert (line["ownerId"], line["ownerName"]) == ("ann", None)
    assert {"chat:write", "channels:read"} <= set(line["scopes"])
    assert (line["grantedAt"], line["removedAt"]) == ("2027-01-15T08:00:00Z", None)
    assert line["lastValidatedAt"] is not None
    assert (line["workspaceId"], line["applicationId"], line["status"]) == (NORTH, "A0LOCAL001", "active")
    assert (line["purpose"], line["keyId"] is not None, line["masterKeyVersion"]) == ("alerts", True, 1)
    assert (line["lastMethod"], line["lastUsedBy"]) == ("chat.postMessage", "worker")
    assert line["expiresAt"] is not None
    assert line["unusedScopes"] == ["channels:join"]
    assert line["risks"] == ["scopes_unused"]
    assert [each["workspaceId"] for each in listed(used, organization="globex")] == [SOUTH]
    assert listed(used, organization="initech") == []
    assert told(Host(used).of("meg", HostRole.MEMBER).get(PATH)) == (403, "FORBIDDEN")


def test_each_credential_has_a_row_of_its_own_and_no_secret(used: World) -> None:
    rows = listed(used, "?view=credentials", view="credentials")
    assert [row["type"] for row in rows] == ["bot_access", "bot_refresh"]
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(row["ownerId"] == "ann" and row["keyId"] and row["issuedAt"] for row in rows)
    assert rows[0]["expiresAt"] is not None
    reply = Host(used).of("aud", AUDITOR).get(f"{PATH}?view=credentials")
    assert "xox" not in reply.text


def test_the_table_says_the_same(used: World) -> None:
    for query, view in (("", "inventory"), ("?view=credentials", "credentials")):
        reply = Host(used).of("aud", AUDITOR).call("GET", f"{PATH}{query}", headers={"Accept": "text/csv"})
        heads, *rows = csv.reader(io.StringIO(reply.text, newline=""))
        assert rows == [[cell_of(each[head]) for head in heads] for each in listed(used, query, view=view)]


def cell_of(value: Any) -> str:
    """A value as its cell has it."""
    return " ".join(value) if isinstance(value, list) else "" if value is None else str(value)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A workspace that acme has given up, and that is globex's now; acme holds two others."""
    with make_host_world(tmp_path_factory.mktemp("ended"), SLACKAPP_HOST_WORKSPACES="3") as world:
        acme, app = Host(world), world.service.app
        for number, tenant in enumerate((NORTH, SOUTH, ORG), start=1):
            found = connect(world, acme, tenant, number)
            if tenant == NORTH:
                world.clock.advance(60)
                with app.db.transaction():
                    assert change_connection.revoke(app.db, found.key, StatusReason.UNINSTALLED, world.clock())
        connect(world, Host(world, "globex"), NORTH, 9, install=False)
        yield world


@pytest.mark.claim("C-365")
def test_what_was_removed_stays_as_ids_and_times_and_tells_nothing_of_who_has_it_now(ended: World) -> None:
    (gone, *_), (now,) = listed(ended), listed(ended, organization="globex")
    assert (gone["status"], gone["statusReason"], gone["removedAt"]) == (
        "revoked",
        "uninstalled",
        "2027-01-15T08:01:00Z",
    )
    assert (gone["workspaceId"], gone["ownerId"], gone["purpose"]) == (NORTH, "ann", "alerts")
    left = {name: gone[name] for name in ("scopes", "keyId", "applicationId", "expiresAt", "issuedAt", "lastFailure")}
    assert left == {
        "scopes": [],
        "keyId": None,
        "applicationId": None,
        "expiresAt": None,
        "issuedAt": None,
        "lastFailure": None,
    }
    assert now["keyId"] is not None
    rows = [row for row in listed(ended, "?view=credentials", view="credentials") if row["connectionId"] == gone["id"]]
    assert [(row["type"], row["status"], row["removedAt"]) for row in rows] == [
        ("workspace_token", "revoked", gone["removedAt"])
    ]


def test_the_pages_of_a_list_give_each_connection_once(ended: World) -> None:
    host, cursor, seen = Host(ended).of("aud", AUDITOR), "", []
    while cursor is not None:
        page = host.get(f"{PATH}?limit=1{cursor and f'&cursor={cursor}'}").json
        seen += page["inventory"]
        cursor = page["cursor"]
    assert seen == listed(ended)
    assert len(seen) == 3
    assert told(host.get(f"{PATH}?view=all")) == (400, "BAD_REQUEST")
