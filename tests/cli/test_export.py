"""`slackapp export`: all that is stored of a tenant, in plain fields, and nothing that opens anything."""

import json
from typing import Any

import pytest

from tests.support.operator import SEALED, CommandLine
from tests.support.world import NORTH, SOUTH


def export(shell: CommandLine, tenant_id: str = NORTH) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shell.good("export", tenant_id).splitlines()]


def test_every_row_of_the_tenant_is_there_and_no_other_ones(shell: CommandLine) -> None:
    counted = {
        "data_keys": 4, "installations": 1, "tokens": 2, "installers": 1, "inbox": 2, "oauth_states": 1, "answered": 1,
    }  # fmt: skip
    for table, number in counted.items():
        assert len(shell.world.rows(f"SELECT 1 FROM {table} WHERE tenant_id = ?", NORTH)) == number
    rows = export(shell)
    assert len(rows) == sum(counted.values())
    assert SOUTH not in json.dumps(rows)
    (installation,) = (row for row in rows if "team_name" in row)
    assert (installation["team_id"], installation["status"], installation["webhook"]) == (NORTH, "active", "sealed")
    assert [row["holder"] for row in rows if "access" in row] == ["bot", installation["installer_id"]]


@pytest.mark.claim("C-18")
def test_no_secret_is_in_it_sealed_or_open(shell: CommandLine) -> None:
    said = shell.good("export", NORTH)
    for secret in shell.world.slack.issued_tokens:
        assert secret not in said
    for blob in shell.blobs(NORTH):
        assert blob.hex() not in said
    assert said.count('"sealed"') >= len(SEALED)


@pytest.mark.claim("C-123")
def test_whoever_exports_stands_in_the_audit_before_the_first_row(shell: CommandLine) -> None:
    export(shell)
    (note,) = shell.world.rows("SELECT * FROM audit WHERE event = 'tenant.exported'")
    assert (note["actor"], note["tenant_id"], note["result"]) == ("operator", NORTH, "ok")


def test_after_a_purge_only_ids_and_times_are_left(shell: CommandLine) -> None:
    shell.good("purge", NORTH)
    rows = export(shell)
    assert {row["data"] for row in rows} == {"event bodies", "outcomes of installs and calls"}
    assert [row for row in rows if row.get("has_body")] == []


def test_of_a_tenant_that_never_was_nothing_is_stored(shell: CommandLine) -> None:
    ended = shell.run("export", "T0NOBODY01")
    assert (ended.status, ended.out, ended.error) == (0, "", "T0NOBODY01: nothing is stored for it\n")


def test_what_is_no_id_is_refused_before_a_database_is_opened(shell: CommandLine) -> None:
    ended = shell.run("export", "everybody")
    assert (ended.status, ended.out) == (2, "")
    assert "is not the id of a team (T…) or an enterprise (E…)" in ended.error
