"""With managed rotation refreshes run here, one at a time, and no refresh token leaves."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.error import BoltError

from slackapp.bolt import find_installation
from slackapp.errors import StoreFullError
from slackapp.flows.keys import reencrypt_tenant
from slackapp.flows.removal import purge_tenant
from slackapp.localslack.model import Fault, FaultKind
from slackapp.model import Actor, ActorKind, AuditDetail
from slackapp.store import audit, data_keys
from slackapp.vault import keyring
from tests.bolt.store_folder import Folder, Stores, equip
from tests.flows.tokens.rotation import DUE, LIFE, REFRESH, change, lease_to_another, once_before
from tests.support.race import race
from tests.support.world import NORTH, World, make_world, north_tenant

ADMIN = "U0NORTH001ADM"
ids = {"enterprise_id": None, "team_id": NORTH}
BOT, USER = "xoxe.xoxb-1-", "xoxe.xoxp-1-"
PREPARE = """
import sys
from slackapp.bolt import stores
folder, slack, now = sys.argv[1:]
class Clock:
    def __call__(self):
        return int(now)
    steady = __call__
stores.system_clock = Clock()
store = stores.EncryptedInstallationStore(
    database=f"{folder}/slackapp.db", master_key_file=f"{folder}/master.key", client_id="1000000001.2000000002",
    client_secret="a-client-secret-for-tests", app_id="A0LOCAL001", slack_url=slack)
