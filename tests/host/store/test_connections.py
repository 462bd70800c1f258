"""Connections: which status may follow which, whose a tenant is, and what each organization finds."""

import contextlib
import re
import sqlite3
from itertools import product
from typing import Any

import pytest

from slackapp.errors import StoreConstraintError
from slackapp.host.checks.transitions import HELD, NEXT, require_change
from slackapp.host.flows import change_connection
from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.host.rows import ConnectionKey, ConnectionSettings, StatusReason
from slackapp.host.store import connections
from slackapp.model import SCHEDULER, Tenant
from slackapp.store import installations
from slackapp.store.engine import statements
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.meta.sql_text import plain
from tests.store.rows import NORTH, ORG, SOUTH, change, install, look, sealed
from tests.support.connected import ACME, ANN, GLOBEX, NOW, add_member, begin, connect, held, read, state_hash
from tests.support.race import race

PENDING, QUARANTINED, ACTIVE = ConnectionStatus.PENDING, ConnectionStatus.QUARANTINED, ConnectionStatus.ACTIVE
FAILED, REVOKED, SUSPENDED = ConnectionStatus.FAILED, ConnectionStatus.REVOKED, ConnectionStatus.SUSPENDED
NEEDS_RECONNECT = ConnectionStatus.NEEDS_RECONNECT
PAIRS = list(product(ConnectionStatus, repeat=2))
BLANK = dict.fromkeys(("team_name", "team_domain", "bot_user_id", "scope", "installed_by_slack_user_id"), "''")
TENANT_OF = {status: "''" if status in (PENDING, FAILED) else "'T0NORTH001'" for status in ConnectionStatus}


def put_into(db: SqliteDatabase, status: ConnectionStatus) -> ConnectionKey:
    """A connection in that status, as the ways there lead."""
    key = begin(db).key if status in (PENDING, QUARANTINED, FAILED) else connect(db, NORTH).key
    if status == QUARANTINED:
        assert connections.quarantine(db, key, NORTH, "", NOW)
    elif status == FAILED:
        assert connections.fail(db, key, StatusReason.ACCESS_DENIED, NOW)
    elif status == REVOKED:
        assert connections.revoke(db, key, StatusReason.DISCONNECTED, NOW)
    elif status in (SUSPENDED, NEEDS_RECONNECT):
        assert connections.set_status(db, key, status, StatusReason.AGE, now=NOW)
    return key._replace(status=status)


def set_past_our_code(db: SqliteDatabase, status: ConnectionStatus) -> None:
    """As a statement would that somebody forgot to compare: each other rule of the table is kept."""
    holds, tenant = status in HELD, TENANT_OF[status]
    values = {
        "status": f"'{status}'",
        "tenant_kind": "''" if tenant == "''" else "'T'",
        "tenant_id": tenant,
        "team_id": tenant,
        "oauth_state": "zeroblob(32)" if status == PENDING else "NULL",
        "oauth_expires_at": "1" if status == PENDING else "NULL",
        "token_vault_key": "'slack-token-1'" if holds else "NULL",
        **({} if holds else BLANK),
    }
    change(db.path, f"UPDATE connections SET {', '.join(f'{name} = {value}' for name, value in values.items())}")


@pytest.mark.claim("C-150")
@pytest.mark.parametrize(("before", "after"), PAIRS, ids=str)
def test_a_status_follows_only_where_the_table_says_so(
    db: SqliteDatabase, before: ConnectionStatus, after: ConnectionStatus
) -> None:
    """I find a way from a status that ended to one that serves: by our code, or past it."""
    put_into(db, before)
    allowed = before == after or after in NEXT[before]
    if before != after:
        try:
            require_change(before, after)
        except ValueError:
            assert not allowed
        else:
            assert allowed
    if allowed:
        set_past_our_code(db, after)
    else:
        with pytest.raises(sqlite3.IntegrityError, match="does not change so"):
            set_past_our_code(db, after)
    assert look(db.path, "SELECT status FROM connections") == [(str(after if allowed else before),)]


