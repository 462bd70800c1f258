"""Look-ups of a workspace of which nothing is served: they cost no row of the audit, and nobody else's work."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_bolt.error import BoltError

from slackapp.flows.tokens import freeze_tenant
from slackapp.model import Actor, ActorKind, Tenant, TenantKind
from slackapp.store import installers
from slackapp.store.engine.sqlite import SqliteDatabase
from slackapp.vault import keyring
from tests.bolt.store_folder import HOOK, Folder, Stores, an_installation, here
from tests.store.engine.test_group_commit import until

STOPPED, ACTIVE = "T222", "T111"
MANY, LONG = 16, 10


@dataclass
class Watch:
    """What look-ups did: whose were made how often, how many transactions were undone, what was opened."""

    looks: Counter[str] = field(default_factory=Counter)
    undone: int = 0
    opened: list[str] = field(default_factory=list)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    seen = Watch()
    find, roll_back, open_record = installers.find_installed, SqliteDatabase._roll_back, keyring.Keyring.open

    def found(db: Any, tenant: Tenant) -> Any:
        seen.looks[tenant.id] += 1
        return find(db, tenant)

    def undo(*arguments: Any) -> None:
        seen.undone += 1
        roll_back(*arguments)

    def opening(self: Any, context: Any, *others: Any) -> bytes:
        seen.opened.append(context.tenant.id)
        return open_record(self, context, *others)

    monkeypatch.setattr(installers, "find_installed", found)
    monkeypatch.setattr(SqliteDatabase, "_roll_back", undo)
    monkeypatch.setattr(keyring.Keyring, "open", opening)
    return seen


def opened(stores: Stores, managed_rotation: bool) -> Any:
    """A store with two workspaces in it, which it has looked up before."""
    store = stores.installations(managed_rotation=managed_rotation)
    for team_id in (STOPPED, ACTIVE):
        store.save(an_installation(**HOOK, team_id=team_id, bot_token=f"xoxb-{team_id}"))
        assert store.find_bot(**here(team_id=team_id)) is not None
    return store


@contextmanager
def all_in_one(store: Any, number: int) -> Iterator[None]:
    """Holds the write lock until so many wait for it, who share the next transaction."""
    is_in, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        is_in.set()
        assert go_on.wait(LONG)

    with store._vault.opened() as (app, _), ThreadPoolExecutor(1) as pool:
        held = pool.submit(app.db.commit_in_group, hold)
        assert is_in.wait(LONG)
        yield
        until(lambda: len(app.db._group_commit._queue) == number)
        go_on.set()
        held.result(LONG)


def look_up(store: Any) -> tuple[list[Any], Any]:
    """What many look-ups of the one and, among them, one of the other workspace come to; an error's text."""

    def find(team_id: str) -> Any:
        try:
            return store.find_installation(**here(team_id=team_id))
        except BoltError as error:
            return str(error)

    with ThreadPoolExecutor(MANY + 1) as pool:
        with all_in_one(store, MANY + 1):
            half = MANY // 2
            before = [pool.submit(find, STOPPED) for _ in range(half)]
            other = pool.submit(find, ACTIVE)
            after = [pool.submit(find, STOPPED) for _ in range(MANY - half)]
        return [each.result(LONG) for each in before + after], other.result(LONG)


def rows_of(folder: Folder, team_id: str) -> list[str]:
    return [row["event"] for row in folder.rows("SELECT event FROM audit WHERE tenant_id = ? ORDER BY id", team_id)]


SAID = {
    "suspended": "slackapp: The key for this workspace was withdrawn.",
    "suspect": "slackapp: The token cannot be used just now.",
    "purging": None,
}


@pytest.mark.parametrize("managed_rotation", [True, False])
@pytest.mark.parametrize("status", SAID)
def test_a_stopped_workspace_costs_no_row_and_no_other_ones_work_however_often_it_is_looked_up(
    stores: Stores, folder: Folder, watch: Watch, status: str, managed_rotation: bool
) -> None:
    """My workspace is suspended, and its events go on: each asks for its token."""
    store = opened(stores, managed_rotation)
    folder.change("UPDATE installations SET status = ?, status_reason = '' WHERE tenant_id = ?", status, STOPPED)
    told, others = rows_of(folder, STOPPED), len(rows_of(folder, ACTIVE))
    watch.looks.clear()
    watch.opened.clear()
    found, other = look_up(store)
    assert found == [SAID[status]] * MANY
    assert other.bot_token == f"xoxb-{ACTIVE}"
    assert rows_of(folder, STOPPED) == told
    assert len(rows_of(folder, ACTIVE)) > others
    assert (watch.looks[ACTIVE], watch.undone, set(watch.opened)) == (1, 0, {ACTIVE})


@pytest.mark.parametrize("managed_rotation", [True, False])
def test_a_frozen_workspace_has_a_row_of_each_look_up_and_undoes_no_other_ones_work(
    stores: Stores, folder: Folder, watch: Watch, managed_rotation: bool
) -> None:
    store = opened(stores, managed_rotation)
    with store._vault.opened() as (app, _):
        frozen = Tenant(TenantKind.WORKSPACE, STOPPED)
        freeze_tenant.run(app, frozen, Actor(ActorKind.OPERATOR, "r1"), app.clock())
    told = rows_of(folder, STOPPED)
    watch.looks.clear()
    watch.opened.clear()
    found, other = look_up(store)
    assert found == ["slackapp: The service is stopped for this workspace just now."] * MANY
    assert other.bot_token == f"xoxb-{ACTIVE}"
    assert rows_of(folder, STOPPED) == told + ["refused.frozen"] * MANY
    assert (watch.looks[ACTIVE], watch.undone, set(watch.opened)) == (1, 0, {ACTIVE})


def test_a_workspace_that_needs_a_new_install_is_served_and_undoes_no_other_ones_work(
    stores: Stores, folder: Folder, watch: Watch
) -> None:
    store = opened(stores, managed_rotation=True)
    folder.change("UPDATE installations SET status = 'needs_reinstall' WHERE tenant_id = ?", STOPPED)
    watch.looks.clear()
    found, other = look_up(store)
    assert {each.bot_token for each in (*found, other)} == {f"xoxb-{STOPPED}", f"xoxb-{ACTIVE}"}
    assert (watch.looks[ACTIVE], watch.undone) == (1, 0)
