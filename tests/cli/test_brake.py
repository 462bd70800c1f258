"""`slackapp brake`: how it stands, an exit status for a script, and the operator's release."""

import json
from collections.abc import Iterator

import pytest

from slackapp.flows.tokens import brake
from slackapp.model import Actor, ActorKind, Tenant
from tests.flows.tokens.rotation import stored
from tests.support.operator import CommandLine, open_shell
from tests.support.prepared_world import memory_folder
from tests.support.world import NORTH


@pytest.fixture
def shell() -> Iterator[CommandLine]:
    """One tenant, and the brake holds for others."""
    with memory_folder() as folder, open_shell(folder, tenants=(NORTH,)) as made:
        app = made.world.service.app
        with app.db.transaction():
            for number in range(4):
                token = stored(made.world)._replace(tenant=Tenant("T", f"T000000{number}"))
                brake.note_failing(app, token, Actor(ActorKind.WORKER, ""), made.world.clock())
        yield made


def test_brake_shows_its_state_and_release_ends_it(shell: CommandLine) -> None:
    refused = "refused_since = 1, paused_until = 9999999999, reason = 'invalid_auth'"
    shell.change(f"UPDATE tokens SET {refused} WHERE holder_id = ''")
    shown = shell.run("brake")
    assert (shown.status, shown.error) == (1, "")
    assert shown.out == "brake: on since 2027-01-15T08:00:00Z; tenants that wait: 0; tokens that pause: 1\n"
    (listed,) = json.loads(shell.good("tenants", "--json"))
    assert (listed["status"], listed["reason"]) == ("active", "bot paused: invalid_auth")
    released = shell.run("brake", "--release")
    assert (released.status, released.error) == (0, "")
    assert released.out.splitlines()[1] == "released: for 60 minutes what Slack says counts at once"
    assert shell.good("brake") == "brake: off; tenants that wait: 0; tokens that pause: 1\n"
    (row,) = shell.world.rows("SELECT actor, result FROM audit WHERE event = 'brake.off'")
    assert (row["actor"], row["result"]) == ("operator", "released")
    assert {row[0] for row in shell.world.rows("SELECT paused_until FROM tokens")} == {0}, "asked about again at once"


def test_a_token_of_another_tenant_is_listed_as_such(shell: CommandLine) -> None:
    shell.change("UPDATE tokens SET status = 'dead', reason = 'foreign_token'")
    shell.change("UPDATE installations SET status = 'suspended', status_reason = 'foreign_token'")
    (listed,) = json.loads(shell.good("tenants", "--json"))
    assert (listed["status"], listed["reason"]) == ("suspended", "foreign_token")
    assert str(listed["install_url"]).endswith(f"?team={NORTH}")
