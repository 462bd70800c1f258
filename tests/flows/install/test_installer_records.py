"""What a Bolt app keeps of who installed: sealed like a token, and reached by whatever reaches tokens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slackapp.crypto import records
from slackapp.store import installers
from slackapp.store.installers import Installer
from tests.support.operator import CommandLine, open_shell, tenant
from tests.support.world import NORTH


@pytest.fixture
def detailed(folder: Path) -> Iterator[CommandLine]:
    """One tenant, and the details and the webhook of who installed it."""
    with open_shell(folder, tenants=(NORTH,)) as shell:
        app, user = shell.world.service.app, known(shell)
        place = (tenant(NORTH), user.holder, user.generation)
        details = app.keyring.seal(records.installer_details_context(*place), b"details")
        webhook = app.keyring.seal(records.installer_webhook_context(*place), b"webhook")
        with app.db.transaction():
            installers.save(app.db, tenant(NORTH), user._replace(details=details, webhook=webhook))
        yield shell


def known(shell: CommandLine) -> Installer:
    (found,) = installers.list_by_tenant(shell.world.service.app.db, tenant(NORTH))
    return found


def opened(shell: CommandLine) -> tuple[bytes, bytes]:
    """By a process that has nothing in memory."""
    shell.world.restart()
    keyring, user = shell.world.service.app.keyring, known(shell)
    assert user.details is not None
    assert user.webhook is not None
    place = (tenant(NORTH), user.holder, user.generation)
    details = keyring.open(records.installer_details_context(*place), user.details)
    return details, keyring.open(records.installer_webhook_context(*place), user.webhook)


def test_assigning_a_provider_reseals_installer_records(detailed: CommandLine) -> None:
    before = known(detailed)
    assert "8 records sealed anew" in detailed.good("keys", "assign", NORTH, "local")
    after = known(detailed)
    assert after.details != before.details
    assert after.webhook != before.webhook
    assert opened(detailed) == (b"details", b"webhook")


@pytest.mark.parametrize(("column", "kind"), [("details", "installer"), ("webhook", "installer_webhook")])
def test_a_backup_reports_an_installer_record_that_does_not_open(detailed: CommandLine, column: str, kind: str) -> None:
    assert detailed.run("backup", str(detailed.folder / "b0")).status == 0
    detailed.change(f"UPDATE installers SET {column} = zeroblob(200)")
    ended = detailed.run("backup", str(detailed.folder / "b1"))
    assert (ended.status, f"{NORTH}: a {kind} does not open" in ended.error) == (1, True)


def test_a_restore_brings_installer_records_back(detailed: CommandLine) -> None:
    detailed.good("backup", str(detailed.folder / "b0"))
    detailed.change("DELETE FROM installers")
    assert detailed.restore(str(detailed.folder / "b0")).status == 0
    assert opened(detailed) == (b"details", b"webhook")


def test_a_purge_erases_installer_records(detailed: CommandLine) -> None:
    user = known(detailed)
    detailed.good("purge", NORTH)
    assert detailed.world.count("installers") == 0
    stored = detailed.world.bytes_on_disk()
    assert [sealed for sealed in (user.details, user.webhook) if sealed and sealed.blob in stored] == []
