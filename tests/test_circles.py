"""A circle stands on the core through its registration alone: its data, its records, its place in every command."""

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from slackapp.checks.capabilities import POST
from slackapp.circles import record_limits, require_own_names, require_sealed_records
from slackapp.crypto import records
from slackapp.errors import CapabilityError, ConfigError, KeyMissingError
from slackapp.flows.app import Circle, no_sealed_records
from slackapp.flows.core_data import CORE
from slackapp.flows.removal import purge_tenant
from slackapp.flows.tokens import use_token
from slackapp.flows.tokens.slack_provider import SLACK
from slackapp.model import NO_TENANT, AuditDetail, KeyPurpose, RecordContext, Settings, Tenant
from slackapp.store.queue import Queue
from tests.support.audit_events import page
from tests.support.audit_meanings import wrong
from tests.support.bookmarks.circle import BOOKMARKS, URL_LIMIT
from tests.support.bookmarks.installed import install_bookmarks
from tests.support.bookmarks.meanings import MEANINGS
from tests.support.bookmarks.share import SHARE, BookmarkEvent, add_share
from tests.support.bookmarks.table import keep, url_context
from tests.support.operator import ACTOR, CommandLine, open_shell
from tests.support.token_use import make_use
from tests.support.world import NORTH, SOUTH, make_world

NORTHERN, SOUTHERN = Tenant("T", NORTH), Tenant("T", SOUTH)
CANARY = "https://wiki.example/a/page/that/nobody/else/may/see"


@pytest.fixture
def shell(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandLine]:
    """An operator beside two workspaces, each of which has kept an address."""
    install_bookmarks(tmp_path_factory.getbasetemp(), monkeypatch)
    with open_shell(tmp_path, SLACKAPP_COMPANY="Example") as made:
        for tenant in (NORTHERN, SOUTHERN):
            assert keep(made.world.service.app, tenant, "wiki", CANARY)
        yield made


def opened(shell: CommandLine, tenant: Tenant) -> list[bytes]:
    """What a process that has nothing in memory opens of a tenant's bookmarks."""
    shell.world.restart()
    app = shell.world.service.app
    data = BOOKMARKS.tenant_data[0]
    return [app.keyring.open(record.context, record.sealed) for record in data.sealed_records(app.db, tenant)]


def names(shell: CommandLine, tenant: Tenant) -> list[str]:
    return [row["name"] for row in shell.world.rows("SELECT name FROM bookmarks WHERE tenant_id = ?", tenant.id)]


def test_a_record_of_a_circle_has_the_limit_that_it_registered(shell: CommandLine) -> None:
    keyring, context = shell.world.service.app.keyring, url_context(NORTHERN, "long")
    assert keyring.open(context, keyring.seal(context, bytes(URL_LIMIT))) == bytes(URL_LIMIT)
    with pytest.raises(ValueError, match="a bookmark_url is too large to be sealed"):
        keyring.seal(context, bytes(URL_LIMIT + 1))


def test_what_a_circle_keeps_in_memory_is_made_for_each_process(shell: CommandLine) -> None:
    before = shell.world.service.app.memory["bookmarks"]
    assert before == ["Example"]
    before.append("seen")
    shell.world.restart()
    assert shell.world.service.app.memory["bookmarks"] == ["Example"]


def test_a_circle_sweeps_and_looks_after_what_it_has_each_minute(shell: CommandLine) -> None:
    service = shell.world.service
    for _ in range(2):
        service.local_scheduler.run_due(service.app)
        service.remote_scheduler.run_due(service.app)
        shell.world.clock.advance(59)
    assert service.app.memory["bookmarks"] == ["Example", "swept", "looked after"]


def test_what_the_services_own_key_seals_has_the_limit_that_was_registered(shell: CommandLine) -> None:
    keyring = shell.world.service.app.keyring
    context = RecordContext(NO_TENANT, KeyPurpose.PENDING, "", TakenRecord.DRAFT, "one", 0)
    assert keyring.open(context, keyring.seal(context, bytes(URL_LIMIT))) == bytes(URL_LIMIT)
    with pytest.raises(ValueError, match="a bookmark_draft is too large to be sealed"):
        keyring.seal(context, bytes(URL_LIMIT + 1))


def test_a_circle_that_cannot_begin_leaves_no_database_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(settings: Settings) -> object:
        raise ConfigError("SLACKAPP_NAME: is not for this circle")

    with make_world(tmp_path) as world:
        monkeypatch.setattr("slackapp.app.CIRCLES", (CORE, Circle(name="x", memory=refuse)))
        world.settings = world.settings._replace(database=tmp_path / "another.db")
        with pytest.raises(ConfigError, match="is not for this circle"):
            world.start_process()
        assert not world.settings.database.exists()