@pytest.mark.claim("C-150")
@pytest.mark.parametrize("status", [status for status in ConnectionStatus if status != PENDING])
def test_a_connection_begins_pending(db: SqliteDatabase, status: ConnectionStatus) -> None:
    begin(db)
    (columns,) = look(db.path, "SELECT group_concat(name) FROM pragma_table_info('connections')")[0]
    others = columns.replace("status,", f"'{status}',", 1).replace("id,", "'000000000000000000000002',", 1)
    with pytest.raises(sqlite3.IntegrityError, match="begins pending"):
        change(db.path, f"INSERT INTO connections ({columns}) SELECT {others} FROM connections")


@pytest.mark.claim("C-150")
@pytest.mark.parametrize(("seen", "after"), [(seen, after) for seen, after in PAIRS if after in NEXT[seen]], ids=str)
def test_a_change_by_whoever_looked_before_somebody_else_changes_nothing(
    db: SqliteDatabase, seen: ConnectionStatus, after: ConnectionStatus
) -> None:
    """I hold a connection as it was, while it is ended."""
    is_status = put_into(db, FAILED if seen in (PENDING, QUARANTINED) else REVOKED if seen != REVOKED else ACTIVE)
    key = is_status._replace(status=seen)
    before = look(db.path, "SELECT * FROM connections")
    does = {
        QUARANTINED: lambda: connections.quarantine(db, key, NORTH, "", NOW),
        ACTIVE: lambda: connections.activate(db, key, held(NORTH), None, now=NOW),
        FAILED: lambda: connections.fail(db, key, StatusReason.NOT_CONFIRMED, NOW),
        REVOKED: lambda: connections.revoke(db, key, StatusReason.DISCONNECTED, NOW),
    }
    done = does.get(after, lambda: connections.set_status(db, key, after, StatusReason.AGE, now=NOW))()
    assert not done
    assert look(db.path, "SELECT * FROM connections") == before


def test_what_is_not_held_has_no_name_no_scope_and_no_setting(db: SqliteDatabase) -> None:
    """A purge keeps ids, states and times; the table itself takes nothing else."""
    connect(db, NORTH)
    for column in ("team_name", "scope", "default_channel_id", "allowed_channels", "bot_user_id"):
        change(db.path, f"UPDATE connections SET {column} = 'something'")
    key = read(db, ACME, f"{1:024}").key
    assert connections.revoke(db, key, StatusReason.DISCONNECTED, NOW + 1)
    (row,) = look(db.path, "SELECT * FROM connections")
    assert "something" not in row
    after = read(db, ACME, f"{1:024}")
    assert (after.tenant, after.organization_id, after.created_at, after.scopes) == (NORTH, ACME, NOW, ())
    for column in ("team_name", "scope", "default_channel_id", "allowed_channels", "bot_user_id"):
        with pytest.raises(sqlite3.IntegrityError):
            change(db.path, f"UPDATE connections SET {column} = 'something'")


# Whose a tenant is


@pytest.mark.claim("C-151")
def test_a_tenant_is_one_organizations(db: SqliteDatabase) -> None:
    """I connect what another organization holds, in whatever of its statuses."""
    mine = connect(db, NORTH)
    for status in (ACTIVE, SUSPENDED, NEEDS_RECONNECT):
        assert connections.is_taken(db, GLOBEX, NORTH, "")
        attempt = begin(db, 9, GLOBEX)
        with pytest.raises(StoreConstraintError, match="UNIQUE"), db.transaction():
            change_connection.activate(db, attempt, held(NORTH), SCHEDULER, NOW)
        with db.transaction():
            assert connections.drop_attempt(db, GLOBEX, attempt.id)
        following = {ACTIVE: SUSPENDED, SUSPENDED: NEEDS_RECONNECT}.get(status)
        if following is not None:
            assert connections.set_status(db, mine.key._replace(status=status), following, StatusReason.AGE, now=NOW)
    assert not connections.is_taken(db, ACME, NORTH, ""), "its own"
    assert not connections.is_taken(db, GLOBEX, SOUTH, "")
    assert connections.revoke(db, mine.key._replace(status=NEEDS_RECONNECT), StatusReason.DISCONNECTED, NOW)
    assert not connections.is_taken(db, GLOBEX, NORTH, "")
    assert connect(db, NORTH, 10, GLOBEX).status == ACTIVE


