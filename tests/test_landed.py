"""A database that an older release left, with all that a service may have in it: it opens, verifies and serves.

`tests/support/landed/make_landed.py` says what is in it and which code has made it.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from slackapp.flows.removal import purge_tenant
from slackapp.localslack import state
from slackapp.model import Tenant
from slackapp.store.engine import statements
from tests.support.operator import CommandLine, open_on, opens_everything
from tests.support.prepared_world import Left
from tests.support.world import NORTH, ORG, ORG_TEAM, SOUTH

PACKED = Path(__file__).parent / "support" / "landed" / "landed.tar.xz"
GONE, THIRD = "T0EVERBB01", "T0EVERAA01"
NEWEST = max(int(file.name[:4]) for file in (statements.sql_directory() / "migrations").glob("*.sql"))


@cache
def landed() -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(PACKED.read_bytes())) as archive:
        members = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        return {name: file.read() for name, file in members.items() if file is not None}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[CommandLine]:
    """An operator who starts today's release on what the older one left."""
    (tmp_path / "state").mkdir()
    known = tmp_path / "state" / "slack.json"
    known.write_bytes(landed()["slack.json"])
    known.chmod(0o600)
    prefix = "files/"
    files = {name.removeprefix(prefix): content for name, content in landed().items() if name.startswith(prefix)}
    left = Left(files, state.load(known), int(json.loads(landed()["now.json"])))
    folder = tmp_path / "service"
    folder.mkdir()
    with open_on(left, folder) as made:
        yield made


def states(shell: CommandLine) -> dict[str, str]:
    rows = shell.world.rows("SELECT event_id, state FROM inbox WHERE event_id LIKE 'Ev-%'")
    return {row["event_id"].removeprefix("Ev-"): row["state"] for row in rows}


def finish_purges(shell: CommandLine) -> None:
    shell.world.clock.advance(purge_tenant.RETRY_AFTER)
    shell.world.work()


def test_it_is_of_an_older_schema_and_is_brought_up_to_date(shell: CommandLine) -> None:
    (row,) = shell.world.rows("SELECT value FROM meta WHERE name = 'schema_version'")
    assert (b"schema_version" in landed()["files/slackapp.db"], row["value"]) == (True, str(NEWEST))
    assert NEWEST > 10


def test_its_audit_verifies_and_goes_on(shell: CommandLine) -> None:
    assert shell.good("audit", "verify").startswith("all rows up to ")
    shell.good("export", NORTH)
    assert shell.good("audit", "verify").startswith("all rows up to ")
    assert len(shell.good("audit", "tail", "--json").splitlines()) > 10


def test_every_key_and_every_token_opens(shell: CommandLine) -> None:
    assert shell.good("keys", "verify") == "21 of 21 data keys unwrap\n"
    assert opens_everything(shell.world)


def test_what_waits_is_run_and_what_was_cut_off_is_shown(shell: CommandLine) -> None:
    assert all(state == event for event, state in states(shell).items())
    shell.world.clock.advance(200)
    shell.world.service.local_scheduler.run_due(shell.world.service.app)
    shell.world.work()
    assert states(shell) == {
        "ready": "done", "running": "done", "calling": "unclear", "unclear": "unclear", "dead": "dead", "done": "done",
    }  # fmt: skip
    shell.good("inbox", "retry", "Ev-dead")
    shell.good("inbox", "drop", "Ev-unclear")
    shell.world.work()
    assert (states(shell)["dead"], states(shell)["unclear"]) == ("done", "done")


@pytest.mark.parametrize("tenant_id", [NORTH, SOUTH, THIRD, ORG])
def test_each_tenant_is_served(shell: CommandLine, tenant_id: str) -> None:
    shell.world.work()
    named = {"team_id": ORG_TEAM, "enterprise_id": tenant_id} if tenant_id == ORG else {"team_id": tenant_id}
    shell.world.slack.called.clear()
    assert shell.world.mention("EvNew", **named).status == 200
    shell.world.work()
    assert [call.ok for call in shell.world.slack.calls] == [True]


def test_tokens_are_refreshed(shell: CommandLine) -> None:
    shell.world.work()
    shell.world.clock.advance(43_300)
    shell.world.slack.called.clear()
    assert shell.world.mention("EvLater").status == 200
    shell.world.work()
    calls = shell.world.slack.calls
    assert (calls[0].method, {call.ok for call in calls}) == ("oauth.v2.access", {True})
    assert "chat.postMessage" in {call.method for call in calls[1:]}


def test_the_half_finished_purge_is_finished(shell: CommandLine) -> None:
    assert shell.run("purge", "--verify").status == 75
    finish_purges(shell)
    assert "     0  event bodies without a tenant\n" in shell.good("purge", "--verify")
    assert purge_tenant.count_remaining(shell.world.service.app, Tenant("T", GONE)) == 0


def test_a_purge_of_what_is_in_it_leaves_nothing(shell: CommandLine) -> None:
    finish_purges(shell)
    gone = shell.blobs(NORTH)
    shell.good("purge", NORTH)
    assert (shell.blobs(NORTH), shell.world.status(NORTH)) == (set(), "")
    content = shell.world.bytes_on_disk()
    assert [blob for blob in gone if blob in content] == []


def test_new_data_keys_seal_everything_anew(shell: CommandLine) -> None:
    before = shell.blobs(NORTH)
    shell.good("keys", "reencrypt", "--tenant", NORTH)
    assert before & shell.blobs(NORTH) == set()
    assert opens_everything(shell.world)


def test_its_backup_is_restored_without_whoever_was_purged_since(shell: CommandLine) -> None:
    ended = shell.restore(str(shell.folder / "b0"))
    assert (ended.status, "4 tenants open whole; 1 were purged since" in ended.out) == (0, True), ended
    assert shell.good("audit", "verify").startswith("all rows up to ")
    assert (shell.world.status(GONE), shell.answers(NORTH, "EvAfter")) == ("", True)
    shell.good("backup", str(shell.folder / "b1"))
    assert shell.restore(str(shell.folder / "b1")).status == 0


def test_who_comes_back_is_installed_anew(shell: CommandLine) -> None:
    assert shell.world.browser().install(GONE).status == 303
    finish_purges(shell)
    assert (shell.world.status(GONE), shell.world.browser().install(NORTH).status) == ("active", 303)
