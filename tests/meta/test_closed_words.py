"""A closed set of words is an enum, named once: code compares with its members, and the database allows its words."""

import ast
import contextlib
import re
import sqlite3
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from slackapp.directory import review
from slackapp.host import channel_list, rows
from slackapp.host import model as host_model
from slackapp.host.checks import risks, roles
from slackapp.host.model import (
    ChannelState,
    ConnectionKind,
    ConnectionStatus,
    ConnectionWay,
    DeliveryWay,
    HostRole,
    MemberStatus,
    MessageReason,
    MessageStatus,
    MessageType,
    ReplyType,
    ReviewDecision,
)
from slackapp.host.rows import ApprovalStatus, DeliveryStatus, UsageAction
from slackapp.importer import sources
from slackapp.model import (
    HolderKind,
    InstallationStatus,
    KeyPurpose,
    KeyState,
    QueueKind,
    QueueState,
    StateOutcome,
    StatePurpose,
    TenantKind,
    TokenFreeze,
    TokenStatus,
    audit,
    enums,
)
from slackapp.runtime import metric_table
from slackapp.store.engine import database, statements
from tests.meta.source import Module, modules, parse
from tests.support.world import empty_database

PLACES = {
    each.__name__
    for each in (
        *(audit, channel_list, database, enums, host_model, metric_table, review, risks, roles, rows),
        *(sources, statements),
    )
}
"""The modules that name closed sets: those of the model, and those that one room has for itself."""
ENUMS = tuple(each for each in StrEnum.__subclasses__() if each.__module__ in PLACES)
WORDS = {str(member) for each in ENUMS for member in each} - {""}
OWN_WORDS = ("localslack/", "model/enums.py")
"""The local Slack is a program of its own, and imports nothing of the model."""
OTHERS_WORDS = {
    ("slack/client.py", "ok"),
    ("checks/lifecycle.py", "app_uninstalled"),
    ("flows/install/finish_install.py", "access_denied"),
}
"""What a call to Slack comes to is a code of an open set, and `ok` one of them; what Slack reports has Slack's name."""

_TENANT = {TenantKind.WORKSPACE, TenantKind.ENTERPRISE}
COLUMNS: dict[tuple[str, str], set[str]] = {
    ("answered", "tenant_kind"): {*_TENANT},
    ("approvals", "status"): {*ApprovalStatus},
    ("review_items", "decision"): {*ReviewDecision},
    ("host_usage", "action"): {*UsageAction},
    ("connections", "delivery"): {*DeliveryWay},
    ("connections", "kind"): {*ConnectionKind},
    ("connections", "status"): {*ConnectionStatus},
    ("connections", "tenant_kind"): {*TenantKind},
    ("connections", "way"): {*ConnectionWay},
    ("data_keys", "purpose"): {*KeyPurpose},
    ("data_keys", "state"): {*KeyState},
    ("data_keys", "tenant_kind"): {*TenantKind},
    ("failing", "tenant_kind"): {*_TENANT},
    ("freezes", "tenant_kind"): {*TenantKind},
    ("host_events", "state"): {*DeliveryStatus},
    ("host_sessions", "role"): {*HostRole},
    ("host_tickets", "role"): {*HostRole},
    ("inbox", "kind"): {*QueueKind},
    ("inbox", "state"): {*QueueState},
    ("inbox", "tenant_kind"): {*_TENANT},
    ("installations", "status"): {*InstallationStatus},
    ("installations", "tenant_kind"): {*_TENANT},
    ("installers", "holder_kind"): {*HolderKind} - {HolderKind.CONNECTION},
    ("channel_states", "state"): {*ChannelState},
    ("channel_states", "tenant_kind"): {*_TENANT},
    ("message_contents", "tenant_kind"): {*_TENANT},
    ("message_replies", "tenant_kind"): {*_TENANT},
    ("message_replies", "type"): {*ReplyType},
    ("messages", "delivery"): {*DeliveryWay},
    ("message_counts", "status"): {
        MessageStatus.SENT,
        MessageStatus.FAILED,
        MessageStatus.PARKED,
        MessageStatus.UNCLEAR,
        MessageStatus.CANCELED,
    },
    ("messages", "reason"): {*MessageReason, ""},
    ("messages", "status"): {*MessageStatus},
    ("messages", "tenant_kind"): {*_TENANT},
    ("messages", "type"): {*MessageType},
    ("members", "role"): {*HostRole},
    ("members", "status"): {*MemberStatus},
    ("outbox", "kind"): {*QueueKind},
    ("outbox", "state"): {*QueueState},
    ("outbox", "tenant_kind"): {*_TENANT},
    ("oauth_states", "outcome"): {*StateOutcome, ""},  # "" while the use is not over
    ("oauth_states", "purpose"): {*StatePurpose},
    ("oauth_states", "tenant_kind"): {*TenantKind},
    ("send_rates", "tenant_kind"): {*_TENANT},
    ("tokens", "freeze"): {*TokenFreeze},
    ("tokens", "holder_kind"): {*HolderKind},
    ("tokens", "status"): {*TokenStatus},
}
"""Table and column → the words that it holds."""
CHECK = re.compile(r"(?:^|,)\s*(\w+)\s+TEXT\b[^,]*?CHECK \(\1 IN \(([^)]*)\)\)", re.MULTILINE | re.DOTALL)
USE = re.compile(r"(?<!:)\b(status|state|outcome|purpose|kind|tenant_kind|holder_kind)\s*(?:=|<>|IN)\s*"
                 r"(\(?(?:\s*'\w*',?)+)")  # fmt: skip