@pytest.mark.claim("C-151")
def test_an_enterprise_and_its_workspaces_are_one_organizations(db: SqliteDatabase) -> None:
    """I connect the enterprise over a workspace that another one holds, or a workspace under its enterprise."""
    connect(db, NORTH, enterprise_id=ORG.id)
    assert connections.is_taken(db, GLOBEX, ORG, ORG.id)
    assert not connections.is_taken(db, GLOBEX, SOUTH, ORG.id), "two workspaces of an enterprise share no token"
    assert connections.revoke(db, read(db, ACME, f"{1:024}").key, StatusReason.DISCONNECTED, NOW)
    assert not connections.is_taken(db, GLOBEX, ORG, ORG.id)
    connect(db, ORG, 2)
    assert connections.is_taken(db, GLOBEX, SOUTH, ORG.id)
    assert not connections.is_taken(db, GLOBEX, SOUTH, "E0OTHER001")


@pytest.mark.claim("C-151")
def test_a_workspace_that_joined_an_enterprise_since_keeps_it_from_others(db: SqliteDatabase) -> None:
    """I connect the enterprise that another organization's workspace has joined."""
    connect(db, NORTH)
    install(db, NORTH)
    assert not connections.is_taken(db, GLOBEX, ORG, ORG.id)
    installations.join_enterprise(db, NORTH, ORG.id)
    assert connections.is_taken(db, GLOBEX, ORG, ORG.id)
    assert not connections.is_taken(db, ACME, ORG, ORG.id)
    assert not connections.is_taken(db, GLOBEX, SOUTH, ORG.id)


RACER = """
import sys
from pathlib import Path
from slackapp.host.store import connections
from slackapp.store.engine.sqlite import SqliteDatabase
from tests.support.connected import NOW, begin, held, read
from slackapp.host.flows import change_connection
from slackapp.model import SCHEDULER, Tenant
db = SqliteDatabase(Path(sys.argv[1]))
NORTH = Tenant("T", "T0NORTH001")
number = {"acme": 1, "globex": 2}
"""


@pytest.mark.claim("C-151")
def test_of_two_organizations_that_connect_a_tenant_at_once_one_has_it(db: SqliteDatabase) -> None:
    """Two processes find it free, and both go on."""
    for number, organization in ((1, ACME), (2, GLOBEX)):
        begin(db, number, organization)
    run = (
        "lines = []\n"
        "for organization in ('acme', 'globex'):\n"
        "    attempt = read(db, organization, f'{number[organization]:024}')\n"
        "    try:\n"
        "        with db.transaction():\n"
        "            if connections.is_taken(db, organization, NORTH, ''):\n"
        "                continue\n"
        "            done = change_connection.activate(db, attempt, held(NORTH), SCHEDULER, NOW)\n"
        "        lines += [organization] * (done is not None)\n"
        "    except Exception as error:\n"
        "        lines.append(type(error).__name__)\n"
        "print(' '.join(lines))\n"
    )
    said = race(4, RACER, run, str(db.path))
    assert len([word for line in said for word in line.split()]) == 1, said
    assert look(db.path, "SELECT count(*) FROM connections WHERE status = 'active'") == [(1,)]


LIMITED = (
    "import os\n"
    "me = int(os.environ.get('NUMBER', '0')) or os.getpid()\n"
    "won = 0\n"
    "for n in range(1, 5):\n"
    "    attempt = read(db, 'acme', f'{n:024}')\n"
    "    with db.transaction():\n"
    "        if connections.count_held(db, 'acme') >= 2 or attempt.status != 'pending':\n"
    "            continue\n"
    "        tenant = Tenant('T', f'T0000000{n:02}')\n"
    "        won += change_connection.activate(db, attempt, held(tenant), SCHEDULER, NOW) is not None\n"
    "print(won)\n"
)


def test_a_limit_holds_however_many_connect_at_once(db: SqliteDatabase) -> None:
    """I come back from Slack with four workspaces in the same moment, where two are allowed."""
    for number in range(1, 5):
        begin(db, number)
    assert sum(map(int, race(3, RACER, LIMITED, str(db.path)))) == 2
    assert connections.count_held(db, ACME) == 2


# What an organization finds


