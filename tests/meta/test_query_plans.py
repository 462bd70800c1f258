"""No statement reads a whole table that grows, but those that say why."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator

import pytest

from slackapp.store.engine import statements
from slackapp.store.engine.sqlite import SqliteDatabase

GROWING = (
    "installations", "tokens", "data_keys", "inbox", "oauth_states", "audit", "installers",
    "organizations", "members", "purposes", "connections", "quarantines", "host_tickets", "host_sessions",
    "host_token_ids", "idempotency_keys", "approvals", "host_events", "messages", "outbox", "send_rates",
    "templates",
    "message_contents", "channel_states", "message_replies",
    "message_contents",
    "reviews", "review_items",
)  # fmt: skip
WHOLE = {
    # For an operator who asks about all of it.
    "all_keys", "count_by_master", "keys_below", "list_installations", "inbox.page",
    "outcomes_of_tenant", "connection_owners", "message_owners", "outbox.page", "count_connected",
    "list_shadow_installations", "list_lives", "content_owners", "channel_state_owners", "reply_owners",
    # In a copy, or after a restore.
    "empty_keys", "empty_key_owners", "empty_connection_keys", "end_unused_states", "expire_all_attempts",
    # From one end on, and no further than its limit.
    "last_audit", "audit_tail", "add_host_event",
    # Of the few grants that wait.
    "is_any_given_back",
}  # fmt: skip
"""Statements that may, and the reason."""
FULL_SCANS = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")
SMALL = {
    # of the few rows that are so
    "inbox_due", "inbox_given_up", "inbox_held", "inbox_bodies", "tokens_long_lived", "tokens_paused",
    "tokens_without_fingerprint", "messages_queued", "messages_waiting", "messages_parked", "messages_unclear",
    "outbox_due", "outbox_channel", "outbox_given_up", "outbox_held", "outbox_bodies",
    "quarantines_expiry", "connections_expiry", "connections_frozen",
    "host_events_waiting", "host_events_waiting_since", "host_events_given_up",
    "installations_status", "tokens_status",  # of one word per row, counted for the metrics
}  # fmt: skip
"""Indexes that may be read from one end to the other."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("plans") / "slackapp.db"
    made = SqliteDatabase(path)
    made.create_or_migrate()
    made.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        yield connection


def scans(database: sqlite3.Connection, sql: str) -> list[str]:
    """The tables that a statement reads from one end to the other."""
    names = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {sql}", names)]
    found = [match for line in plan if (match := FULL_SCANS.match(line))]
    return [match[1] for match in found if match[1] in (*GROWING, *"itcqms") and match[2] not in SMALL]


def test_no_statement_reads_a_whole_table_that_grows(database: sqlite3.Connection) -> None:
    """Stops a service that is fast while it is new: what is done per request must not depend on what lies there."""
    found = {name for name, query in statements.load_statements().items() if scans(database, query.sql)}
    assert found == WHOLE


def test_a_condition_that_is_not_the_indexs_own_would_be_found(database: sqlite3.Connection) -> None:
    """Negative control: this is how the claim of a row once read all that were done in two days."""
    assert scans(database, "SELECT event_id FROM inbox WHERE state IN ('ready', 'running') ORDER BY next_at") == [
        "inbox"
    ]
    assert not scans(database, "SELECT event_id FROM inbox WHERE state IN ('ready', 'running', 'calling')")
