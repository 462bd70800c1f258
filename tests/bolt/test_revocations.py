"""An uninstall or a revocation erases what it is about, and nothing that was installed since."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_bolt.error import BoltError

from slackapp.errors import ConfigError
from slackapp.localslack import Fault, LocalSlack
from slackapp.store.engine import sqlite
from tests.bolt.apps import ADMIN, MEMBER, BoltApp, bolt_app, local_slack
from tests.bolt.store_folder import Folder, Stores
from tests.support.world import NORTH, ORG, Clock

ids = {"enterprise_id": None, "team_id": NORTH}
UNDECIDED = 300
"""Seconds around an install within which an event's time does not decide."""


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with local_slack() as made:
        yield made


@pytest.fixture(params=[True, False], ids=["managed", "refreshed by Bolt"])
def app(request: pytest.FixtureRequest, slack: LocalSlack, stores: Stores, clock: Clock) -> BoltApp:
    """One with our store and our listeners."""
    clock.now = int(slack.clock())
    store = stores.installations(slack_url=slack.base_url, managed_rotation=request.param)
    return bolt_app(slack, store, by_time=True)


def found(app: BoltApp) -> Any:
    return app.app.installation_store.find_installation(**ids)


def at(body: str, event_time: int) -> str:
    """The same event, as if it had happened then."""
    return json.dumps({**json.loads(body), "event_time": event_time})


def reinstalled(app: BoltApp, clock: Clock, later: int) -> list[str]:
    """Installed, uninstalled, and that many seconds later installed again; what Slack says of it comes only now."""
    app.install()
    app.slack.uninstall(NORTH)
    happened = clock()
    clock.advance(later)
    installation = app.install()
    installation.installed_at = float(clock())  # Bolt goes by the wall clock
    app.app.installation_store.save(installation)
    return [at(body, happened) for body in app.events()]


# Late


@pytest.mark.claim("C-60")
def test_a_late_uninstall_does_not_erase_what_was_installed_since(app: BoltApp, clock: Clock, folder: Folder) -> None:
    bodies = reinstalled(app, clock, UNDECIDED + 1)
    before = {table: rows for table, rows in folder.snapshot().items() if table in ("installations", "tokens")}
    for _ in range(2):
        assert [app.take(body).status for body in bodies] == [200, 200]
    assert {table: folder.snapshot()[table] for table in before} == before
    assert found(app) is not None
    assert list(app.slack.calls) == [], "nobody had to be asked"


def test_with_bolts_own_listeners_a_late_uninstall_erases_a_new_install(
    slack: LocalSlack, stores: Stores, clock: Clock
) -> None:
    """They call delete_all, which knows of no time."""
    clock.now = int(slack.clock())
    app = bolt_app(slack, stores.installations(slack_url=slack.base_url))
    bodies = reinstalled(app, clock, UNDECIDED + 1)
    assert {app.take(body).status for body in bodies} == {200}
    assert found(app) is None


# In time


@pytest.mark.parametrize("order", [("app_uninstalled", "tokens_revoked"), ("tokens_revoked", "app_uninstalled")])
@pytest.mark.parametrize("target", [NORTH, ORG])
def test_an_uninstall_leaves_nothing_and_is_kept_no_longer_than_it_may_come_again(
    app: BoltApp, clock: Clock, folder: Folder, target: str, order: tuple[str, str]
) -> None:
    app.install(target)
    clock.advance(UNDECIDED + 1)
    app.slack.uninstall(target, order)
    bodies = [at(body, clock()) for body in app.events()]
    assert [app.take(body).status for body in bodies] == [200, 200]
    assert [folder.count()[table] for table in ("installations", "installers", "tokens")] == [0, 0, 0]
    assert folder.rows("SELECT 1 FROM data_keys WHERE tenant_kind <> ''") == []
    assert "purge.complete" in folder.events()
    assert [app.take(body).status for body in bodies] == [200, 200]
    assert {row["state"] for row in folder.rows("SELECT state FROM inbox")} == {"done"}
    clock.advance(49 * 3600)
    app.take(at(bodies[0], clock()))
    assert folder.rows("SELECT 1 FROM inbox") == []


def test_a_revocation_erases_exactly_the_users_it_names(app: BoltApp, folder: Folder) -> None:
    users = "SELECT holder_id FROM tokens ORDER BY holder_id"
    for user in (ADMIN, MEMBER):
        app.install(user=user)
    app.slack.revoke_user(NORTH, MEMBER)
    assert app.deliver() == [200]
    assert [row["holder_id"] for row in folder.rows(users)] == ["", ADMIN]


# Where the time does not decide


@pytest.mark.claim("C-61")
def test_in_doubt_slack_is_asked_at_once_and_what_lives_stays(app: BoltApp, clock: Clock, folder: Folder) -> None:
    bodies = reinstalled(app, clock, UNDECIDED - 1)
    assert [app.take(body).status for body in bodies] == [200, 200]
    assert found(app) is not None
    assert folder.rows("SELECT status FROM installations")[0][0] == "active"
    assert app.mention(ADMIN)
    assert [event for event in folder.events() if event.endswith(".settled")] != []


