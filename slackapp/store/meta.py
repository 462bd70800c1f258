"""Settings of the database itself: `sql/meta.sql`."""

from slackapp.store.db import Database


def get(db: Database, name: str) -> str | None:
    """The value, or None."""
    row = db.one("get_meta", {"name": name})
    return str(row["value"]) if row is not None else None


def put(db: Database, name: str, value: str) -> None:
    """Sets or replaces a value."""
    db.execute("set_meta", {"name": name, "value": value})


def put_once(db: Database, name: str, value: str) -> bool:
    """Sets a value that must never change; False when it is set already."""
    return db.execute("set_meta_once", {"name": name, "value": value}) == 1
