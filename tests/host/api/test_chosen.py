"""Which workspace a call is about, among any number that an organization has had; and what it is for."""

from typing import Any

import pytest

from slackapp.host.flows import change_connection
from slackapp.host.rows import StatusReason
from slackapp.model import SCHEDULER, Tenant
from tests.support.connected import ACME, begin, held, read
from tests.support.host_world import Host, connect
from tests.support.world import World

INTEGRATION = "slack/integration"


def shown(host: Host) -> Any:
    """The integration as it is shown."""
    return host.of().get(INTEGRATION).json["integration"]


def test_the_workspace_that_is_held_is_found_behind_any_number_that_were(world: World, host: Host) -> None:
    """An organization that has connected and lost hundreds in its time holds one, which is the newest."""
    connection = connect(world, host)
    app = world.service.app
    attempts = [begin(app.db, number, now=world.clock() - 1) for number in range(2, 210)]
    with app.db.transaction():
        for number, old in enumerate(attempts):
            workspace = held(Tenant("T", f"T000000{number:03}"))  # type: ignore[arg-type]
            done = change_connection.activate(app.db, old, workspace, SCHEDULER, world.clock() - 1)
            assert done is not None
            assert change_connection.revoke(app.db, done.connection, StatusReason.UNINSTALLED, world.clock() - 1)
    assert shown(host)["id"] == connection.id
    with app.db.transaction():
        assert change_connection.revoke(app.db, connection.key, StatusReason.UNINSTALLED, world.clock())
    assert shown(host)["id"] == connection.id, "the newest"


@pytest.mark.claim("C-200")
def test_a_purpose_that_is_deleted_is_nothings(world: World, host: Host) -> None:
    """Also of what is being connected: it would name what is not there."""
    connection = connect(world, host)
    host.put("organization", {"purposes": [{"id": "alerts", "text": "Alerts"}, {"id": "billing", "text": "Bills"}]})
    attempt = begin(world.service.app.db, 5, now=world.clock())
    assert (attempt.purpose_id, shown(host)["purpose"]) == ("alerts", "alerts")
    assert host.put("organization", {"purposes": [{"id": "billing", "text": "Bills"}]}).status == 200
    assert (read(world.service.app.db, ACME, attempt.id).purpose_id, shown(host)["purpose"]) == ("", "")
    assert host.of().put(INTEGRATION, {"purpose": "billing"}).status == 200
    assert host.put("organization", {"purposes": []}).status == 200
    assert shown(host)["purpose"] == ""
    assert connection.purpose_id == "alerts"