def test_in_doubt_slack_is_asked_at_once_and_what_is_dead_goes(app: BoltApp, folder: Folder) -> None:
    app.install()
    app.slack.uninstall(NORTH)
    assert app.deliver() == [200, 200]
    assert found(app) is None
    assert folder.count()["tokens"] == 0


@pytest.mark.claim("C-61")
def test_while_slack_cannot_be_asked_nobody_is_served_and_slack_says_it_again(
    app: BoltApp, clock: Clock, folder: Folder
) -> None:
    body = reinstalled(app, clock, UNDECIDED - 1)[0]
    app.slack.fault(Fault("auth.test", "html500", times=-1))
    assert app.take(body).status == 500
    with pytest.raises(BoltError, match=r"slackapp: The token cannot be used just now\."):
        found(app)
    assert app.take(body).status == 500
    app.slack.clear_faults()
    assert app.take(body).status == 500, "Slack is not asked in every second"
    clock.advance(15)
    assert app.take(body).status == 200
    assert found(app) is not None


def test_where_slack_says_it_no_more_whoever_looks_up_has_slack_asked(app: BoltApp, clock: Clock) -> None:
    body = reinstalled(app, clock, UNDECIDED - 1)[0]
    app.slack.fault(Fault("auth.test", "html500", times=-1))
    app.take(body)
    app.slack.clear_faults()
    clock.advance(15)
    assert found(app) is not None


def test_a_process_that_died_while_it_asked_leaves_nobody_waiting_for_ever(
    app: BoltApp, clock: Clock, folder: Folder
) -> None:
    body = reinstalled(app, clock, UNDECIDED - 1)[0]
    app.slack.fault(Fault("auth.test", "html500", times=-1))
    app.take(body)
    app.slack.clear_faults()
    clock.set(5)  # leases go by the other clock
    folder.change("UPDATE inbox SET state = 'running', lease_owner = 'dead', lease_until = ?", clock.steady() + 60)
    for seconds in (59, 1):
        clock.advance(seconds)
        with pytest.raises(BoltError):
            found(app)
    clock.advance(1)
    assert found(app) is not None


def test_while_the_database_is_locked_slack_says_it_again(
    app: BoltApp, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)
    app.install()
    app.app.installation_store.close()
    app.slack.uninstall(NORTH)
    bodies = app.events()
    with folder.locked():
        assert [app.take(body).status for body in bodies] == [500, 500]
    assert [app.take(body).status for body in bodies] == [200, 200]
    assert folder.count()["tokens"] == 0


@pytest.mark.parametrize(
    "change", [{"event_time": "now"}, {"event_time": None}, {"event_id": 5}, {"team_id": None}, {"team_id": ["T1"]}]
)
def test_a_body_of_another_form_erases_nothing(app: BoltApp, folder: Folder, change: dict[str, Any]) -> None:
    app.install()
    before = folder.count()
    app.slack.uninstall(NORTH)
    for body in app.events():
        with pytest.raises(BoltError, match=r"slackapp: The body is not an event that can be kept\."):
            app.app.installation_store._reported({**json.loads(body), "authorizations": None, **change})
    assert folder.count() == before


# How it is registered


def test_without_the_apps_secret_slack_could_not_be_asked(stores: Stores) -> None:
    for given in ({"client_secret": ""}, {"app_id": ""}):
        store = stores.installations(managed_rotation=False, **given)
        why = f"{next(iter(given))}= is needed for enable_token_revocation_listeners"
        with pytest.raises(ConfigError, match=f"^{why}$"):
            store.enable_token_revocation_listeners(object())


class AsyncApp:
    """What Bolt's app for asyncio has of it: needs aiohttp, which is not among what tests need."""

    def __init__(self) -> None:
        self.registered: dict[str, tuple[Any, Any]] = {}

    async def async_dispatch(self) -> None:
        raise AssertionError

    def event(self, event_type: str, middleware: list[Any]) -> Callable[[Any], None]:
        def register(listener: Any) -> None:
            self.registered[event_type] = (middleware[0], listener)

        return register


def test_an_app_for_asyncio_waits_in_a_thread_and_goes_on_only_after_that(
    slack: LocalSlack, app: BoltApp, folder: Folder
) -> None:
    app.install()
    slack.uninstall(NORTH)
    made, done = AsyncApp(), []
    app.app.installation_store.enable_token_revocation_listeners(made)
    assert sorted(made.registered) == ["app_uninstalled", "tokens_revoked"]

    async def next_() -> None:
        done.append(folder.count()["tokens"])

    async def deliver() -> None:
        for body in map(json.loads, app.events()):
            middleware, listener = made.registered[body["event"]["type"]]
            await middleware(body=body, next_=next_)
            await listener()

    asyncio.run(deliver())
    assert done == [0, 0]
