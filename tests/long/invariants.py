"""What must hold whenever and wherever a process was killed."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from slackapp.flows import backup_database, purge_tenant, rotate_keys, verify_audit
from slackapp.keys.keyring import PURPOSES, SERVICE_PURPOSES
from tests.support.world import World

HALF_INSTALLS = """
    SELECT i.tenant_id FROM installations AS i
     WHERE (SELECT count(*) FROM tokens AS t WHERE t.tenant_id = i.tenant_id) <> 2
        OR (SELECT count(*) FROM data_keys AS k WHERE k.tenant_id = i.tenant_id AND k.state = 'active') <> 4
        OR (i.webhook IS NULL) <> (i.tenant_kind = 'E')"""
STRAYS = """
    SELECT tenant_id FROM {table}
     WHERE tenant_id <> '' AND NOT EXISTS (
           SELECT 1 FROM installations AS i WHERE i.tenant_id = {table}.tenant_id
     ) {more}"""


def broken(world: World) -> list[str]:
    """What does not hold, in words; empty when all does. Every install in these worlds has two tokens."""
    app = world.service.app
    found = [f"{row[0]}: half an install" for row in world.rows(HALF_INSTALLS)]
    for table, more in (("tokens", ""), ("data_keys", ""), ("inbox", "AND body IS NOT NULL")):
        strays = world.rows(STRAYS.format(table=table, more=more))
        found += [f"{row[0]}: {table} without an installation" for row in strays]
    own = world.rows("SELECT purpose FROM data_keys WHERE tenant_id = '' ORDER BY purpose")
    if sorted(row[0] for row in own) != sorted(SERVICE_PURPOSES):
        found.append("the service's own keys are not one of each")
    found += [f"{row[0]}: no key" for row in _without_purpose(world)]
    found += [f"data key {key_id} does not unwrap" for key_id in rotate_keys.broken_keys(app)]
    found += backup_database.unreadable(app)
    found += verify_audit.run(app, None)
    if not app.db.is_whole():
        found.append("the database is not whole")
    for file in (world.settings.database, world.settings.master_key_file):
        if file.stat().st_mode & 0o077:
            found.append(f"others can read {file.name}")
    return found


def _without_purpose(world: World) -> list[tuple[str]]:
    rows = world.rows("SELECT tenant_id, purpose FROM data_keys WHERE tenant_id <> '' AND state = 'active'")
    kept: dict[str, set[str]] = {}
    for row in rows:
        kept.setdefault(row["tenant_id"], set()).add(row["purpose"])
    return [(f"{tenant} {set(PURPOSES) - purposes}",) for tenant, purposes in kept.items() if purposes != set(PURPOSES)]


def secrets_in(folder: Path, secrets: Iterable[str]) -> list[str]:
    """Files in which a token, code, refresh token or webhook of Slack's lies in clear."""
    files = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    needles = [secret.encode() for secret in secrets]
    return [
        f"{file.name}: {needle[:12]!r}" for file, content in files.items() for needle in needles if needle in content
    ]


def leftovers(folder: Path) -> list[str]:
    """What a killed backup or restore began and a later one did not clear away, where it holds keys that are in use."""
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'slackapp.db'}?mode=ro", uri=True)) as connection:
        keys = [row[0] for row in connection.execute("SELECT wrapped FROM data_keys")]
    found = set()
    for file in folder.rglob(".*/*.db*"):
        content = file.read_bytes()
        if any(key in content for key in keys):
            found.add(f"wrapped keys stay in {file.parent.name.partition('-')[0]}-…/{file.name}")
    return sorted(found)


def not_purged(world: World, tenant_id: str, wrapped: Iterable[bytes]) -> list[str]:
    """What is left of a tenant after its purge is complete."""
    found = [f"{where}: {number}" for where, number in purge_tenant.verify(world.service.app).items() if number]
    if world.status(tenant_id):
        found.append("it is installed")
    if not world.rows("SELECT 1 FROM audit WHERE event = 'purge.complete' AND tenant_id = ?", tenant_id):
        found.append("the purge is not complete")
    files = [*world.folder.glob("slackapp.db*"), *(world.folder / "keys").iterdir()]
    content = b"".join(file.read_bytes() for file in files)
    return found + ["a wrapped key is still there" for key in wrapped if key in content]