ids = {"enterprise_id": None, "team_id": "T0NORTH001"}
store.find_bot(enterprise_id=None, team_id="T0SOUTH001")
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A service that was installed, with rotating tokens of the bot and of the user; our stores on its database."""
    scopes = "app_mentions:read,chat:write,incoming-webhook"
    with make_world(tmp_path, SLACKAPP_USER_SCOPES="users:read", SLACKAPP_BOT_SCOPES=scopes) as world:
        monkeypatch.setattr("slackapp.bolt.stores.system_clock", world.clock)
        world.browser().install()
        world.work()
        world.slack.called.clear()
        yield world


@pytest.fixture
def at(installed: World) -> Iterator[Stores]:
    stores = Stores(Folder(installed.folder))
    yield stores
    stores.close()


@pytest.fixture
def store(installed: World, at: Stores) -> Any:
    return at.installations(slack_url=installed.slack_url)


def live(world: World, kind: str) -> str:
    """The access token that Slack gave last."""
    return [token for token in world.slack.issued_tokens if token.startswith(kind)][-1]


FINDS: dict[str, Callable[[Any], Any]] = {
    "find_bot": lambda store: store.find_bot(**ids),
    "find_installation": lambda store: store.find_installation(**ids),
    "find_installation of a person": lambda store: store.find_installation(**ids, user_id=ADMIN),
}


# When


def test_until_it_is_due_a_token_is_given_without_a_call(installed: World, store: Any) -> None:
    found = store.find_installation(**ids)
    assert (found.bot_token, found.user_token) == (live(installed, BOT), live(installed, USER))
    assert store.find_bot(**ids).bot_token == live(installed, BOT)
    assert installed.calls() == []


def test_what_is_due_is_refreshed_once_and_given(installed: World, store: Any) -> None:
    old = live(installed, BOT)
    installed.clock.advance(DUE)
    assert store.find_bot(**ids).bot_token == live(installed, BOT) != old
    assert installed.calls() == [REFRESH]
    found = store.find_installation(**ids)
    assert (found.bot_token, found.user_token) == (live(installed, BOT), live(installed, USER))
    assert installed.calls() == [REFRESH] * 2, "the person's"
    for find in FINDS.values():
        find(store)
    assert installed.calls() == [REFRESH] * 2


def test_bolt_sees_no_refresh_token_and_no_expiry(installed: World, store: Any) -> None:
    refreshing = [token for token in installed.slack.issued_tokens if token.startswith("xoxe-1-")]
    for advance in (0, DUE):
        installed.clock.advance(advance)
        for find in FINDS.values():
            seen = vars(find(store))
            assert [value for name, value in seen.items() if "refresh" in name or "expires" in name] == [None] * (
                2 if "user_id" not in seen else 4
            )
            assert not any(token in str(seen) for token in refreshing)


# Several at once


def test_of_eight_threads_and_two_stores_one_refreshes_and_the_others_go_on_with_the_token_that_lives(
    installed: World, at: Stores
) -> None:
    both, old = [at.installations(slack_url=installed.slack_url) for _ in range(2)], live(installed, BOT)
    installed.clock.advance(DUE)
    barrier = threading.Barrier(8)

    def find(number: int) -> str:
        barrier.wait(10)
        return str(both[number % 2].find_bot(**ids).bot_token)

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(find, range(8)))
    assert installed.calls() == [REFRESH]
    assert live(installed, BOT) in found <= {old, live(installed, BOT)}


def test_when_the_token_has_expired_the_others_wait_for_the_new_one(installed: World, store: Any) -> None:
    installed.clock.advance(LIFE)
    refreshed, barrier = threading.Event(), threading.Barrier(4)
    equip(store, wait=lambda seconds: refreshed.wait(5))

    def find(_: int) -> str:
        barrier.wait(10)
        try:
            return str(store.find_bot(**ids).bot_token)
        finally:
            refreshed.set()

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(find, range(4)))
    assert (found, installed.calls()) == ({live(installed, BOT)}, [REFRESH])


@pytest.mark.long
def test_of_two_processes_one_refreshes(installed: World) -> None:
    installed.clock.advance(DUE)
    installed.service.app.db.close()
    run = "print(store.find_bot(**ids).bot_token)\nstore.close()"
    found = race(2, PREPARE, run, str(installed.folder), installed.slack_url, str(installed.clock()))
    assert installed.calls() == [REFRESH]
    assert live(installed, BOT) in found


def test_while_the_service_refreshes_the_token_that_lives_is_given(installed: World, store: Any) -> None:
    installed.clock.advance(DUE)
    lease_to_another(installed)
    assert store.find_bot(**ids).bot_token == live(installed, BOT)
    assert installed.calls() == []


# What may go wrong


@pytest.mark.parametrize("kind", ["html500", "cut", "error"])
def test_while_slack_fails_the_token_that_lives_is_given_and_after_its_end_none_but_an_error(
    installed: World, store: Any, kind: FaultKind
) -> None:
    installed.clock.advance(DUE)
    installed.slack.fault(Fault(REFRESH, kind, times=-1))
    assert store.find_bot(**ids).bot_token == live(installed, BOT)
    installed.clock.advance(LIFE - DUE)
    for find in FINDS.values():
        with pytest.raises(BoltError, match=r"slackapp: The token cannot be used just now\."):
            find(store)
    installed.slack.clear_faults()
    assert store.find_bot(**ids).bot_token == live(installed, BOT)


def test_after_a_refused_refresh_the_token_is_given_until_its_end_and_then_it_is_as_if_not_installed(
    installed: World, store: Any
) -> None:
    installed.slack.invalidate_refresh_tokens(NORTH)
    installed.clock.advance(DUE)
    assert store.find_bot(**ids).bot_token == live(installed, BOT)
    assert store.find_installation(**ids).user_token == live(installed, USER)
    assert len(installed.calls()) == 2
    installed.clock.advance(LIFE - DUE)
    assert store.find_bot(**ids) is None
    for user_id in (None, ADMIN):
        found = store.find_installation(**ids, user_id=user_id)
        assert (found.bot_token, found.user_token, found.bot_scopes) == (None, None, None)
    assert (len(installed.calls()), installed.status()) == (2, "needs_reinstall")
    installed.browser().install()
    assert store.find_installation(**ids).user_token == live(installed, USER)
    assert store.find_bot(**ids).bot_token == live(installed, BOT)


@pytest.mark.parametrize("managed_rotation", [True, False])
@pytest.mark.parametrize("status", ["suspended", "suspect"])
def test_what_is_suspended_or_suspect_is_neither_given_nor_said_to_be_missing(
    installed: World, at: Stores, status: str, managed_rotation: bool
) -> None:
    store = at.installations(slack_url=installed.slack_url, managed_rotation=managed_rotation)
    change(installed, "UPDATE installations SET status = ?", status)
    before = installed.audit()
    for find in FINDS.values():
        with pytest.raises(BoltError, match="slackapp: The "):
            find(store)
    assert all(event.startswith("refused.") for event in installed.audit()[len(before) :])
    change(installed, "UPDATE installations SET status = 'active'")
    assert store.find_bot(**ids) is not None


@pytest.mark.parametrize("managed_rotation", [True, False])
def test_what_is_being_removed_is_not_installed_any_more(installed: World, at: Stores, managed_rotation: bool) -> None:
    store = at.installations(slack_url=installed.slack_url, managed_rotation=managed_rotation)
    change(installed, "UPDATE installations SET status = 'purging'")
    assert [find(store) for find in FINDS.values()] == [None] * 3


@pytest.mark.parametrize("managed_rotation", [True, False])
@pytest.mark.parametrize("name", ["_settle", "_read_all"])
def test_what_is_erased_while_it_is_being_looked_up_is_not_installed(
    installed: World, at: Stores, managed_rotation: bool, name: str
) -> None:
    store = at.installations(slack_url=installed.slack_url, managed_rotation=managed_rotation)
    app = installed.service.app
    installed.clock.advance(DUE)

    def erase() -> None:
        with app.db.transaction():
            purge_tenant.erase(app, north_tenant(), AuditDetail.OPERATOR, Actor(ActorKind.OPERATOR, "r1"), app.clock())

    with once_before(find_installation, name, erase):
        assert store.find_installation(**ids) is None
    assert store.find_bot(**ids) is None


@pytest.mark.parametrize("managed_rotation", [True, False])
def test_what_is_sealed_anew_while_it_is_being_looked_up_opens_all_the_same(
    installed: World, at: Stores, managed_rotation: bool
) -> None:
    store = at.installations(slack_url=installed.slack_url, managed_rotation=managed_rotation)
    expected, app = vars(store.find_installation(**ids)), installed.service.app
    assert expected["incoming_webhook_url"] is not None
    keys: set[int] = set()

    def reencrypt() -> None:
        reencrypt_tenant.run(app, north_tenant(), "local", Actor(ActorKind.OPERATOR, "r1"))
        with store._vault.opened() as (inside, _):
            inside.keyring.evict(north_tenant())  # as after five minutes
        keys.update(key.key_id for key in data_keys.active(app.db, north_tenant()))

    with once_before(keyring.Keyring, "open", reencrypt):
        assert vars(store.find_installation(**ids)) == expected, "the tenant's webhook"
    store.save(store.find_installation(**ids))
    assert len(installed.rows("SELECT 1 FROM installers WHERE webhook IS NOT NULL AND details IS NOT NULL")) == 1
    with once_before(keyring.Keyring, "open", reencrypt):
        assert vars(store.find_installation(**ids)) == expected, "the person's, and all else"
    assert len(keys) == 2 * len(keyring.PURPOSES), "it was sealed anew, both times"


@pytest.mark.parametrize("column", ["access", "refresh"])
def test_a_token_that_does_not_open_is_neither_given_nor_said_to_be_missing(
    installed: World, at: Stores, column: str
) -> None:
    store = at.installations(managed_rotation=False)
    change(installed, f"UPDATE tokens SET {column} = (SELECT {column} FROM tokens WHERE holder_id = '')")
    with pytest.raises(BoltError, match=r"slackapp: The token cannot be used just now\."):
        store.find_installation(**ids)
    assert "token.unavailable" in installed.audit()
    assert store.find_bot(**ids) is not None


WITHOUT_ITS_KEYS = {
    "of a provider that is not there": "UPDATE data_keys SET provider = 'kms' WHERE tenant_id = ?",
    "damaged": "UPDATE data_keys SET wrapped = zeroblob(114) WHERE tenant_id = ?",
    "not all there": "DELETE FROM data_keys WHERE purpose IN ('bot', 'data') AND tenant_id = ?",
}


@pytest.mark.parametrize("sql", WITHOUT_ITS_KEYS.values(), ids=WITHOUT_ITS_KEYS)
def test_without_its_keys_a_workspace_is_neither_given_saved_nor_said_to_be_missing_but_can_be_erased(
    installed: World, at: Stores, sql: str
) -> None:
    store = at.installations(managed_rotation=False)
    found = store.find_installation(**ids)
    store.close()
    change(installed, sql, NORTH)
    save = {"save": lambda store: store.save(found), "save_bot": lambda store: store.save_bot(found.to_bot())}
    for call in {**FINDS, **save}.values():
        with pytest.raises(BoltError, match="slackapp: "):
            call(store)
    store.delete_all(**ids)
    assert [find(store) for find in FINDS.values()] == [None] * 3


# The audit


@pytest.mark.parametrize("managed_rotation", [True, False])
@pytest.mark.parametrize(("find", "users"), [("find_bot", [""]), ("find_installation", ["", ADMIN])])
@pytest.mark.claim("C-25")
def test_a_row_of_the_audit_is_committed_before_anything_is_opened(
    installed: World, at: Stores, monkeypatch: pytest.MonkeyPatch, managed_rotation: bool, find: str, users: list[str]
) -> None:
    store = at.installations(slack_url=installed.slack_url, managed_rotation=managed_rotation)
    store.find_bot(**ids)
    before, opened = len(installed.audit()), []
    open_record = keyring.Keyring.open

    def watched(self: Any, *arguments: Any) -> bytes:
        opened.append(
            installed.rows("SELECT actor, purpose, record_kind, holder_id FROM audit WHERE id > ? ORDER BY id", before)
        )
        return open_record(self, *arguments)

    monkeypatch.setattr(keyring.Keyring, "open", watched)
    assert FINDS[find](store) is not None
    assert opened
    for rows in opened:
        parts = ("access",) if managed_rotation else ("access", "refresh")
        told = [(f"{'user' if user else 'bot'}_{part}", user) for user in users for part in parts]
        others = [("webhook", "") for user in users if user]
        assert [tuple(row) for row in rows] == [("bolt", "hand_out", *read) for read in told + others]


@pytest.mark.parametrize("managed_rotation", [True, False])
@pytest.mark.parametrize("whose", ["a person's", "the tenant's"])
@pytest.mark.claim("C-25")
def test_a_webhook_is_given_to_bolt_with_a_row_of_its_own_also_where_no_token_is_left(
    installed: World, at: Stores, monkeypatch: pytest.MonkeyPatch, managed_rotation: bool, whose: str
) -> None:
    """I ask for an installation whose tokens are dead: what I post to its webhook is nobody's."""
    store = at.installations(slack_url=installed.slack_url, managed_rotation=managed_rotation)
    if whose == "a person's":
        store.save(store.find_installation(**ids))
        assert at.folder.count()["installers"]
    at.folder.change("UPDATE tokens SET status = 'dead'")
    before, opened = len(installed.audit()), []
    open_record = keyring.Keyring.open

    def watched(self: Any, context: Any, *others: Any) -> bytes:
        rows = installed.rows("SELECT record_kind, holder_id FROM audit WHERE id > ? ORDER BY id", before)
        opened.append((context.kind, context.user_id))
        assert (context.kind, context.user_id) in map(tuple, rows), context
        return open_record(self, context, *others)

    monkeypatch.setattr(keyring.Keyring, "open", watched)
    found = store.find_installation(**ids)
    assert found is not None
    assert (found.bot_token, bool(found.incoming_webhook_url)) == (None, True)
    kinds = {"a person's": {("installer_webhook", ADMIN)}, "the tenant's": {("webhook", "")}}[whose]
    assert kinds <= set(opened)
    given = {row["event"] for row in installed.rows("SELECT event FROM audit WHERE id > ?", before)}
    assert given >= ({"details.read", "webhook.read"} if whose == "a person's" else {"webhook.read"})


