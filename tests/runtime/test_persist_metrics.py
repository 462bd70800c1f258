"""What is counted outlives the process, adds up over processes and names nobody; `/metrics` tells it, and the rest."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slackapp.cli.service import session
from slackapp.errors import StoreFullError
from slackapp.flows.audit import notes
from slackapp.flows.keys import suspend_tenant
from slackapp.flows.tokens import validate_tenant
from slackapp.localslack.model import Fault
from slackapp.model import Actor, ActorKind, Tenant
from slackapp.store import counters
from tests.runtime.test_metrics import Samples, at, parse
from tests.support.prepared_world import Prepared, memory_folder, snapshot_world
from tests.support.world import NORTH, SOUTH, World, make_world, new_service, north_tenant

OPERATOR = {"Authorization": "Bearer an-operator-token-of-forty-characters-xx"}
BEGUN, CHANGES = "slackapp_installs_begun_total", "slackapp_tenant_changes_total"
REFUSED = {"reason": "not_found"}


@pytest.fixture(scope="module")
def installed() -> Iterator[Prepared]:
    with memory_folder() as folder, make_world(folder) as world:
        world.browser().install()
        world.work()
        world.service.app.metrics.persist(world.service.app.db, world.service.app.log)
        yield snapshot_world(world)


@pytest.fixture
def ready(installed: Prepared) -> World:
    """One installation, and its counts in the database."""
    return installed.reset()


def scrape(world: World) -> Samples:
    """What Prometheus gets."""
    reply = world.request("GET", "/metrics", headers=OPERATOR)
    assert reply.status == 200
    return parse(reply.text)


def kept(world: World) -> dict[str, int]:
    """What stands in the database of one metric."""
    rows = world.rows("SELECT labels, value FROM counters WHERE name = 'slackapp_refusals_total'")
    return {row["labels"]: row["value"] for row in rows}


def count(world: World, number: int = 1) -> None:
    for _ in range(number):
        world.service.app.metrics.count("slackapp_refusals_total", REFUSED)


def refused(world: World) -> float | None:
    return at(scrape(world), "slackapp_refusals_total", **REFUSED)


# Kept


def test_the_scheduler_persists_counters_every_five_seconds(ready: World) -> None:
    app, scheduler = ready.service.app, ready.service.local_scheduler
    scheduler.run_due(app)
    count(ready, 3)
    for seconds, expected in ((4, {}), (1, {'reason="not_found"': 3})):
        ready.clock.advance(seconds)
        scheduler.run_due(app)
        assert kept(ready) == expected


def test_nothing_is_written_where_nothing_was_counted(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    app, written = ready.service.app, []
    commit_in_group = app.db.commit_in_group
    monkeypatch.setattr(app.db, "commit_in_group", lambda do: (written.append(do), commit_in_group(do)))
    for number in (0, 2, 0):
        count(ready, number)
        app.metrics.persist(app.db, app.log)
    assert (len(written), kept(ready)) == (1, {'reason="not_found"': 2})


def test_a_database_that_cannot_be_written_loses_no_count_and_ends_nothing(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ready.service.app
    count(ready, 2)
    with monkeypatch.context() as patch:
        patch.setattr(counters, "add", fail)
        app.metrics.persist(app.db, app.log)
        count(ready)
        app.metrics.persist(app.db, app.log)
        assert (kept(ready), refused(ready)) == ({}, 3), "it is shown all the same"
    assert '"event": "counters_wait"' in ready.log.getvalue()
    assert app.health.problems() == {}
    assert refused(ready) == 3
    app.metrics.persist(app.db, app.log)
    assert kept(ready) == {'reason="not_found"': 3}


def fail(*_: object) -> None:
    raise StoreFullError("the database cannot be written")


def test_a_process_that_ends_leaves_nothing_behind_in_memory(ready: World) -> None:
    ready.service.start()
    count(ready, 2)
    ready.restart()
    assert kept(ready) == {'reason="not_found"': 2}
    count(ready)
    assert refused(ready) == 3


def test_counters_are_sums_over_processes(ready: World) -> None:
    other = ready.start_process()
    other.app.metrics.count("slackapp_refusals_total", REFUSED)
    count(ready, 4)
    other.app.metrics.persist(other.app.db, other.app.log)
    other.stop()
    assert refused(ready) == 5


def test_no_number_that_was_shown_goes_down_when_a_process_is_killed(ready: World) -> None:
    """Stops a kill from looking like thousands of failures: to Prometheus, a number that falls has begun anew at 0."""
    count(ready, 5)
    shown = refused(ready)
    count(ready, 7)
    ready.service.app.db.close()  # the first one ends without another word
    ready.service = ready.start_process()
    assert (shown, refused(ready)) == (5, 5)


def test_a_command_leaves_what_it_counted(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "build", lambda *_: ready.start_process())
    monkeypatch.setattr(session, "read_settings", lambda: None)
    with session.open_service() as service:
        service.app.metrics.count("slackapp_refusals_total", REFUSED)
    assert kept(ready) == {'reason="not_found"': 1}


# What is told


def test_an_install_a_second_one_and_its_callbacks_are_told(ready: World) -> None:
    browser = ready.browser()
    browser.install()
    browser.follow_callback(browser.consent(browser.begin(), decision="deny"))
    found = scrape(ready)
    assert at(found, BEGUN) == 3
    results = ("installed", "reinstalled", "declined", "failed")
    assert [at(found, "slackapp_installs_total", result=result) for result in results] == [1, 1, 1, 0]
    assert at(found, "slackapp_callback_seconds_count") == 2, "the two that had a code"
    label = ready.service.app.keyring.label(north_tenant())
    assert at(found, CHANGES, tenant=label, change="reinstalled") == 1
    assert at(found, "slackapp_slack_calls_total", method="oauth.v2.access", result="ok") == 2
    assert at(found, "slackapp_tenants", status="active") == 1


@pytest.mark.parametrize("by", ["operator", "slack"])
def test_who_removed_a_tenant_is_told_and_the_purge_as_long_as_it_waits(ready: World, by: str) -> None:
    if by == "slack":
        ready.clock.advance(301)
        ready.event({"type": "app_uninstalled"})
    else:
        headers = {**OPERATOR, "Content-Type": "application/json"}
        ready.request("POST", "/slack/uninstall", json.dumps({"id": NORTH}).encode(), headers)
    ready.clock.advance(90)
    found = scrape(ready)
    others = {"operator", "slack"} - {by}
    assert at(found, "slackapp_uninstalls_total", by=by) == 1
    assert [at(found, "slackapp_uninstalls_total", by=other) for other in others] == [0]
    waiting = 1 if by == "slack" else 0  # the operator waits for its end
    assert at(found, "slackapp_purges_pending") == waiting
    assert at(found, "slackapp_purges_oldest_seconds") == 90 * waiting
    ready.work()
    found = scrape(ready)
    assert (at(found, "slackapp_purges_pending"), at(found, "slackapp_purges_oldest_seconds")) == (0, 0)
    assert at(found, "slackapp_purges_total", result="complete") == 1
    assert at(found, "slackapp_tenants", status="active") == 0
    assert at(found, CHANGES, tenant=ready.service.app.keyring.label(north_tenant()), change="erased") == 1


def test_events_and_inbox_rows_are_counted(ready: World) -> None:
    ready.mention("EvOne")
    ready.mention("EvOne")
    ready.event({"type": "message"}, "EvTwo")
    ready.event({"type": "something_new_at_slack"}, "EvThree")
    ready.clock.advance(40)
    found = scrape(ready)
    events = {key: value for key, value in found.items() if key[0] == "slackapp_events_total"}
    assert {(dict(labels)["type"], dict(labels)["result"]): value for (_, labels), value in events.items()} == {
        ("app_mention", "kept"): 1,
        ("app_mention", "repeat"): 1,
        ("other", "unhandled"): 2,
    }
    assert at(found, "slackapp_inbox_rows", state="ready") == 1
    assert at(found, "slackapp_inbox_oldest_seconds", state="ready") == 40
    assert at(found, "slackapp_inbox_rows", state="unclear") == 0
    ready.slack.fault(Fault("chat.postMessage", "lost_answer"))
    ready.work()
    found = scrape(ready)
    assert [at(found, "slackapp_inbox_rows", state=state) for state in ("unclear", "ready")] == [1, 0]
    assert at(found, "slackapp_inbox_oldest_seconds", state="unclear") == 40
    assert at(found, "slackapp_inbox_total", result="unclear") == 1


def test_refreshes_and_token_statuses_are_counted(ready: World) -> None:
    label = ready.service.app.keyring.label(north_tenant())
    ready.clock.advance(43_200 - 7200 + 1)
    ready.slack.fault(Fault("oauth.v2.access", "error", error="invalid_refresh_token"))
    ready.service.remote_scheduler.run_due(ready.service.app)
    found = scrape(ready)
    assert at(found, "slackapp_refresh_total", result="refused", reason="invalid_refresh_token") == 1
    assert at(found, CHANGES, tenant=label, change="refresh_refused") == 1
    assert at(found, "slackapp_tokens", status="refresh_refused") == 1
    assert at(found, "slackapp_tokens", status="live") == 0


def test_missing_scopes_are_counted(ready: World) -> None:
    ready.restart(bot_scopes=("app_mentions:read", "chat:write", "commands", "im:write"))
    validate_tenant.run(ready.service.app, north_tenant(), Actor(ActorKind.OPERATOR, "r1"))
    found = scrape(ready)
    assert at(found, "slackapp_token_checks_total", result="ok") == 1
    assert at(found, "slackapp_scope_drift_total", kind="missing") == 1
    assert at(found, "slackapp_scope_drift_total", kind="surplus") == 0
    assert at(found, CHANGES, tenant=ready.service.app.keyring.label(north_tenant()), change="scope_drift") == 1


@pytest.mark.parametrize(
    ("part", "label"),
    [("database", "database"), ("slack", "slack"), ("clock", "clock"), ("clock against Slack's", "skew")],
)
def test_each_problem_is_a_gauge_until_it_ends(ready: World, part: str, label: str) -> None:
    ready.replace_parts(is_worker_running=lambda: True)
    health = ready.service.app.health
    for problem in ("something", None):
        health.set_problem(part, problem)
        found = scrape(ready)
        labels = {
            dict(labels)["part"] for (name, labels), value in found.items() if name == "slackapp_problem" and value
        }
        assert labels == ({label} if problem else set())
        assert at(found, "slackapp_ready") == int(not (problem and part == "database"))
        told = ready.request("GET", "/readyz", environ={"REMOTE_ADDR": "127.0.0.1"})
        assert int(at(found, "slackapp_ready") or 0) == int(told.status == 200)


def test_metrics_show_the_process_and_its_free_disk(ready: World) -> None:
    ready.service.local_scheduler.run_due(ready.service.app)
    found = scrape(ready)
    assert at(found, "slackapp_processes") == 1
    assert (at(found, "slackapp_disk_free_bytes") or 0) > 0
    assert at(found, "slackapp_start_time_seconds") == ready.clock()
    assert at(found, "slackapp_ready") == 0, "no worker runs"


# Whom it names


def test_a_label_is_short_keyed_and_the_same_after_a_restart(ready: World, tmp_path: Path) -> None:
    app = ready.service.app
    labels = [app.keyring.label(tenant) for tenant in (north_tenant(), Tenant("T", SOUTH), Tenant("E", NORTH))]
    assert all(re.fullmatch("[0-9a-f]{12}", label) for label in labels)
    assert len(set(labels)) == 3
    ready.restart()
    assert ready.service.app.keyring.label(north_tenant()) == labels[0]
    new_service(tmp_path)
    with make_world(tmp_path) as other:
        assert other.service.app.keyring.label(north_tenant()) != labels[0], "who has no key cannot try out ids"


NAMES = re.compile(f"{NORTH}|{SOUTH}|Northwind|U0[A-Z0-9]{{5,}}|xox")


def test_no_tenant_is_named_unless_that_is_switched_on_and_never_in_the_table(ready: World) -> None:
    """I can read your monitoring, and want to know who your customers are."""
    label = ready.service.app.keyring.label(north_tenant())
    assert not NAMES.search(ready.request("GET", "/metrics", headers=OPERATOR).text)
    ready.restart(metrics_tenants=True)
    found = scrape(ready)
    assert at(found, CHANGES, tenant=NORTH, change="installed") == 1
    assert at(found, CHANGES, tenant=label, change="installed") is None
    notes.count_tenant_change(ready.service.app, north_tenant(), "suspended")
    ready.service.app.metrics.persist(ready.service.app.db, ready.service.app.log)
    assert not [row for row in ready.rows("SELECT labels FROM counters") if NAMES.search(row["labels"])]


def test_a_tenant_that_is_gone_is_a_hash_even_then(ready: World) -> None:
    ready.restart(metrics_tenants=True)
    label = ready.service.app.keyring.label(north_tenant())
    headers = {**OPERATOR, "Content-Type": "application/json"}
    ready.request("POST", "/slack/uninstall", json.dumps({"id": NORTH}).encode(), headers)
    text = ready.request("GET", "/metrics", headers=OPERATOR).text
    assert at(parse(text), CHANGES, tenant=label, change="erased") == 1
    assert NORTH not in text


def suspend(world: World) -> None:
    for _ in range(2):
        suspend_tenant.suspend(world.service.app, north_tenant(), Actor(ActorKind.WORKER, ""))


def die(world: World) -> None:
    world.slack.fault(Fault("chat.postMessage", "error", error="token_revoked"))
    world.slack.invalidate_refresh_tokens(NORTH)
    world.mention()
    world.work()


@pytest.mark.parametrize(("change", "act"), [("suspended", suspend), ("token_dead", die)])
def test_what_happens_to_a_tenant_is_counted_once(ready: World, change: str, act: Callable[[World], object]) -> None:
    act(ready)
    assert at(scrape(ready), CHANGES, tenant=ready.service.app.keyring.label(north_tenant()), change=change) == 1
