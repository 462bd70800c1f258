"""Re-encryption of a tenant under new data keys, its own and its connections', for a suspected loss of its keys.

Who had the old keys and the database has had the tokens in clear: then they must be refreshed or revoked at Slack, too.
Data backups from before end for this tenant, because the keys that open them are gone.

It goes in portions, each a transaction of its own: nobody waits long for the database, however much there is. From the
first on the new keys seal whatever comes. The old ones are retired: they open what they have sealed, until they go with
the last portion. Whatever ends the process in between, everything of the tenant opens; the next run begins anew.
At the end the log is emptied, where old keys and what they sealed lie still; what keeps it from that is told.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from slackapp.checks.capabilities import REENCRYPT
from slackapp.crypto import envelope
from slackapp.errors import CommandError, DecryptError, KeyRevokedError, KeyUnavailableError, StoreBusyError
from slackapp.flows import named_tenants, tenant_data
from slackapp.flows.app import PORTION_ROWS, App, SealedRecord
from slackapp.flows.backup import key_backup
from slackapp.flows.keys import rotate_keys
from slackapp.flows.keys.tenant_keys import MAX_TRIES, KeysChangedError, confirm_keys
from slackapp.model import LOCAL_PROVIDER, Actor, AuditEntry, AuditEvent, AuditRecord, Holder, Tenant
from slackapp.store import data_keys
from slackapp.store.engine.database import Residue
from slackapp.vault.keyring import TenantKeys
from slackapp.vault.secret_reads import TenantOpening, TenantRead


def run_all(
    app: App, claimed_id: str | None, actor: Actor, tell: Callable[[Tenant, int, tuple[int, int]], None]
) -> frozenset[Residue]:
    """Gives the tenant that an id names, or each of all, new keys of the provider that it has.

    Tells of each how many records are resealed, and its number of how many; returns where old keys are left. Raises
    CommandError where one's keys do not open; those before it are done.
    """
    tenants = named_tenants.chosen_tenants(app, claimed_id)
    try:
        for number, tenant in enumerate(tenants, start=1):
            provider = next((key.provider for key in data_keys.active(app.db, tenant)), LOCAL_PROVIDER)
            tell(tenant, _run_or_tell(app, tenant, provider, actor), (number, len(tenants)))
    finally:
        # claim: C-136
        held = app.db.erase_residue()
    return held


def assign(app: App, claimed_id: str, provider: str, actor: Actor) -> tuple[int, frozenset[Residue]]:
    """Gives the tenant that an id names new keys of another provider, and has every process forget the old ones.

    Returns how many records were resealed, and where old keys are left. Raises CommandError.
    """
    tenant = named_tenants.require_installation(app, claimed_id).tenant
    if provider not in app.keyring.provider_names():
        raise CommandError(f"{provider}: is no key provider; SLACKAPP_KEY_COMMANDS names them")
    resealed = _run_or_tell(app, tenant, provider, actor)
    rotate_keys.flush(app, actor, app.clock())
    # claim: C-136
    held = app.db.erase_residue()
    return resealed, held


def _run_or_tell(app: App, tenant: Tenant, provider: str, actor: Actor) -> int:
    try:
        return run(app, tenant, provider, actor)
    except (KeyRevokedError, KeyUnavailableError, DecryptError) as error:
        why = {KeyRevokedError: "withdrawn", KeyUnavailableError: "out of reach"}.get(type(error), "not whole")
        raise CommandError(f"{tenant}: its keys are {why}; those that it has stay") from None


def run(app: App, tenant: Tenant, provider: str, actor: Actor) -> int:
    """Gives the tenant new keys, wrapped by that provider; returns how many records were resealed.

    Raises StoreError.
    """
    for _ in range(MAX_TRIES):
        # 1. open the old keys and make the new ones, outside any transaction
        old = _open_all_keys(app, tenant)
        if old[0].minted:
            return 0  # it has no keys, and so no records
        fresh = [app.keyring.mint(tenant, provider, keys.connection_id) for keys in old]
        read = TenantRead(tenant=tenant, capability=REENCRYPT, purpose="reencrypt", actor=actor)
        (opening,) = app.vault.open_tenants([read], app.keyring)
        done = AuditEntry(
            at=app.clock(),
            event=AuditEvent.KEYS_REENCRYPTED,
            actor=actor,
            tenant=tenant,
            record_kind=AuditRecord.KEY_PROVIDER,
            record_id=provider,
        )
        try:
            resealed = _move_records(app, opening, old, fresh, done=done)
        except KeysChangedError:
            continue
        finally:
            app.keyring.evict(tenant)
        # 4. the old keys go from the key backup, too
        key_backup.write(app)
        return resealed
    raise StoreBusyError("the tenant's keys kept changing")


def _move_records(
    app: App, opening: TenantOpening, old: Sequence[TenantKeys], fresh: Sequence[TenantKeys], *, done: AuditEntry
) -> int:
    """Moves every record over to the new keys; returns how many. Raises KeysChangedError, CommandError."""
    tenant, resealed, found = opening.tenant, 0, PORTION_ROWS
    current = [keys._replace(minted=()) for keys in fresh]
    while found == PORTION_ROWS:
        with app.db.transaction():
            if not resealed:
                # 2. the new keys take the place of the old ones, of which nothing is sealed any more
                older = data_keys.list_ids(app.db, tenant)
                records = _exchange_keys(app, tenant, old, fresh, older=older)
            else:
                _confirm_each(app, tenant, current)
            found = _reseal(opening, islice(records, PORTION_ROWS), fresh)
            resealed += found
            if resealed < PORTION_ROWS:
                # 3. the old keys go once they open nothing that is there; of little, all is done at once, or nothing
                _require_none_left(app, tenant, older)
                _delete_old_keys(app, older, current, done=done._replace(count=resealed))
                return resealed
    _require_none_left(app, tenant, older)
    with app.db.transaction():
        _delete_old_keys(app, older, current, done=done._replace(count=resealed))
    return resealed


def _require_none_left(app: App, tenant: Tenant, older: frozenset[int]) -> None:
    """Requires that no record is under an older key. Raises CommandError: then the keys stay, and it opens."""
    for record in tenant_data.sealed_records(app, tenant):
        # claim: C-132
        if envelope.claimed_key_id(record.sealed.blob) in older:
            raise CommandError(f"{tenant}: not sealed anew: {record.context.kind}; its old keys stay; try again")


def _delete_old_keys(app: App, older: frozenset[int], current: Sequence[TenantKeys], *, done: AuditEntry) -> None:
    """Deletes the old keys, where they and the new ones are still those. Raises KeysChangedError."""
    _confirm_each(app, done.tenant, current)
    if not older <= data_keys.list_ids(app.db, done.tenant):
        raise KeysChangedError
    data_keys.delete_retired(app.db, done.tenant)
    app.vault.append(done)


def _open_all_keys(app: App, tenant: Tenant) -> list[TenantKeys]:
    """Opens the tenant's own keys, and then those of each connection that has any."""
    holders = map(Holder.connection, data_keys.list_connections(app.db, tenant))
    connections = [app.keyring.open_holder_keys(tenant, holder) for holder in holders]
    return [app.keyring.open_tenant_keys(tenant), *connections]


