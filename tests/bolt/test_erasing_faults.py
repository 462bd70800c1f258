"""What slack_sdk's own stores keep although it was revoked or uninstalled, and these do not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt import BoltRequest
from slack_bolt.error import BoltError

from slackapp.localslack import LocalSlack
from slackapp.store.engine import sqlite
from tests.bolt.apps import ADMIN, MEMBER, BoltApp, approve, bolt_app, local_slack
from tests.bolt.store_folder import Folder, Stores, an_installation, builtin_rows, here
from tests.support.world import NORTH, ORG, Clock

HOOK = {"incoming_webhook_url": "https://hooks.slack.com/services/T111/B111/x"}
USERS = {"user_token": "xoxp-111", "user_scopes": ["users:read"]}


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with local_slack() as made:
        yield made


@pytest.fixture
def app(slack: LocalSlack, stores: Stores, clock: Clock) -> BoltApp:
    """One with our store."""
    clock.now = int(slack.clock())
    return bolt_app(slack, stores.installations(slack_url=slack.base_url))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a lock for long."""
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)


def left(folder: Folder) -> set[str]:
    """Whose keys or rows are still there."""
    return {
        row["tenant_id"]
        for table in ("installations", "installers", "tokens", "data_keys")
        for row in folder.rows(f"SELECT tenant_id FROM {table} WHERE tenant_kind <> ''")
    }


# An enterprise uninstalls the app


def test_when_an_enterprise_uninstalls_slack_sdks_store_keeps_its_tokens(
    slack: LocalSlack, builtin: Callable[..., Any], folder: Folder
) -> None:
    app = bolt_app(slack, builtin("sqlite"))
    installed = app.install(ORG)
    slack.uninstall(ORG)
    assert set(app.deliver()) == {200}
    kept = builtin_rows(folder, "SELECT enterprise_id, bot_token, user_token FROM slack_installations")
    assert kept == [(ORG, installed.bot_token, installed.user_token)]


@pytest.mark.parametrize("order", [("app_uninstalled", "tokens_revoked"), ("tokens_revoked", "app_uninstalled")])
@pytest.mark.parametrize("target", [ORG, NORTH])
def test_when_an_enterprise_or_a_workspace_uninstalls_nothing_of_it_is_left(
    slack: LocalSlack, app: BoltApp, folder: Folder, target: str, order: tuple[str, str]
) -> None:
    app.install(target)
    assert left(folder) == {target}
    slack.uninstall(target, order)
    assert app.deliver() == [200, 200]
    assert left(folder) == set()
    assert "purge.complete" in folder.events()
    ids = {"enterprise_id": ORG, "team_id": None} if target == ORG else {"enterprise_id": None, "team_id": NORTH}
    assert app.app.installation_store.find_installation(**ids) is None


# Tokens are revoked


def test_after_the_bot_was_revoked_slack_sdks_store_still_gives_its_token(builtin: Callable[..., Any]) -> None:
    store = builtin("sqlite")
    store.save(an_installation())
    store.delete_bot(**here())
    assert store.find_installation(**here()).bot_token == "xoxb-111"


def test_after_a_user_was_revoked_slack_sdks_files_still_give_that_token(builtin: Callable[..., Any]) -> None:
    store = builtin("file")
    store.save(an_installation(**USERS))
    store.delete_installation(**here(user_id="U111"))
    assert store.find_installation(**here()).user_token == "xoxp-111"


def test_after_the_bot_was_revoked_neither_its_token_nor_a_webhook_lies_anywhere(store: Any, folder: Folder) -> None:
    store.save(an_installation(**HOOK, **USERS))
    store.delete_bot(**here())
    assert store.find_installation(**here()).bot_token is None
    assert folder.rows("SELECT 1 FROM tokens WHERE holder_id = ''") == []
    assert folder.rows("SELECT 1 FROM installers WHERE holder_id = '' OR webhook IS NOT NULL") == []
    assert folder.rows("SELECT 1 FROM installations WHERE webhook IS NOT NULL") == []


def test_after_a_user_was_revoked_nothing_of_that_user_lies_anywhere_and_others_stay(
    store: Any, folder: Folder
) -> None:
    for user in ("U12", "U1", "U123"):
        store.save(an_installation(**HOOK, **USERS, user_id=user))
    store.delete_installation(**here(user_id="U1"))
    for table in ("tokens", "installers"):
        found = folder.rows(f"SELECT holder_id FROM {table} ORDER BY holder_id")
        assert [row["holder_id"] for row in found] == ["", "U12", "U123"]
    assert store.find_installation(**here()).user_id == "U123"


