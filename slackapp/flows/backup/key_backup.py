"""The key backup: one file that always holds just the data keys that are in use.

A purge deletes a tenant's keys from the database and, by rewriting this file, from the backup. The data backups, of
which any number may lie around, hold no keys: what they hold of a purged tenant opens never again.
"""

import base64
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slackapp.errors import StoreDamagedError
from slackapp.flows.app import App
from slackapp.model import NO_TENANT, DataKey, KeyState, Tenant, TenantKind
from slackapp.store import data_keys, meta
from slackapp.store.columns import purpose_columns, read_purpose

FORMAT = 1
_WRAPPED_LIMIT = 4096
_LABEL = b"slackapp/v1/key-backup"
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_LOCK_TIMEOUT = 60.0
"""Seconds to wait for another writer."""
_COOLDOWN_KEY = "the key backup"
_BYTES_PER_SECOND, _MAX_COOLDOWN = 1024 * 1024, 30
"""How long it is not written for another purge: a second per MiB, so that it takes a small part of the time."""
_META = (meta.DATABASE_ID, meta.PRIMARY_MASTER_KEY)


@dataclass(frozen=True)
class KeyBackup:
    """A key backup that was read and found whole."""

    app_id: str
    meta: Mapping[str, str]
    keys: tuple[DataKey, ...] = field(repr=False)


def write(app: App) -> None:
    """Rewrites the file from the database; does nothing where no place is set for it. Raises StoreError."""
    with app.key_backup_file.locked(_LOCK_TIMEOUT):
        _write(app)


def remove_tenants(app: App, tenants: Iterable[Tenant], now: int, at_once: bool) -> tuple[frozenset[Tenant], int]:
    """Removes the keys of erased tenants from the file; returns whose remain, and the seconds to wait.

    By whoever is `alone` at the slot: a writer that was under way may have brought keys in. Writes nothing where none
    is in it. And where many tenants have keys, it is not written all the time, unless `at_once`. Raises StoreError.
    """
    content = app.key_backup_file.read()
    if content is not None and is_authentic(app, content):
        # What is there of a tenant and in the database, too, is of a new install.
        tenants = [tenant for tenant in tenants if _ids_in(content, tenant) - _ids_of(app, tenant)]
        if not tenants:
            return frozenset(), 0
    wait = 0 if at_once else app.cooldowns.seconds_left(_COOLDOWN_KEY, now)
    if wait:
        return frozenset(tenants), wait
    _write(app)
    left = min(len(app.key_backup_file.read() or b"") // _BYTES_PER_SECOND, _MAX_COOLDOWN)
    app.cooldowns.start(_COOLDOWN_KEY, left, now)
    return frozenset(), 0


def _write(app: App) -> None:
    """Writes the file, outside any transaction: nobody waits for it, however many tenants there are.

    Its caller is alone at it.
    """
    if not app.key_backup_file.is_set:
        return
    keys = ",".join([_JSON.encode(_to_json(key)) for key in data_keys.list_all(app.db)])
    # After the keys: what wraps them is among these, and may be newer.
    names = (*_META, *(meta.key_check_name(version) for version in sorted(app.keyring.master_versions())))
    kept = {name: value for name in names if (value := meta.get(app.db, name)) is not None}
    around = _JSON.encode({"app_id": app.settings.app_id, "format": FORMAT, "keys": [], "meta": kept})
    content = around.replace('"keys":[', f'"keys":[{keys}', 1).encode()
    mac = app.keyring.audit_mac(_LABEL + content).hex().encode()
    app.key_backup_file.write(content + b"\n" + mac + b"\n")


def parse(content: bytes) -> KeyBackup:
    """Parses a key backup. Raises StoreDamagedError for one that is damaged; `is_authentic` says whose it is."""
    try:
        body = json.loads(content.partition(b"\n")[0])
        keys = tuple(_from_json(key) for key in body["keys"])
        if body["format"] != FORMAT:
            raise ValueError
        return KeyBackup(str(body["app_id"]), {str(key): str(value) for key, value in body["meta"].items()}, keys)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise StoreDamagedError("the key backup is damaged") from None


def is_authentic(app: App, content: bytes) -> bool:
    """Tells whether this database's service wrote it, and nobody changed it since."""
    body, _, mac = content.partition(b"\n")
    return hmac.compare_digest(mac.strip(), app.keyring.audit_mac(_LABEL + body).hex().encode())


def count_wrapped_by(app: App, provider: str, version: int) -> int:
    """Counts the keys in the file that need that master key."""
    return sum((key.provider, key.master_version) == (provider, version) for key in _stored_keys(app))


def count_keys(app: App, tenants: Iterable[Tenant]) -> dict[Tenant, int]:
    """Counts the keys of each of these tenants in the file."""
    content = app.key_backup_file.read() or b""
    return {tenant: len(_ids_in(content, tenant)) for tenant in tenants}


def _ids_in(content: bytes, tenant: Tenant) -> set[int]:
    """The ids of a tenant's keys in the file, without taking it apart: it holds everybody's."""
    whose, found, at = f'"tenant":{_JSON.encode([tenant.kind, tenant.id])}'.encode(), set(), 0
    while (at := content.find(whose, at)) >= 0:
        key = content[content.rfind(b"{", 0, at) : content.find(b"}", at) + 1]
        found.add(int(json.loads(key)["key_id"]))
        at += len(whose)
    return found


def _ids_of(app: App, tenant: Tenant) -> frozenset[int]:
    return data_keys.list_ids(app.db, tenant)


def tenants_in_backup(app: App) -> frozenset[Tenant]:
    """Lists the tenants whose keys are in the file, the service's own aside."""
    return frozenset(key.tenant for key in _stored_keys(app) if key.tenant != NO_TENANT)


def _stored_keys(app: App) -> tuple[DataKey, ...]:
    content = app.key_backup_file.read()
    return parse(content).keys if content is not None else ()


def _to_json(key: DataKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "tenant": [key.tenant.kind, key.tenant.id],
        **purpose_columns(key.purpose),
        "provider": key.provider,
        "master_version": key.master_version,
        "wrapped": base64.b64encode(key.wrapped).decode(),
        "state": key.state,
        "created_at": key.created_at,
    }


def _from_json(found: Mapping[str, Any]) -> DataKey:
    kind, tenant_id = found["tenant"]
    key = DataKey(
        key_id=int(found["key_id"]),
        tenant=Tenant(TenantKind(kind), str(tenant_id)),
        purpose=read_purpose({"connection_id": "", **found}),  # what an older release wrote has no connection
        provider=str(found["provider"]),
        master_version=int(found["master_version"]),
        wrapped=base64.b64decode(found["wrapped"], validate=True),
        state=KeyState(found["state"]),
        created_at=int(found["created_at"]),
    )
    if not 0 < len(key.wrapped) <= _WRAPPED_LIMIT or not 0 < key.key_id < 2**32:
        raise ValueError
    return key
