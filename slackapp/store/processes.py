"""The serving processes: `sql/core/processes.sql`."""

from typing import NamedTuple

from slackapp.store.engine.database import Database, Row

HEARTBEAT_TIMEOUT = 60
"""Seconds since its last sign of life after which a process counts as dead.

By the clock that nobody sets: a wall clock that is set makes no live process dead, for which a rotation of keys would
not wait. What was seen much later than now was seen in an earlier boot.
"""


class Process(NamedTuple):
    """A serving process and the versions of the master key that it can unwrap with."""

    process_id: str
    seen_at: int
    key_epoch: int
    master_versions: frozenset[int]


def save_heartbeat(db: Database, process_id: str, key_epoch: int, master_versions: frozenset[int], steady: int) -> None:
    """Saves a sign of life."""
    listed = ",".join(str(version) for version in sorted(master_versions))
    parameters = {"process_id": process_id, "key_epoch": key_epoch, "master_versions": listed, "now": steady}
    db.execute("beat", parameters)


def list_live(db: Database, steady: int) -> list[Process]:
    """Lists processes with a heartbeat within the last minute."""
    return [_process(row) for row in db.many("live_processes", _time_window(steady))]


def list_ids(db: Database) -> list[str]:
    """Lists the processes that have not signed off, also those that are dead."""
    return [row["process_id"] for row in db.many("list_processes", {})]


def delete(db: Database, process_id: str, steady: int) -> None:
    """Deletes a process at its end, and those that died without one."""
    db.execute("forget_process", {"process_id": process_id, **_time_window(steady)})


def _process(row: Row) -> Process:
    versions = frozenset(int(version) for version in row["master_versions"].split(",") if version)
    return Process(row["process_id"], row["seen_at"], row["key_epoch"], versions)


def _time_window(steady: int) -> dict[str, object]:
    return {"since": steady - HEARTBEAT_TIMEOUT, "latest": steady + HEARTBEAT_TIMEOUT}
