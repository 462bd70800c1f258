"""Settings of the database itself: `sql/core/meta.sql`."""

from slackapp.store.engine.database import Database

DATABASE_ID = "database_id"
PRIMARY_MASTER_KEY = "primary_master_key"
KEY_EPOCH = "key_epoch"
BOUND_TO = "bound_to"
"""The app that every sealed value is bound to: its id; its client id where the database was made without knowing it."""
CLIENT_ID = "client_id"
BRAKE_SINCE = "brake_since"
"""Since when the brake holds, in Unix seconds; "" while it does not."""
BRAKE_RELEASED_AT = "brake_released_at"
"""When the operator has released it last."""


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


def key_check_name(version: int) -> str:
    """Names the row of a master key's check value."""
    return f"key_check:{version}"


def key_since_name(version: int) -> str:
    """Names the row that says since when a master key is, or was, the primary."""
    return f"key_since:{version}"


def primary_master_key(db: Database) -> int:
    """The version that wraps new data keys."""
    return int(get(db, PRIMARY_MASTER_KEY) or 0)


def key_epoch(db: Database) -> int:
    """Grows with everything that other processes must notice of the keys."""
    return int(get(db, KEY_EPOCH) or 0)


def bump_key_epoch(db: Database) -> int:
    """Tells the other processes to look at the keys anew; inside a transaction."""
    epoch = key_epoch(db) + 1
    put(db, KEY_EPOCH, str(epoch))
    return epoch
