"""Re-encryption of a tenant under new data keys, for a suspected loss of its keys.

Who had the old keys and the database has had the tokens in clear: then they must be refreshed or revoked at Slack, too.
Data backups from before end for this tenant, because the keys that open them are gone.
"""

from collections.abc import Iterable, Iterator

from slackapp.checks.capabilities import REENCRYPT
from slackapp.errors import CommandError, DecryptError, KeyRevokedError, KeyUnavailableError, StoreBusyError
from slackapp.flows import tenant_data
from slackapp.flows.app import App
from slackapp.flows.backup import key_backup
from slackapp.flows.keys import rotate_keys
from slackapp.flows.keys.tenant_keys import MAX_TRIES, KeysChangedError, confirm_keys
from slackapp.model import LOCAL_PROVIDER, Actor, AuditEntry, AuditEvent, AuditRecord, Tenant
from slackapp.store import data_keys
from slackapp.vault.keyring import TenantKeys
from slackapp.vault.secret_reads import TenantOpening, TenantRead


def run_all(app: App, tenants: Iterable[Tenant], actor: Actor) -> Iterator[tuple[Tenant, int]]:
    """Gives each tenant new keys of the provider that it has; yields whose records are resealed, and how many.

    Raises CommandError where its keys do not open; those before it are done.
    """
    for tenant in tenants:
        provider = next((key.provider for key in data_keys.active(app.db, tenant)), LOCAL_PROVIDER)
        yield tenant, _run_or_tell(app, tenant, provider, actor)


def assign(app: App, tenant: Tenant, provider: str, actor: Actor) -> int:
    """Gives the tenant new keys of another provider, and has every process forget the old ones.

    Returns how many records were resealed. Raises CommandError.
    """
    if provider not in app.keyring.provider_names():
        raise CommandError(f"{provider}: is no key provider; SLACKAPP_KEY_COMMANDS names them")
    resealed = _run_or_tell(app, tenant, provider, actor)
    rotate_keys.flush(app, actor, app.clock())
    return resealed


def _run_or_tell(app: App, tenant: Tenant, provider: str, actor: Actor) -> int:
    try:
        return run(app, tenant, provider, actor)
    except (KeyRevokedError, KeyUnavailableError, DecryptError) as error:
        why = {KeyRevokedError: "withdrawn", KeyUnavailableError: "out of reach"}.get(type(error), "not whole")
        raise CommandError(f"{tenant}: its keys are {why}; nothing of it was changed") from None


def run(app: App, tenant: Tenant, provider: str, actor: Actor) -> int:
    """Gives the tenant new keys, wrapped by that provider; returns how many records were resealed.

    Raises StoreError.
    """
    for _ in range(MAX_TRIES):
        # 1. open the old keys and make the new ones, outside any transaction
        old, fresh = app.keyring.open_tenant_keys(tenant), app.keyring.mint(tenant, provider)
        if old.minted:
            return 0  # it has no keys, and so no records
        read = TenantRead(tenant=tenant, capability=REENCRYPT, purpose="reencrypt", actor=actor)
        (opening,) = app.vault.open_tenants([read], app.keyring)
        try:
            # 2. in one transaction: every record moved over, the old keys out, the new keys in
            with app.db.transaction():
                confirm_keys(app, tenant, old, app.clock())
                resealed = _reseal_all(app, opening, fresh)
                for key in data_keys.active(app.db, tenant):
                    data_keys.delete_key(app.db, key)
                confirm_keys(app, tenant, fresh, app.clock())
                app.vault.append(
                    AuditEntry(
                        at=app.clock(),
                        event=AuditEvent.KEYS_REENCRYPTED,
                        actor=actor,
                        tenant=tenant,
                        record_kind=AuditRecord.KEY_PROVIDER,
                        record_id=provider,
                        count=resealed,
                    )
                )
                app.keyring.evict(tenant)
        except KeysChangedError:
            app.keyring.evict(tenant)
            continue
        # 3. the old keys go from the key backup, too
        app.keyring.evict(tenant)
        key_backup.write(app)
        return resealed
    raise StoreBusyError("the tenant's keys kept changing")


def _reseal_all(app: App, opening: TenantOpening, fresh: TenantKeys) -> int:
    resealed = 0
    for record in tenant_data.sealed_records(app, opening.tenant):
        record.put_back(fresh.seal(record.context, opening.open(record.context, record.sealed)))
        resealed += 1
    return resealed
