"""New data keys for a tenant, and all its records sealed anew: for a suspected loss of its keys.

Who had the old keys and the database has had the tokens in clear: then they must be refreshed or revoked at Slack, too.
Data backups from before end for this tenant, because the keys that open them are gone.
"""

from slackapp.crypto import records
from slackapp.errors import StoreBusyError
from slackapp.flows.app import App
from slackapp.flows.audit import audit_log
from slackapp.flows.backup import key_backup
from slackapp.flows.keys.tenant_keys import TRIES, KeysChangedError, settle
from slackapp.model import Origin, RecordContext, Sealed, Tenant
from slackapp.store import data_keys, inbox, installations, installers, tokens
from slackapp.vault.keyring import TenantKeys


def run(app: App, tenant: Tenant, provider: str, origin: Origin) -> int:
    """Gives the tenant new keys, wrapped by that provider; how many records were sealed anew. Raises StoreError."""
    for _ in range(TRIES):
        # 1. open the old keys and make the new ones, outside any transaction
        old, fresh = app.keyring.prepare(tenant), app.keyring.mint(tenant, provider)
        if old.minted:
            return 0  # it has no keys, and so no records
        # claim: C-25
        audit_log.note_alone(app, "token.read", tenant, origin, "ok", "purpose=reencrypt", app.clock())
        try:
            # 2. in one transaction: every record moved over, the old keys out, the new keys in
            with app.db.transaction():
                settle(app, tenant, old, app.clock())
                moved = _move(app, tenant, fresh)
                for key in data_keys.active(app.db, tenant):
                    data_keys.delete_one(app.db, key)
                settle(app, tenant, fresh, app.clock())
                detail = f"provider={provider} records={moved}"
                audit_log.note(app, "keys.reencrypted", tenant, origin, "ok", detail, app.clock())
                app.keyring.forget(tenant)
        except KeysChangedError:
            app.keyring.forget(tenant)
            continue
        # 3. the old keys go from the key backup, too
        app.keyring.forget(tenant)
        key_backup.write(app)
        return moved
    raise StoreBusyError("the tenant's keys kept changing")


def _move(app: App, tenant: Tenant, fresh: TenantKeys) -> int:
    def reseal(context: RecordContext, sealed: Sealed) -> Sealed:
        return fresh.seal(context, app.keyring.open(context, sealed))

    moved = 0
    for token in tokens.of_tenant(app.db, tenant):
        access = reseal(records.access_of(tenant, token.user_id, token.generation), token.access)
        refresh = None
        if token.refresh is not None:
            refresh = reseal(records.refresh_of(tenant, token.user_id, token.generation), token.refresh)
        tokens.reseal(app.db, token, access, refresh)
        moved += 1
    webhook = installations.find_webhook(app.db, tenant)
    if webhook is not None:
        sealed, generation = webhook
        installations.reseal_webhook(app.db, tenant, reseal(records.webhook_of(tenant, generation), sealed))
        moved += 1
    for installer in installers.of_tenant(app.db, tenant):
        details = webhook_of = None
        if installer.details is not None:
            context = records.details_of(tenant, installer.user_id, installer.generation)
            details = reseal(context, installer.details)
        if installer.webhook is not None:
            context = records.installer_webhook_of(tenant, installer.user_id, installer.generation)
            webhook_of = reseal(context, installer.webhook)
        installers.reseal(app.db, tenant, installer, details, webhook_of)
        moved += (details is not None) + (webhook_of is not None)
    for event_id, body in inbox.bodies(app.db, tenant):
        inbox.reseal_body(app.db, tenant, event_id, reseal(records.body_of(tenant, event_id), body))
        moved += 1
    return moved