def test_nothing_is_found_by_the_id_of_a_row_alone(db: SqliteDatabase) -> None:
    """I give the id of another organization's connection."""
    mine = connect(db, NORTH)
    stolen = ConnectionKey(GLOBEX, mine.id, mine.status)
    settings = ConnectionSettings(ANN, "alerts")
    before = look(db.path, "SELECT * FROM connections")
    assert connections.find(db, GLOBEX, mine.id) is None
    assert not connections.set_status(db, stolen, SUSPENDED, StatusReason.AGE, now=NOW)
    assert not connections.revoke(db, stolen, StatusReason.DISCONNECTED, NOW)
    assert not connections.save_settings(db, stolen, settings, None, now=NOW)
    assert not connections.delete(db, GLOBEX, mine.id, NOW)
    assert not connections.drop_attempt(db, GLOBEX, mine.id)
    connections.note_used(db, stolen, NOW + 600)
    connections.note_validated(db, stolen, NOW + 600)
    assert connections.page(db, GLOBEX, ConnectionKind.WORKSPACE) == []
    assert connections.list_held(db, GLOBEX) == []
    assert look(db.path, "SELECT * FROM connections") == before


BY_OTHER = {
    "find_connection_by_state", "find_quarantine", "use_ticket", "find_session", "touch_session", "end_session",
    "use_token_id", "find_binding_of_state",
}  # fmt: skip
"""Found by a secret, of which the database has the hash."""
BY_TENANT = {
    "find_held_connection", "find_personal", "personal_of_tenant", "connections_of_tenant", "export_connections",
    "count_connections", "has_connection_rows",
    "is_tenant_given_back", "find_overlap", "has_other_quarantine",
    "find_message_of", "next_of_channel", "set_message_status", "set_message_sent", "set_message_reason",
    "erase_messages", "list_erased_waiting", "count_messages", "export_messages", "list_message_bodies",
    "find_message_body",
    "reseal_message", "end_turn", "find_running_turn", "end_unclear_turn", "replace_message_body",
    "clear_channel_state", "erase_channel_states", "count_channel_states",
    "export_channel_states",
    "find_message_at", "remove_reaction", "remove_reply", "erase_replies", "count_replies", "export_replies",
    "find_content", "find_kept_body", "erase_contents", "count_contents", "export_contents", "reseal_content",
    "find_free_at", "erase_send_rates", "export_send_rates",
    "find_connection_of_bot", "validate_connections", "list_credentials", "find_webhook_credential",
    "find_connection_of_holder",
}  # fmt: skip
"""Found by Slack's verified tenant."""
BY_CONNECTION = {
    "add_quarantine", "end_quarantine", "lease_quarantine", "delete_quarantine", "release_quarantine",
}  # fmt: skip
"""Of a connection that was found so before."""
BY_REVIEW = {
    "count_decisions", "find_review_item", "list_review_items", "list_open_items", "decide_review_item",
    "end_review_items",
}  # fmt: skip
"""Of a review, or a connection, that was found so before."""
OF_ALL = {
    "list_removed_organizations", "list_organization_ids", "list_aging",
    "connection_owners", "list_expired_attempts", "attempts_under_key",
    "find_due_sweeps", "list_usage", "sweep_usage", "count_connected",
    "expire_all_attempts", "sweep_failed_connections", "list_long_unowned", "list_aged", "list_host_events",
    "sweep_host_events", "list_expired_quarantines", "drop_all_quarantines", "sweep_tickets", "end_tickets_under_key",
    "end_all_tickets", "sweep_sessions", "end_sessions_under_key", "end_all_sessions", "sweep_token_ids",
    "is_delivery_waiting", "due_deliveries", "claim_delivery", "end_delivery", "postpone_delivery", "retry_delivery",
    "retry_given_up", "drop_waiting_deliveries",
    "sweep_idempotent", "sweep_message_counts", "sweep_approvals", "list_switches", "has_workspaces_installed",
    "is_any_given_back",
    "count_unvaulted_connections", "count_overdue_attempts", "list_unfrozen", "list_idle_channels",
    "list_connections_waiting",
    "list_waiting", "list_unclear_since", "list_parked_before", "message_owners",
    "mark_messages_restored", "sweep_send_rates", "sweep_turns", "sweep_contents", "content_owners",
    "channel_state_owners", "sweep_replies", "reply_owners", "list_reminders", "list_overdue_reviews",
    "list_shadow_installations", "list_lives",
}  # fmt: skip
"""For upkeep, an operator, a host key, or the host, which speaks for every organization."""
QUEUE = "outbox."
"""Statements of a queue, which the core has by the tenant: tests/meta/test_alone.py."""
ASKED = re.compile(r"\borganization(?:_id)? (?:= :organization_id|IN \('', :organization_id\))")