class TakenRecord(StrEnum):
    """Kinds of a record that wait before there is a tenant."""

    DRAFT = "bookmark_draft"


class TakenEvent(StrEnum):
    """Events that the core has, too."""

    INSTALLED = "installed"


def act(*arguments: object) -> None:
    """A job, and an addition to the context."""


TAKEN: dict[str, tuple[Circle, str]] = {
    "name": (Circle(name="core"), "core: the name core is registered by core"),
    "tenant_data": (Circle(name="x", tenant_data=CORE.tenant_data[:1]), "x: the data data keys is registered by core"),
    "record_limits": (Circle(name="x", record_limits={"bot_access": 1}), "record bot_access is registered by core"),
    "service_records": (Circle(name="x", service_records={"webhook": 1}), "record webhook is registered by core"),
    "queues": (Circle(name="x", queues=(Queue("inbox"),)), "x: the queue inbox is registered by core"),
    "jobs": (Circle(name="x", jobs={"slackapp.purge": act}), "x: the job slackapp.purge is registered by the core"),
    "context": (Circle(name="x", context={"call": act}), "x: the word of the context call is registered by the core"),
    "capabilities": (Circle(name="x", capabilities=(POST,)), "x: the capability post is registered by the core"),
    "audit_events": (Circle(name="x", audit_events=(TakenEvent,)), "x: the event installed is registered by the core"),
    "token_providers": (Circle(name="x", token_providers=(SLACK,)), "token provider slack is registered by the core"),
}
"""What a circle registers, under a name that the core has."""


@pytest.mark.parametrize("what", TAKEN)
@pytest.mark.claim("C-108", "C-122")
def test_a_circle_that_registers_a_name_of_the_core_is_refused_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Stops what one has sealed from opening as another one's, and a capability from growing under its name."""
    circle, why = TAKEN[what]
    monkeypatch.setattr("slackapp.app.CIRCLES", (CORE, circle))
    with pytest.raises(ValueError, match=re.escape(why)), make_world(tmp_path):
        pass


@pytest.mark.parametrize("what", TAKEN)
@pytest.mark.claim("C-108", "C-122")
def test_two_circles_with_one_name_are_refused(what: str) -> None:
    one = BOOKMARKS._replace(name="one")
    other = Circle(**{"name": "other", what: getattr(one, what)})
    require_own_names((CORE, one))
    with pytest.raises(ValueError, match=re.escape("is registered by one")):
        require_own_names((CORE, one, other))


def test_a_data_of_another_name_and_the_same_table_is_refused() -> None:
    data = BOOKMARKS.tenant_data[0]._replace(name="others")
    with pytest.raises(ValueError, match="x: the table bookmarks is registered by bookmarks"):
        require_own_names((BOOKMARKS, Circle(name="x", tenant_data=(data,))))


