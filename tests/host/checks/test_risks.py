"""What is risky about a connection: each risk by itself, and the moment from which on it is one."""

import pytest

from slackapp.host.checks.risks import Risk, find_risks, find_unused_scopes
from slackapp.host.inventory import InventoryEntry
from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.model import Tenant, TenantKind

NOW, DAY = 1_800_000_000, 86_400
USED = {"chat.postMessage", "auth.test"}
FINE = InventoryEntry(
    organization_id="acme", id="1", kind=ConnectionKind.WORKSPACE, status=ConnectionStatus.ACTIVE, status_reason="",
    user_id="ann", owner_id="ann", owner_name="Ann", owner_missing_at=None, purpose_id="alerts", purpose="Alerts",
    tenant=Tenant(TenantKind.WORKSPACE, "T0NORTH001"), team_name="North", scopes=("chat:write", "commands"),
    default_channel_id="", allowed_channels=(), max_age=None, created_at=NOW, installed_at=NOW - 200 * DAY,
    last_used_at=NOW - DAY, last_validated_at=NOW - DAY, revoked_at=None, app_id="A1", granted_at=NOW, issued_at=NOW,
    expires_at=NOW + 100, reason="", refused_at=0, token_status="live", rotates=True, key_id=1, master_version=1,
)  # fmt: skip


@pytest.mark.claim("C-366")
@pytest.mark.parametrize(
    ("changes", "risk"),
    [
        ({"last_used_at": NOW - 90 * DAY - 1}, Risk.UNUSED),
        ({"last_used_at": None}, Risk.UNUSED),
        ({"scopes": ("chat:write", "channels:join")}, Risk.SCOPES_UNUSED),
        ({"owner_missing_at": NOW}, Risk.NO_OWNER),
        ({"owner_id": ""}, Risk.NO_OWNER),
        ({"max_age": 199 * DAY}, Risk.OVER_AGE),
        ({"rotates": False}, Risk.LONG_LIVED_TOKEN),
        ({"last_validated_at": NOW - 7 * DAY - 1}, Risk.UNCHECKED),
        ({"last_validated_at": None}, Risk.UNCHECKED),
    ],
)
def test_each_risk_is_seen_and_none_besides(changes: dict[str, object], risk: Risk) -> None:
    assert find_risks(FINE._replace(**changes), USED, NOW) == (risk,)  # type: ignore[arg-type]


def test_what_is_fine_or_over_has_none() -> None:
    assert find_risks(FINE, USED, NOW) == ()
    just = {"last_used_at": NOW - 90 * DAY, "last_validated_at": NOW - 7 * DAY, "max_age": 200 * DAY}
    assert find_risks(FINE._replace(**just), USED, NOW) == ()
    assert find_risks(FINE._replace(last_used_at=None, installed_at=NOW), USED, NOW) == (), "it is new"
    assert find_risks(FINE._replace(owner_id="", revoked_at=NOW), (), NOW) == ()


def test_a_scope_is_used_by_any_of_its_methods_and_one_without_methods_is_not_judged() -> None:
    scopes = ("app_mentions:read", "channels:history", "channels:read", "chat:write", "files:read", "users:read")
    assert find_unused_scopes(scopes, ()) == ("channels:history", "channels:read", "chat:write")
    assert find_unused_scopes(scopes, {"chat.update", "conversations.info"}) == ("channels:history",)
