"""A circle stands on the core through its registration alone: its data, its records, its place in every command."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slackapp.app import record_limits
from slackapp.crypto import records
from slackapp.errors import KeyMissingError
from slackapp.flows.core_data import CORE
from slackapp.flows.removal import purge_tenant
from slackapp.model import AuditDetail, Tenant
from tests.support.bookmarks.circle import BOOKMARKS, URL_LIMIT, BookmarkKind, keep, url_context
from tests.support.bookmarks.installed import install_bookmarks
from tests.support.operator import ACTOR, CommandLine, open_shell
from tests.support.world import NORTH, SOUTH

NORTHERN, SOUTHERN = Tenant("T", NORTH), Tenant("T", SOUTH)
CANARY = "https://wiki.example/a/page/that/nobody/else/may/see"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    """An operator beside two workspaces, each of which has kept an address."""
    install_bookmarks(tmp_path, monkeypatch)
    with open_shell(tmp_path, SLACKAPP_COMPANY="Example") as made:
        for tenant in (NORTHERN, SOUTHERN):
            assert keep(made.world.service.app, tenant, "wiki", CANARY)
        yield made


def opened(shell: CommandLine, tenant: Tenant) -> list[bytes]:
    """What a process that has nothing in memory opens of a tenant's bookmarks."""
    shell.world.restart()
    app = shell.world.service.app
    (data,) = BOOKMARKS.tenant_data
    return [app.keyring.open(record.context, record.sealed) for record in data.sealed_records(app.db, tenant)]


def names(shell: CommandLine, tenant: Tenant) -> list[str]:
    return [row["name"] for row in shell.world.rows("SELECT name FROM bookmarks WHERE tenant_id = ?", tenant.id)]


def test_a_record_of_a_circle_has_the_limit_that_it_registered(shell: CommandLine) -> None:
    keyring, context = shell.world.service.app.keyring, url_context(NORTHERN, "long")
    assert keyring.open(context, keyring.seal(context, bytes(URL_LIMIT))) == bytes(URL_LIMIT)
    with pytest.raises(ValueError, match="a bookmark_url is too large to be sealed"):
        keyring.seal(context, bytes(URL_LIMIT + 1))


@pytest.mark.claim("C-122")
def test_two_circles_with_one_kind_of_record_are_refused() -> None:
    """Stops a value of one circle from opening as another one's: the kind is what tells them apart."""
    assert record_limits((CORE, BOOKMARKS)) == {**records.LIMITS, BookmarkKind.URL: URL_LIMIT}
    other = replace(BOOKMARKS, name="other")
    with pytest.raises(ValueError, match="other: the kind of record bookmark_url is another circle's"):
        record_limits((CORE, BOOKMARKS, other))


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