@pytest.mark.claim("C-132")
def test_a_circle_that_seals_and_does_not_say_where_is_refused_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stops new keys from closing for ever what a circle forgot to register."""
    forgetful = BOOKMARKS.tenant_data[0]._replace(sealed_records=no_sealed_records)
    for data in ((), (forgetful,)):
        circle = Circle(name="x", record_limits={"x_text": 1}, tenant_data=data)
        monkeypatch.setattr("slackapp.app.CIRCLES", (CORE, circle))
        with pytest.raises(ValueError, match="x: seals x_text, and registers no sealed records"), make_world(tmp_path):
            pass
    require_sealed_records((CORE, BOOKMARKS))


def test_every_kind_of_registration_is_tried() -> None:
    """Stops a kind that comes later from having no line in the table of names."""
    # which are found under the name of its circle
    nameless = {
        "is_on", "memory", "sweep", "remote_upkeep", "is_giving_back", "deliver", "told", "events", "find_connection",
    }  # fmt: skip
    assert TAKEN.keys() == set(Circle._fields) - nameless
    own = {**BOOKMARKS.record_limits, **BOOKMARKS.service_records}
    assert record_limits((CORE, BOOKMARKS)) == {**records.LIMITS, **own}


def test_purge_erases_it_and_verify_looks_for_it(shell: CommandLine) -> None:
    said = shell.good("purge", NORTH)
    assert "     0  bookmarks without a tenant\n" in said
    assert (names(shell, NORTHERN), opened(shell, SOUTHERN)) == ([], [CANARY.encode()])
    shell.change("INSERT INTO bookmarks SELECT 'T', 'T0GONE0001', name, url, made_at FROM bookmarks")
    ended = shell.run("purge", "--verify")
    assert (ended.status, "     1  bookmarks without a tenant\n" in ended.out) == (1, True)


def test_new_data_keys_seal_it_anew(shell: CommandLine) -> None:
    before = shell.world.rows("SELECT url FROM bookmarks WHERE tenant_id = ?", NORTH)
    shell.good("keys", "reencrypt", "--tenant", NORTH)
    assert opened(shell, NORTHERN) == opened(shell, SOUTHERN) == [CANARY.encode()]
    assert before != shell.world.rows("SELECT url FROM bookmarks WHERE tenant_id = ?", NORTH)


def test_a_backup_tries_it_and_a_restore_brings_it_back(shell: CommandLine) -> None:
    folder = shell.folder / "b0"
    shell.good("backup", str(folder))
    assert keep(shell.world.service.app, NORTHERN, "later", CANARY)
    ended = shell.restore(str(folder))
    assert (ended.status, names(shell, NORTHERN), opened(shell, NORTHERN)) == (0, ["wiki"], [CANARY.encode()])
    assert CANARY.encode() not in b"".join(file.read_bytes() for file in folder.iterdir())
    shell.change("UPDATE bookmarks SET url = zeroblob(200) WHERE tenant_id = ?", NORTH)
    ended = shell.run("backup", str(shell.folder / "b1"))
    assert (ended.status, f"{NORTH}: a bookmark_url does not open" in ended.error) == (1, True)


def test_a_restore_erases_it_where_the_tenant_was_purged_since(shell: CommandLine) -> None:
    shell.good("backup", str(shell.folder / "b0"))
    shell.good("purge", NORTH)
    assert shell.restore(str(shell.folder / "b0")).status == 0
    assert (names(shell, NORTHERN), opened(shell, SOUTHERN)) == ([], [CANARY.encode()])


def test_a_backup_of_a_half_purged_tenant_is_purged_to_the_end_after_its_restore(shell: CommandLine) -> None:
    """The keys are gone, the rows are not, when the backup is made; and the process that would go on is gone, too."""
    world = shell.world
    app = world.service.app
    with app.db.transaction():
        purge_tenant.erase(app, NORTHERN, AuditDetail.OPERATOR, ACTOR, world.clock())
    shell.good("backup", str(shell.folder / "b0"))
    assert names(shell, NORTHERN) == ["wiki"]
    assert shell.restore(str(shell.folder / "b0")).status == 0
    world.clock.advance(purge_tenant.RETRY_AFTER)
    world.work()
    assert (names(shell, NORTHERN), opened(shell, SOUTHERN)) == ([], [CANARY.encode()])
    assert purge_tenant.verify(world.service.app)["bookmarks without a tenant"] == 0
    assert world.rows("SELECT state FROM inbox WHERE type = 'slackapp.purge'")[0]["state"] == "done"


def test_an_install_after_it_begins_with_none(shell: CommandLine) -> None:
    app = shell.world.service.app
    with app.db.transaction():
        purge_tenant.erase(app, NORTHERN, AuditDetail.OPERATOR, ACTOR, shell.world.clock())
    purge_tenant.evict(app, NORTHERN)
    assert (names(shell, NORTHERN), keep_late(shell)) == (["wiki"], False)
    assert shell.world.browser().install(NORTH).status == 303
    assert names(shell, NORTHERN) == []


def keep_late(shell: CommandLine) -> bool:
    """Somebody keeps an address while the tenant is being erased."""
    try:
        return keep(shell.world.service.app, NORTHERN, "late", CANARY)
    except KeyMissingError:
        return False


# What it does


def share(shell: CommandLine, share_id: str = "share1") -> int:
    """Somebody has an address posted; how many rows the circle's own threads find."""
    app, general = shell.world.service.app, shell.world.slack.workspaces[NORTH].general
    add_share(app, NORTHERN, share_id, {"channel": general, "text": CANARY})
    return shell.world.service.workers[1].run_due(app)


def test_a_behaviour_adds_one_by_the_word_that_the_circle_adds_to_its_context(shell: CommandLine) -> None:
    world, before = shell.world, []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        context.bookmarks.add("news", CANARY)
        before.extend(names(shell, NORTHERN))

    world.replace_parts(behaviour={"app_mention": act})
    world.work()
    assert before[:1] == ["wiki"], "with the mark, and not before"
    assert names(shell, NORTHERN) == names(shell, SOUTHERN) == ["news", "wiki"]
    added = world.rows("SELECT actor, request_id, tenant_id FROM audit WHERE event = 'bookmark.added'")
    assert {tuple(row) for row in added} == {("worker", "EvWaits0", NORTH), ("worker", "EvWaits1", SOUTH)}
    assert opened(shell, NORTHERN) == [CANARY.encode()] * 2


