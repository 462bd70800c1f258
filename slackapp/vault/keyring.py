"""Seals and opens records: the only way from a row to a plaintext.

    master key (a private file) → wraps → data key (one per tenant and purpose) → derives → key of one record

Data keys are unwrapped on use and kept in memory, at most 4,096 of them and each for at most 300 s. Nothing that they
open is kept. When a key is gone from the database, its records are gone: there is no other copy to fall back on.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from slackapp.crypto import envelope
from slackapp.crypto.records import LIMITS
from slackapp.errors import ConfigError, DecryptError, KeyMissingError, KeyRevokedError, KeyUnavailableError
from slackapp.model import (
    LOCAL_PROVIDER,
    NO_TENANT,
    Clock,
    ConnectionPurpose,
    DataKey,
    DataKeyPurpose,
    Entropy,
    Holder,
    HolderKind,
    KeyPurpose,
    KeyTest,
    NewKey,
    ProviderHealth,
    RecordContext,
    Sealed,
    Secret,
    Tenant,
)
from slackapp.store import data_keys, meta
from slackapp.store.engine.database import Database
from slackapp.vault.providers import KeyContext, KeyProvider, LocalProvider, check_health

PURPOSES = (KeyPurpose.BOT, KeyPurpose.USER, KeyPurpose.REFRESH, KeyPurpose.DATA)
SERVICE_PURPOSES = (KeyPurpose.STATE, KeyPurpose.AUDIT, KeyPurpose.LABEL, KeyPurpose.FINGERPRINT, KeyPurpose.PENDING)
LABEL_LENGTH = 12
CACHE_KEYS = 4096
CACHE_SECONDS = 300


@dataclass(frozen=True)
class PlainKey:
    """A data key in clear."""

    key_id: int
    purpose: DataKeyPurpose
    key: bytes = field(repr=False)


class TenantKeys(NamedTuple):
    """Keys of a tenant, or of one of its connections, in clear, for the length of one flow."""

    app_id: str
    entropy: Entropy
    fingerprint: Callable[[Secret], bytes]
    limits: Mapping[str, int]
    keys: Mapping[DataKeyPurpose, PlainKey]
    minted: tuple[NewKey, ...]
    connection_id: str | None = None

    @property
    def key_ids(self) -> frozenset[int]:
        """The ids of all of them."""
        return frozenset(key.key_id for key in self.keys.values())

    def seal(self, context: RecordContext, plaintext: bytes) -> Sealed:
        """Seals under the key of the context's purpose."""
        key = self.keys.get(context.purpose)
        if key is None:
            raise KeyMissingError
        if len(plaintext) > self.limits[context.kind]:
            raise ValueError(f"a {context.kind} is too large to be sealed")
        bound = envelope.record_context(self.app_id, context)
        return Sealed(envelope.seal(key.key, key.key_id, bound, plaintext, random=self.entropy(envelope.RANDOM_BYTES)))