def unconfined(text: str) -> bool:
    """Whether a statement finds rows without naming the organization."""
    return not plain(text).startswith("INSERT") and not ASKED.search(text)


def test_every_statement_names_the_organization_or_is_known_by_what_else_it_finds_rows() -> None:
    """Stops a query that finds a row of an organization by another id alone."""
    host = statements.load_folder("host")
    found = {name for name, each in host.items() if unconfined(each.sql) and not name.startswith(QUEUE)}
    assert found == (BY_OTHER | BY_TENANT | BY_CONNECTION | BY_REVIEW | OF_ALL) - {"use_token_id", "add_quarantine"}
    for name in BY_TENANT:
        assert {"tenant_kind", "tenant_id"} <= host[name].parameters
    assert unconfined("SELECT name FROM connections WHERE id = :connection_id"), "negative control"


def test_a_state_finds_its_connection_before_and_after_its_use_and_no_other(db: SqliteDatabase) -> None:
    one, two = begin(db, 1), begin(db, 2, GLOBEX)
    for attempt in (one, two):
        found = connections.find_by_state(db, state_hash(attempt.id))
        assert found is not None
        assert (found.id, found.organization_id) == (attempt.id, attempt.organization_id)
    assert connections.quarantine(db, one.key, NORTH, "", NOW)
    found = connections.find_by_state(db, state_hash(one.id))
    assert found is not None
    assert (found.status, found.state_hash) == (QUARANTINED, state_hash(one.id))
    assert connections.find_by_state(db, bytes(32)) is None