def test_each_erasure_says_in_the_audit_what_it_was(plain: Any, folder: Folder) -> None:
    plain.save(an_installation(**USERS))
    plain.save(an_installation(**USERS, user_id="U222"))
    plain.delete_installation(**here(user_id="U222"))
    plain.delete_bot(**here())
    plain.delete_installation(**here())
    rows = folder.rows("SELECT event, actor, holder_kind, holder_id, count, detail FROM audit ORDER BY id")
    assert [tuple(row) for row in rows][2:] == [
        ("tokens.erased", "bolt", "user", "U222", None, ""), ("tokens.erased", "bolt", "bot", "", None, ""),
        ("tokens.erased", "bolt", "", "", None, "all_users"), ("purge.begun", "bolt", "", "", 5, "nothing_left"),
        ("purge.complete", "worker", "", "", 0, ""),
    ]  # fmt: skip


def test_slack_tells_bolt_who_was_revoked_and_exactly_that_goes(
    slack: LocalSlack, app: BoltApp, folder: Folder
) -> None:
    users = "SELECT holder_id FROM tokens ORDER BY holder_id"
    for user in (ADMIN, MEMBER):
        app.install(user=user)
    slack.revoke_user(NORTH, MEMBER)
    assert app.deliver() == [200]
    assert [row["holder_id"] for row in folder.rows(users)] == ["", ADMIN]
    slack.revoke_bot(NORTH)
    assert app.deliver() == [200]
    assert [row["holder_id"] for row in folder.rows(users)] == [ADMIN]
    slack.revoke_user(NORTH, ADMIN)
    app.deliver()
    assert left(folder) == set()


# The database is locked meanwhile


def test_while_somebody_writes_slack_sdks_store_erases_nothing_and_says_nothing(
    slack: LocalSlack, builtin: Callable[..., Any], folder: Folder
) -> None:
    app = bolt_app(slack, builtin("sqlite"))
    app.install()
    slack.uninstall(NORTH)
    with folder.locked(folder.path / "builtin.db"):
        assert app.deliver() == [200, 200]
    assert builtin_rows(folder, "SELECT count(*) FROM slack_bots") == [(1,)]


def test_while_somebody_writes_bolt_is_told_that_nothing_was_erased(
    slack: LocalSlack, impatient: None, app: BoltApp, folder: Folder
) -> None:
    app.install()
    app.app.installation_store.close()
    before = left(folder)
    slack.uninstall(NORTH)
    bodies = app.events()
    with folder.locked():
        assert [app.take(body).status for body in bodies] == [500, 500], "so that Slack says it again"
    assert left(folder) == before
    assert [app.take(body).status for body in bodies] == [200, 200]
    assert left(folder) == set()


def test_an_install_that_cannot_be_stored_gets_the_page_that_bolt_has_for_it(
    slack: LocalSlack, impatient: None, stores: Stores, folder: Folder
) -> None:
    app = bolt_app(slack, stores.installations(slack_url=slack.base_url), state_validation_enabled=False)
    request = BoltRequest(body="", query=f"code={approve(slack, NORTH, 'admin')}")
    with folder.locked():
        answer = app.app.oauth_flow.handle_callback(request)
    assert (answer.status, "storage_error" in answer.body) == (500, True)
    assert left(folder) == set()


def test_while_the_database_cannot_be_read_slack_sdks_store_says_that_nothing_is_installed(
    builtin: Callable[..., Any], folder: Folder
) -> None:
    store = builtin("sqlite")
    store.save(an_installation())
    with folder.locked(folder.path / "builtin.db", "EXCLUSIVE"):
        assert store.find_bot(**here()) is None
        assert store.find_installation(**here()) is None


@pytest.mark.long
def test_while_somebody_writes_nothing_is_found_nor_said_to_be_missing(
    impatient: None, store: Any, folder: Folder
) -> None:
    store.save(an_installation())
    calls: dict[str, Callable[[], Any]] = {
        "find_bot": lambda: store.find_bot(**here()),
        "find_installation": lambda: store.find_installation(**here()),
        "save": lambda: store.save(an_installation()),
        "save_bot": lambda: store.save_bot(an_installation().to_bot()),
        "delete_bot": lambda: store.delete_bot(**here()),
        "delete_installation": lambda: store.delete_installation(**here()),
        "delete_all": lambda: store.delete_all(**here()),
    }
    before = folder.snapshot()
    with folder.locked():
        for call in calls.values():
            with pytest.raises(BoltError, match="slackapp: the database is locked"):
                call()
    assert folder.snapshot() == before