def _confirm_all(app: App, tenant: Tenant, old: Sequence[TenantKeys]) -> None:
    """Confirms that all keys are those that were opened. Raises KeysChangedError."""
    # A connection that is new by now has a key of its own, for which nothing was prepared.
    if data_keys.list_connections(app.db, tenant) != [keys.connection_id for keys in old[1:]]:
        raise KeysChangedError
    _confirm_each(app, tenant, old)


def _confirm_each(app: App, tenant: Tenant, held: Iterable[TenantKeys]) -> None:
    for keys in held:
        confirm_keys(app, tenant, keys, app.clock())


def _exchange_keys(
    app: App, tenant: Tenant, old: Sequence[TenantKeys], fresh: Sequence[TenantKeys], *, older: frozenset[int]
) -> Iterator[SealedRecord]:
    """Retires the old keys and stores the new ones; yields what is sealed under an older one.

    It reads a portion at a time: a row that is written meanwhile is under the new keys. Raises KeysChangedError.
    """
    _confirm_all(app, tenant, old)
    data_keys.retire(app.db, tenant)
    _confirm_each(app, tenant, fresh)
    records = tenant_data.sealed_records(app, tenant)
    return (record for record in records if envelope.claimed_key_id(record.sealed.blob) in older)


def _reseal(opening: TenantOpening, records: Iterable[SealedRecord], fresh: Sequence[TenantKeys]) -> int:
    keys_of = {purpose: keys for keys in fresh for purpose in keys.keys}
    resealed = 0
    for record in records:
        plaintext = opening.open(record.context, record.sealed)
        record.put_back(keys_of[record.context.purpose].seal(record.context, plaintext))
        resealed += 1
    return resealed
