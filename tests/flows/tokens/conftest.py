"""Installed, with the tokens of the bot and of a user; and what the audit says whenever one is opened."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.world import World, make_world


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder, SLACKAPP_USER_SCOPES="users:read") as world:
        world.browser().install()
        world.work()
        yield snapshot_world(world)


@pytest.fixture
def rows_at_openings(ready: World, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The last row of the audit as it is on the disk at each opening of a record, from now on."""
    keyring, seen = ready.service.app.keyring, []
    open_record = keyring.open

    def look(*arguments: Any) -> bytes:
        seen.append(dict(ready.rows("SELECT * FROM audit ORDER BY id DESC LIMIT 1")[0]))
        return open_record(*arguments)

    monkeypatch.setattr(keyring, "open", look)
    return seen
