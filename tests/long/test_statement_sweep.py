"""Every scenario, killed at every one of its steps."""

from pathlib import Path

import pytest

from tests.long.scenarios import by_name
from tests.long.sweep import sweep

NAMES = (
    "first start", "migration", "issue a state", "install", "re-install", "refresh in time", "refresh when expired",
    "receive and run an event", "receive and hand over an event", "rotate the master key", "new data keys",
    "uninstall by the operator",
    "new data keys in portions", "uninstall in portions",
    "purge after app_uninstalled", "backup", "restore", "refresh by the upkeep", "refresh with a lost answer",
    "exchange of long-lived tokens", "check", "save by a Bolt app", "save of a new install by a Bolt app",
    "find by a Bolt app", "delete by a Bolt app", "import", "import and erase",
    "come back to a connect", "connect on the page", "confirm a connect", "leave a workspace for another",
    "give a grant back", "disconnect a workspace", "delete an organization",
    "revoke in a review", "close a review", "a member leaves",
    "post and send", "post and take back", "post while answers are lost",
    "disconnect while messages wait", "freeze while messages wait", "delete an organization while messages wait",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_flow_killed_at_any_statement_recovers(name: str, tmp_path: Path) -> None:
    """The process dies at the first statement, call or change of a file; at the second; at the third; …"""
    counts = sweep(tmp_path, by_name(name))
    assert counts["statements"] > 0