@pytest.mark.parametrize("managed_rotation", [True, False])
def test_what_cannot_be_written_to_the_audit_is_not_given(
    installed: World, at: Stores, monkeypatch: pytest.MonkeyPatch, managed_rotation: bool
) -> None:
    store = at.installations(slack_url=installed.slack_url, managed_rotation=managed_rotation)

    def full(*arguments: Any) -> None:
        raise StoreFullError("the database cannot be written")

    monkeypatch.setattr(audit, "append", full)
    monkeypatch.setattr(keyring.Keyring, "open", full)
    for find in FINDS.values():
        with pytest.raises(BoltError, match="slackapp: the database cannot be written"):
            find(store)


@pytest.mark.claim("C-81")
def test_a_tenant_whose_bot_was_another_ones_is_handed_to_nobody_and_a_copy_brings_it_back_to_nobody(
    installed: World, store: Any
) -> None:
    copy = store.find_installation(user_id=ADMIN, **ids)
    change(installed, "UPDATE tokens SET status = 'dead', reason = 'foreign_token' WHERE holder_id = ''")
    change(installed, "UPDATE installations SET status = 'suspended', status_reason = 'foreign_token'")
    for find in (store.find_bot, lambda **ids: store.find_installation(user_id=ADMIN, **ids)):
        with pytest.raises(BoltError):
            find(**ids)
    store.save(copy)
    assert installed.status() == "suspended"
    installed.browser().install()
    assert (store.find_bot(**ids).bot_token[:5], installed.status()) == ("xoxe.", "active")