class Keyring:
    """The data keys of one database, and the providers that wrap them."""

    def __init__(
        self,
        db: Database,
        local: LocalProvider,
        others: Sequence[KeyProvider],
        reload_local: Callable[[], None],
        epoch: int,
        app_id: str,
        entropy: Entropy,
        clock: Clock,
        limits: Mapping[str, int] = LIMITS,
    ) -> None:
        self._db = db
        self._local = local
        providers: tuple[KeyProvider, ...] = (local, *others)
        self._providers = {provider.provider_id: provider for provider in providers}
        self._reload_local = reload_local
        self._app_id = app_id
        self._entropy = entropy
        self._clock = clock
        self._limits = limits
        """Bytes of plaintext by kind of record: the core's, and those of the circles."""
        self._lock = threading.Lock()
        self._cache: OrderedDict[Tenant, _CachedKeys] = OrderedDict()
        self._evictions = 0
        """How often anything was dropped from the cache."""
        self._epoch = epoch
        self.label = lru_cache(CACHE_KEYS)(self._label)
        """Derives a short keyed hash that stands for the tenant in log and metrics."""
        self._audit_key = self._label_key = self._fingerprint_key = b""

    # Records

    def seal(self, context: RecordContext, plaintext: bytes) -> Sealed:
        """Seals under the active key of the tenant and purpose. Raises KeyMissingError for a tenant without keys.

        Does not ask first whether another process has changed the keys: whoever stores what was sealed looks whether
        its key is still there. Opening always asks.
        """
        key = self._active(context.tenant, context.purpose)
        return self._tenant_keys({context.purpose: key}).seal(context, plaintext)

    def open(self, context: RecordContext, sealed: Sealed, epoch: int | None = None) -> bytes:
        """Opens a record where it belongs. Raises DecryptError, for every reason alike. `epoch`: see `reload`."""
        key = self._by_id(context.tenant, envelope.key_id_of(sealed.blob), epoch)
        # claim: C-33
        if key is None or key.purpose != context.purpose:
            raise DecryptError
        bound = envelope.record_context(self._app_id, context)
        return envelope.open_sealed(key.key, key.key_id, bound, sealed.blob, limit=self._limits[context.kind])

    def open_or_reread(
        self, context: RecordContext, sealed: Sealed, reread: Callable[[], Sealed | None], epoch: int | None = None
    ) -> bytes:
        """Opens a record that was just read, and reads it once more where it was sealed anew meanwhile.

        Raises DecryptError.
        """
        try:
            return self.open(context, sealed, epoch)
        except DecryptError:
            current = reread()
            if current is None or current == sealed:
                raise
        return self.open(context, current)

    def open_data(self, context: RecordContext, sealed: Sealed, reread: Callable[[], Sealed | None]) -> bytes:
        """Opens, in the same way, a record that is no token; a token is opened by the vault alone."""
        # claim: C-117
        if context.purpose != KeyPurpose.DATA:
            raise DecryptError
        return self.open_or_reread(context, sealed, reread)

    def open_tenant_keys(self, tenant: Tenant) -> TenantKeys:
        """The tenant's keys, to seal with inside a transaction; for a new tenant, keys that are yet to be stored."""
        self._try_reload()
        opened = self._cached(tenant)
        active = {row.purpose: self._unwrapped(opened, row) for row in data_keys.active(self._db, tenant)}
        return self._tenant_keys(active) if active else self.mint(tenant, LOCAL_PROVIDER)

    def open_holder_keys(self, tenant: Tenant, holder: Holder) -> TenantKeys:
        """Opens the keys that seal a holder's tokens: a connection's own; for all other holders the tenant's.

        A connection's first key is wrapped by whoever wraps its tenant's.
        """
        if holder.kind != HolderKind.CONNECTION:
            return self.open_tenant_keys(tenant)
        self._try_reload()
        row = data_keys.active_for(self._db, tenant, ConnectionPurpose(holder.id))
        if row is None:
            provider = next((key.provider for key in data_keys.active(self._db, tenant)), LOCAL_PROVIDER)
            return self.mint(tenant, provider, holder.id)
        key = self._unwrapped(self._cached(tenant), row)
        return self._tenant_keys({row.purpose: key}, connection_id=holder.id)

    def mint(self, tenant: Tenant, provider: str, connection_id: str | None = None) -> TenantKeys:
        """Makes new keys for every purpose of the tenant, or a connection's own; wrapped, and not stored yet."""
        purposes = PURPOSES if connection_id is None else (ConnectionPurpose(connection_id),)
        made = [self._mint(tenant, purpose, provider) for purpose in purposes]
        keys = {new.purpose: PlainKey(new.key_id, new.purpose, key) for new, key in made}
        return self._tenant_keys(keys, tuple(new for new, _ in made), connection_id)

    def _tenant_keys(
        self,
        keys: Mapping[DataKeyPurpose, PlainKey],
        minted: tuple[NewKey, ...] = (),
        connection_id: str | None = None,
    ) -> TenantKeys:
        return TenantKeys(
            app_id=self._app_id,
            entropy=self._entropy,
            fingerprint=self.fingerprint,
            limits=self._limits,
            keys=keys,
            minted=minted,
            connection_id=connection_id,
        )

    def evict(self, tenant: Tenant) -> None:
        """Drops the tenant's keys from memory."""
        with self._lock:
            self._evictions += 1
            self._cache.pop(tenant, None)

    def evict_expired(self) -> None:
        """Drops the keys whose time in memory is over, also of tenants that nobody asks for any more."""
        now = self._clock()
        with self._lock:
            for tenant in [tenant for tenant, opened in self._cache.items() if not _is_fresh(opened, now)]:
                del self._cache[tenant]

    # Wrapping

    def rewrap(self, key: DataKey, provider: str) -> tuple[int, bytes]:
        """Wraps the same data key by that provider's newest master key: its version and the wrapped key."""
        context = KeyContext(self._app_id, key.tenant, str(key.purpose), key.key_id)
        return self._provider(provider).wrap(context, self._unwrap(key).key)

    def try_key(self, key: DataKey) -> KeyTest:
        """Tries a key, past the cache: `ok`, `broken`, or `withheld` by its owner's provider."""
        try:
            return KeyTest.OK if len(self._unwrap(key).key) == envelope.KEY_BYTES else KeyTest.BROKEN
        except (KeyRevokedError, KeyUnavailableError):
            return KeyTest.WITHHELD
        except DecryptError:
            return KeyTest.BROKEN

    def provider_names(self) -> frozenset[str]:
        """The providers that are configured."""
        return frozenset(self._providers)

    # What other processes do to the keys

    def reload(self, epoch: int | None = None) -> int:
        """Reads a changed key file, or forgets on a flush, by the key epoch in the database; returns the epoch.

        Whoever has just read it says so. Raises ConfigError when the changed file cannot be used; then everything
        stays as it was.
        """
        epoch = meta.key_epoch(self._db) if epoch is None else epoch
        if epoch != self._epoch:
            with self._lock:
                self._evictions += 1
                self._cache.clear()  # first: a flush must work even where the key file does not
                self._reload_local()
                self._epoch = epoch
        return epoch

    def master_versions(self) -> frozenset[int]:
        """The versions of the local master key that this process can unwrap with."""
        return self._local.versions

    def provider_health(self, name: str) -> ProviderHealth:
        """Tries the provider of that name."""
        provider = self._providers.get(name)
        if provider is None:
            return ProviderHealth.NOT_CONFIGURED
        return check_health(provider, self._app_id, self._entropy)

    def master_key_check(self, version: int) -> str:
        """A local master key's check value for this database."""
        return self._local.check_value(version, self._app_id, meta.get(self._db, meta.DATABASE_ID) or "")

    # The service's own keys

    def make_service_keys(self, now: int) -> None:
        """Gives a new database its keys for states and for the audit; run by every process at start."""
        while not self._have_service_keys(now):
            self._reload_local()  # the primary is another one since: what it does not wrap may be lost
        opened = {purpose: self._active(NO_TENANT, purpose).key for purpose in SERVICE_PURPOSES}
        self._audit_key, self._label_key = opened[KeyPurpose.AUDIT], opened[KeyPurpose.LABEL]
        self._fingerprint_key = opened[KeyPurpose.FINGERPRINT]

    def _have_service_keys(self, now: int) -> bool:
        have = {key.purpose for key in data_keys.active(self._db, NO_TENANT)}
        missing = [
            self._mint(NO_TENANT, purpose, LOCAL_PROVIDER)[0] for purpose in SERVICE_PURPOSES if purpose not in have
        ]
        if not missing:
            return True
        with self._db.transaction():
            primary = meta.primary_master_key(self._db)
            # claim: C-92
            if any(key.master_version != primary for key in missing):
                return False
            for key in missing:
                data_keys.add(self._db, NO_TENANT, key, now)  # whoever comes first wins
        return True

    def state_key(self) -> tuple[int, bytes]:
        """Id and bytes of the key that new states are signed with. As with sealing: whoever takes a state back asks."""
        key = self._active(NO_TENANT, KeyPurpose.STATE)
        return key.key_id, key.key

    def state_key_by_id(self, key_id: int) -> bytes | None:
        """The key of that id; None when there is none such, or it is for something else."""
        key = self._by_id(NO_TENANT, key_id)
        return key.key if key is not None and key.purpose == KeyPurpose.STATE else None

    def audit_mac(self, data: bytes) -> bytes:
        """HMAC-SHA-256 under the audit's own key."""
        return envelope.hmac_sha256(self._audit_key, data)

    def _label(self, tenant: Tenant) -> str:
        return envelope.hmac_sha256(self._label_key, f"{tenant.kind} {tenant.id}".encode()).hex()[:LABEL_LENGTH]

    def fingerprint(self, token: Secret) -> bytes:
        """Derives the keyed hash by which a token is found, and from which nobody wins it back: 32 bytes.

        Keyed, so that who has the database alone cannot even tell whether a token that he holds is in it.
        """
        # claim: C-110
        return envelope.hmac_sha256(self._fingerprint_key, token.reveal().encode())

    # Where the keys come from

    def _by_id(self, tenant: Tenant, key_id: int, epoch: int | None = None) -> PlainKey | None:
        self._try_reload(epoch)
        opened = self._cached(tenant)
        if key_id not in opened.by_id:
            row = data_keys.find(self._db, tenant, key_id)
            return self._unwrapped(opened, row) if row is not None else None
        return opened.by_id[key_id]

    def _active(self, tenant: Tenant, purpose: DataKeyPurpose) -> PlainKey:
        """Finds the active key of a tenant and purpose. Raises KeyMissingError."""
        opened = self._cached(tenant)
        if purpose not in opened.active:
            row = data_keys.active_for(self._db, tenant, purpose)
            if row is None:
                raise KeyMissingError
            opened.active[purpose] = self._unwrapped(opened, row)
        return opened.active[purpose]

    def _try_reload(self, epoch: int | None = None) -> None:
        try:
            self.reload(epoch)
        except ConfigError:
            return  # the worker logs it; a bad new file is no reason to stop serving with the old keys

    def _cached(self, tenant: Tenant) -> "_CachedKeys":
        """Finds what of the tenant's keys is in memory."""
        now = self._clock()
        with self._lock:
            found = self._cache.get(tenant)
            if found is not None and _is_fresh(found, now):
                self._cache.move_to_end(tenant)
                return found
            return _CachedKeys(now, self._evictions, {}, {})

    def _unwrapped(self, opened: "_CachedKeys", row: DataKey) -> PlainKey:
        if row.key_id not in opened.by_id:
            # Not under the lock: a provider may be far away, and one tenant's must not hold up the others'.
            opened.by_id[row.key_id] = self._unwrap(row)
            with self._lock:
                if opened.drops == self._evictions:  # what was dropped in between must not come back
                    self._cache[row.tenant] = opened
                while len(self._cache) > CACHE_KEYS // len(PURPOSES):
                    self._cache.popitem(last=False)
        return opened.by_id[row.key_id]

    def _unwrap(self, row: DataKey) -> PlainKey:
        context = KeyContext(self._app_id, row.tenant, str(row.purpose), row.key_id)
        key = self._provider(row.provider).unwrap(context, row.master_version, row.wrapped)
        return PlainKey(row.key_id, row.purpose, key)

    def _provider(self, name: str) -> KeyProvider:
        provider = self._providers.get(name)
        if provider is None:
            raise KeyUnavailableError  # its setting was taken away; the key may come back
        return provider

    def _mint(self, tenant: Tenant, purpose: DataKeyPurpose, provider: str) -> tuple[NewKey, bytes]:
        # A random id, not a counter: after an old backup is restored, a counter would give the id of another key again.
        key_id = int.from_bytes(self._entropy(4), "big") or 1
        key = self._entropy(envelope.KEY_BYTES)
        context = KeyContext(self._app_id, tenant, str(purpose), key_id)
        version, wrapped = self._provider(provider).wrap(context, key)
        return NewKey(key_id, purpose, provider, version, wrapped=wrapped), key


class _CachedKeys(NamedTuple):
    """Keys of a tenant that were used, in memory."""

    since: int
    drops: int
    by_id: dict[int, PlainKey]
    active: dict[DataKeyPurpose, PlainKey]


def _is_fresh(opened: _CachedKeys, now: int) -> bool:
    return 0 <= now - opened.since < CACHE_SECONDS