def test_pages_go_through_all_that_were_ever_held_and_were_not_deleted(db: SqliteDatabase) -> None:
    tenants = [Tenant("T", f"T00000000{number}") for number in range(1, 6)]
    made = [connect(db, tenant, number, now=NOW + number // 2) for number, tenant in enumerate(tenants, 1)]
    begin(db, 7)
    assert connections.revoke(db, made[0].key, StatusReason.DISCONNECTED, NOW)
    assert connections.delete(db, ACME, made[0].id, NOW)
    seen: list[str] = []
    after = (0, "")
    while page := connections.page(db, ACME, ConnectionKind.WORKSPACE, after, most=2):
        seen += [each.id for each in page]
        after = (page[-1].created_at, page[-1].id)
    assert seen == [each.id for each in made[1:]]
    assert [each.id for each in connections.list_attempts(db, ACME, ConnectionKind.WORKSPACE)] == [f"{7:024}"]
    assert (connections.count_held(db, ACME), connections.count_attempts(db, ACME)) == (4, 1)
    assert not connections.delete(db, ACME, made[1].id, NOW), "only what is revoked"


def test_whether_anybody_names_a_tenant_counts_every_status_and_organization(db: SqliteDatabase) -> None:
    """Slack is asked to uninstall only where nobody else has anything of it."""
    attempt = begin(db, 1)
    assert connections.quarantine(db, attempt.key, NORTH, ORG.id, NOW)
    assert not connections.has_rows(db, NORTH, ORG.id, besides=attempt.id)
    assert connections.has_rows(db, NORTH, "", besides="")
    assert connections.has_rows(db, ORG, ORG.id, besides=""), "the enterprise over it"
    other = connect(db, SOUTH, 2, GLOBEX, enterprise_id=ORG.id)
    assert connections.has_rows(db, NORTH, ORG.id, besides=attempt.id), "a workspace beside it"
    assert connections.revoke(db, other.key, StatusReason.DISCONNECTED, NOW)
    assert connections.has_rows(db, NORTH, ORG.id, besides=attempt.id), "revoked, too"
    assert connections.fail(db, attempt.key._replace(status=QUARANTINED), StatusReason.NOT_CONFIRMED, NOW)
    assert look(db.path, "SELECT tenant_id, team_id, enterprise_id FROM connections WHERE status = 'failed'") == [
        ("", "", "")
    ]


def test_metadata_go_when_the_attempt_is_over(db: SqliteDatabase) -> None:
    for number, end in enumerate(("failed", "active")):
        attempt = begin(db, number + 1, metadata=sealed(b"a canary"))
        assert attempt.oauth_metadata is not None
        with db.transaction():
            if end == "failed":
                change_connection.fail(db, attempt.key, StatusReason.ACCESS_DENIED, NOW)
            else:
                change_connection.activate(db, attempt, held(NORTH), SCHEDULER, NOW)
        assert read(db, ACME, attempt.id).oauth_metadata is None
        assert b"a canary" not in db.path.read_bytes()


LOOKED_UP = {
    "list_connections": "connections_organization",
    "attempts_of_member": "connections_member",
    "find_held_connection": "connections_held",
    "find_personal": "connections_personal",
    "connections_of_tenant": "connections_tenant",
    "find_connection_by_state": "sqlite_autoindex_connections",
    "list_expired_attempts": "connections_expiry",
    "note_owner_missing": "connections_owner",
    "list_aged": "connections_aging",
    "list_long_unowned": "connections_unowned",
    "sweep_failed_connections": "connections_failed",
    "attempts_under_key": "connections_under_key",
    "find_overlap": "connections_enterprise",
    "list_held_workspaces": "connections_serving",
    "find_newest_ended": "connections_ended",
    "find_ended_connection": "connections_tenant",
    "list_unfrozen": "connections_frozen",
}
"""Statement → the index that finds its rows."""


def test_each_look_up_has_its_index_and_no_index_is_left_over(db: SqliteDatabase) -> None:
    """Stops a page that is fast while there are ten organizations."""
    host = statements.load_folder("host")
    with contextlib.closing(sqlite3.connect(db.path)) as connection:
        for name, index in LOOKED_UP.items():
            plan = connection.execute(f"EXPLAIN QUERY PLAN {host[name].sql}", dict.fromkeys(host[name].parameters, 1))
            assert any(index in row[3] for row in plan), name
        made = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'connections'")
        assert {name for (name,) in made if not name.startswith("sqlite_")} == {
            index for index in LOOKED_UP.values() if not index.startswith("sqlite_")
        }


def test_times_are_noted_to_the_minute_and_for_what_serves(db: SqliteDatabase) -> None:
    made = connect(db, NORTH)
    for later, noted in ((100, 100), (130, 100), (160, 160)):
        connections.note_used(db, made.key, NOW + later)
        assert read(db, ACME, made.id).last_used_at == NOW + noted
    connections.note_validated(db, made.key._replace(status=SUSPENDED), NOW + 300)
    assert read(db, ACME, made.id).last_validated_at == NOW
    connections.note_validated(db, made.key, NOW + 300)
    assert read(db, ACME, made.id).last_validated_at == NOW + 300


def test_lists_of_what_is_over_have_nothing_else(db: SqliteDatabase) -> None:
    begin(db, 1, now=NOW - 601)
    begin(db, 2)
    aged, young = connect(db, NORTH, 3), connect(db, SOUTH, 4)
    settings: dict[str, Any] = {"owner_id": ANN, "purpose_id": "alerts"}
    assert connections.save_settings(db, aged.key, ConnectionSettings(**settings, max_age=60), None, now=NOW)
    assert connections.save_settings(db, young.key, ConnectionSettings(**settings, max_age=600), None, now=NOW)
    assert [key.id for key in connections.list_expired(db, NOW)] == [f"{1:024}"]
    assert [key.id for key in connections.list_expired(db, NOW - 10_000)] == [f"{1:024}", f"{2:024}"], "a clock ahead"
    assert [key.id for key in connections.list_aged(db, NOW + 61)] == [aged.id]
    assert connections.list_aged(db, NOW + 60) == []
    assert {key.id for key in connections.list_under_key(db, "hk1")} == {f"{1:024}", f"{2:024}"}
    assert [key.id for key in connections.list_attempts_of(db, ACME, ANN)] == [f"{1:024}", f"{2:024}"]
    add_member(db, member="bob")
    assert connections.note_owner_missing(db, ACME, "bob", NOW) == []
    assert connections.note_owner_missing(db, ACME, ANN, NOW) == [aged.id, young.id]
    assert connections.note_owner_missing(db, GLOBEX, ANN, NOW) == []
    assert [key.id for key in connections.list_long_unowned(db, NOW + 1)] == [aged.id, young.id]
    connections.note_owner_back(db, ACME, ANN)
    assert connections.list_long_unowned(db, NOW + 1) == []
    assert connections.fail(db, begin(db, 5).key, StatusReason.ACCESS_DENIED, NOW)
    assert (connections.sweep_failed(db, NOW), connections.sweep_failed(db, NOW + 1)) == (0, 1)