@pytest.mark.claim("C-124")
def test_a_sealed_effect_whose_key_goes_meanwhile_is_sealed_again_and_not_lost(shell: CommandLine) -> None:
    """Another process gives the tenant new keys between the seal and the row's mark: nothing may vanish."""
    world, runs = shell.world, []

    def act(context: Any, event: Mapping[str, Any]) -> None:
        context.bookmarks.add("news", CANARY)
        if context.tenant == NORTHERN and not runs:
            runs.append(shell.good("keys", "reencrypt", "--tenant", NORTH))

    world.replace_parts(behaviour={"app_mention": act})
    world.work()
    (row,) = world.rows("SELECT state, result FROM inbox WHERE event_id = 'EvWaits0'")
    assert (tuple(row), names(shell, NORTHERN), len(runs)) == (("ready", "StoreBusyError"), ["wiki"], 1)
    world.clock.advance(60)
    world.work()
    (row,) = world.rows("SELECT state FROM inbox WHERE event_id = 'EvWaits0'")
    assert (tuple(row), names(shell, NORTHERN)) == (("done",), ["news", "wiki"])
    assert world.audit().count("bookmark.added") == 2, "one for each tenant"
    assert opened(shell, NORTHERN) == [CANARY.encode()] * 2


def test_a_row_of_its_queue_is_run_by_its_job_with_its_capability_alone(shell: CommandLine) -> None:
    world = shell.world
    assert (share(shell), share(shell)) == (1, 0), "once for each id"
    assert [message["text"] for message in world.slack.messages(NORTH)][-1] == CANARY
    assert world.audit()[-2:] == ["token.read", "bookmark.shared"]
    assert world.facts("token.read")[-1]["capability"] == "share_bookmarks"
    (row,) = world.rows("SELECT state, body FROM bookmark_shares")
    assert tuple(row) == ("done", None)


@pytest.mark.claim("C-108")
def test_its_capability_allows_nothing_else(shell: CommandLine) -> None:
    app = shell.world.service.app
    for method in ("chat.delete", "auth.revoke"):
        with pytest.raises(CapabilityError):
            use_token.call(app, make_use(NORTHERN, ACTOR, method=method, capability=SHARE), {})


def test_a_row_of_its_queue_waits_while_the_tenant_is_frozen_and_goes_with_it(shell: CommandLine) -> None:
    shell.good("freeze", "--tenant", NORTH)
    assert share(shell) == 0
    shell.good("purge", NORTH)
    (row,) = shell.world.rows("SELECT state, result, body FROM bookmark_shares")
    assert tuple(row) == ("done", "purged", None)


def test_an_operator_sees_its_rows_beside_those_of_the_inbox(shell: CommandLine) -> None:
    shell.good("freeze", "--tenant", NORTH)
    share(shell)
    assert "bookmarks.share" in shell.run("inbox", "list", "--wide").out
    assert CANARY in shell.good("inbox", "show", "share1", "--body")


def test_its_route_takes_an_id_and_who_is_calling_is_asked_first(shell: CommandLine) -> None:
    world, bearer = shell.world, {"Authorization": "Bearer an-operator-token-of-forty-characters-xx"}
    assert world.request("GET", f"/bookmarks/{NORTH}").status == 401
    assert "bookmark.listed" not in world.audit()
    answer = world.request("GET", f"/bookmarks/{NORTH}", headers=bearer)
    assert (answer.status, json.loads(answer.body)) == (200, {"id": NORTH, "names": ["wiki"]})
    assert world.audit()[-1] == "bookmark.listed"
    for path in (
        "/bookmarks",
        "/bookmarks/",
        f"/bookmarks/{NORTH}/wiki",
        "/bookmarks/nobody",
        f"/bookmarks/{NORTH}%20",
    ):
        assert world.request("GET", path, headers=bearer).status == 404


def test_its_events_have_their_place_on_the_page() -> None:
    text = page((CORE, BOOKMARKS), {"bookmarks": MEANINGS})
    assert text.startswith(page((CORE,))), "the core's first"
    assert "\n## Bookmarks\n" in text
    for event in BookmarkEvent:
        assert f"| `{event}` | {MEANINGS[event].when} |" in text
    with pytest.raises(KeyError):
        page((CORE, BOOKMARKS), {"bookmarks": {}})


def test_a_row_of_the_audit_that_says_something_else_than_its_meaning_is_found() -> None:
    row = {"event": "bookmark.listed", "actor": "operator", "result": "ok", "detail": "", "record_kind": ""}
    assert wrong(row, MEANINGS) == []
    assert wrong({**row, "actor": "slack", "count": 1}, MEANINGS) == [
        "bookmark.listed: fills count", "bookmark.listed: slack acts",
    ]  # fmt: skip