def spelled_words(module: Module) -> Iterator[tuple[int, str]]:
    """Line and word where a word of a closed set is compared with a name or attribute, or is a metric's label."""
    for node in module.nodes:
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Name | ast.Attribute) for side in sides):
                yield from ((node.lineno, word) for side in sides for word in words_of(side))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "count":
            labels = [argument for argument in node.args if isinstance(argument, ast.Dict)]
            yield from ((node.lineno, word) for each in labels for value in each.values for word in words_of(value))
        elif isinstance(node, ast.MatchValue):
            yield from ((node.value.lineno, word) for word in words_of(node.value))


def words_of(side: ast.expr) -> list[str]:
    """The words of closed sets that stand in one side of a comparison: alone, or in a tuple, list or set."""
    parts = side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else [side]
    return [str(part.value) for part in parts if isinstance(part, ast.Constant) and part.value in WORDS]


def literals(module: Module) -> list[str]:
    """The places of a module that should name a member."""
    if module.path.startswith(OWN_WORDS):
        return []
    found = [each for each in spelled_words(module) if (module.path, each[1]) not in OTHERS_WORDS]
    return [
        f"slackapp/{module.path}:{line}: {word!r} is a word of a closed set: name its member" for line, word in found
    ]


def allowed_words(schema: str) -> dict[str, set[str]]:
    """Column → words, for each CHECK of a table that lists them."""
    return {match[1]: set(re.findall(r"'(\w*)'", match[2])) for match in CHECK.finditer(schema)}


def foreign_words(sql: str) -> list[str]:
    """Words in statements that the column they are compared with, or set to, never holds."""
    known: dict[str, set[str]] = {}
    for (_, column), words in COLUMNS.items():
        known.setdefault(column, set()).update(words)
    return [
        f"{match[1]}: {word!r}"
        for match in USE.finditer(sql)
        for word in re.findall(r"'(\w*)'", match[2])
        if word not in known[match[1]]
    ]


def test_no_code_spells_a_word_of_a_closed_set() -> None:
    """Stops a misspelt status, which is equal to nothing and raises nothing."""
    found = [line for module in modules() for line in literals(module)]
    assert not found, "\n".join(found)


def test_every_closed_set_is_looked_for() -> None:
    """Stops an enum whose words the search above does not know."""
    bases = {(module.name, base.id) for module in modules() for node in module.nodes if isinstance(node, ast.ClassDef)
             for base in node.bases if isinstance(base, ast.Name)}  # fmt: skip
    assert {name for name, base in bases if base == "StrEnum"} == PLACES


def test_every_exception_is_used() -> None:
    """Stops an exception that outlives its reason."""
    used = {(module.path, word) for module in modules() for _, word in spelled_words(module)}
    assert used >= OTHERS_WORDS


@pytest.mark.parametrize(
    "text",
    [
        'if token.status == "dead":\n    pass',
        'found = "purging" != installation.status',
        'waits = status in ("suspect", "suspended")',
        'waits = row.state not in {"ready"}',
        'app.metrics.count("slackapp_installs_total", {"result": "unclear"})',
        'match outcome:\n    case "unknown":\n        pass',
    ],
)
def test_a_planted_word_is_found(text: str) -> None:
    """Negative control: stops the search from going blind."""
    assert literals(parse("flows/tokens/use_token.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "if token.status == TokenStatus.DEAD:\n    pass",
        'if error.code == "invalid_auth":\n    pass',
        'if "install" in heading.lower():\n    pass',
        'app.log.error("exchange", {"result": "unclear"})',
    ],
)
def test_other_words_pass(text: str) -> None:
    """Negative control of the other kind: stops a search that flags everything."""
    assert not literals(parse("flows/tokens/use_token.py", text))


def test_each_column_allows_exactly_the_words_of_its_enum(tmp_path: Path) -> None:
    """Stops a member that no row can hold, and a word in a row that no member stands for."""
    file = tmp_path / "slackapp.db"
    file.write_bytes(empty_database())
    with contextlib.closing(sqlite3.connect(file)) as connection:
        tables = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
    found = {(table, column): words for table, sql in tables.items() for column, words in allowed_words(sql).items()}
    assert found == COLUMNS


def test_every_word_of_a_statement_is_one_of_its_column() -> None:
    """Stops a statement that waits for a status which nothing sets."""
    folders = statements.circle_folders()
    files = [file for folder in folders for file in sorted(folder.glob("*.sql"))]
    uses = [match for file in files for match in USE.finditer(file.read_text("utf-8"))]
    assert len(uses) > 50
    assert [line for file in files for line in foreign_words(file.read_text("utf-8"))] == []


def test_a_planted_word_of_a_statement_is_found() -> None:
    """Negative control: stops the search from going blind."""
    assert foreign_words("UPDATE tokens SET status = 'gone' WHERE state IN ('ready', 'runing')") == [
        "status: 'gone'",
        "state: 'runing'",
    ]
