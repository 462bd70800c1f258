"""What each column is for and how closely it is held. `python -m tests.support.data_model` writes docs/data-model.md.

The tables and columns come from the migrations, applied to an empty database; only meaning and class stand in
`column_meanings.py`. A test fails on a column that has none, and on a page that is not what this writes.
"""

import sqlite3
import tempfile
from pathlib import Path

from tests.support.column_meanings import CLASSES, TABLES
from tests.support.world import empty_database

PAGE = Path(__file__).parents[2] / "docs" / "data-model.md"

HEAD = """# The data model

Generated from `sql/migrations/` by `make docs`; a test compares. The database is one SQLite file. Times are Unix
seconds. Ids are empty where there is none, never NULL. All tables are STRICT.

Each column has one of four classes:

| class | what that means |
| --- | --- |
"""

PLACES = (
    ("`SLACKAPP_DATABASE` with `-wal` and `-shm`", "the tables below", "see each table"),
    ("the same name with `.lock`, `.users`, `.alone`", "nothing: files to lock on", "for ever"),
    ("the same name with `.work`", "a copy with its keys", "while a backup is made or restored"),
    ("`SLACKAPP_MASTER_KEY_FILE`", "the master keys, in clear, in a private file", "until they are retired"),
    (
        "`SLACKAPP_KEY_BACKUP_DIR`",
        "all wrapped data keys that are in use, in one signed file",
        "rewritten by every backup, purge and change of keys",
    ),
    (
        "the folder of `slackapp backup`",
        "a copy of all tables without the wrapped keys, and a signed manifest",
        "as you like: a purge reaches it through the keys",
    ),
    (
        "the log, on standard error",
        "request id, route, status, outcome, a keyed hash for the tenant; no query, code, state, token or body",
        "as long as your journal keeps it",
    ),
    (
        "memory of the process",
        "unwrapped data keys; a token for the length of one call",
        "300 seconds for a tenant's key; the three of the service as long as it runs",
    ),
    ("the browser", "one cookie with a random value, for the callback", "ten minutes"),
)

TAIL = """
The service itself stores no email address, no list of members and no file. What people write stands in the body of an
event, sealed, until the app has dealt with it.

What a purge leaves: audit rows, counters under the tenant's keyed hash, and for 48 hours the ids, types and times of
events. None of it has content.

## The tables
"""


def schema() -> dict[str, list[tuple[str, str, bool]]]:
    """Table to columns: name, type, and whether NULL is allowed; as the migrations make them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        file.write_bytes(empty_database())
        connection = sqlite3.connect(file)
        try:
            names = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            )
            return {name: _columns(connection, name) for (name,) in names.fetchall()}
        finally:
            connection.close()


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, str, bool]]:
    rows = connection.execute('SELECT name, type, "notnull" OR pk FROM pragma_table_info(?)', (table,))
    return [(name, kind, not required) for name, kind, required in rows]


def gaps(tables: dict[str, list[tuple[str, str, bool]]]) -> list[str]:
    """Columns without a meaning and a class, and meanings without a column."""
    there = {f"{table}.{column}" for table, columns in tables.items() for column, _, _ in columns}
    known = {f"{name}.{column}" for name, table in TABLES.items() for column in table.columns}
    return sorted(there ^ known)


def page(tables: dict[str, list[tuple[str, str, bool]]]) -> str:
    """docs/data-model.md."""
    lines = [HEAD.rstrip("\n"), *(f"| {name} | {meaning} |" for name, meaning in CLASSES.items()), ""]
    lines += ["## What is stored where, and for how long", "", "| where | what | how long |", "| --- | --- | --- |"]
    lines += [*(f"| {' | '.join(place)} |" for place in PLACES), TAIL.rstrip("\n")]
    for name, table in TABLES.items():
        lines += ["", f"### {name}", "", table.holds, "", f"How long: {table.stays}", ""]
        lines += ["| column | type | class | meaning |", "| --- | --- | --- | --- |"]
        for column, kind, optional in tables[name]:
            group, meaning = table.columns[column]
            lines.append(f"| `{column}` | {kind}{', or NULL' if optional else ''} | {group} | {meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(schema()), encoding="utf-8")
