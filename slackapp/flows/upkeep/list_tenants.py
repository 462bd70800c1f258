"""The inventory: every tenant, every unfinished purge, every freeze, and all that is stored of one. No secret in it."""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime
from pathlib import Path

from slackapp.checks import token_refusals
from slackapp.flows.app import App
from slackapp.flows.tokens import needs_reinstall
from slackapp.model import NO_TENANT, Actor, AuditEntry, AuditEvent, Installation, InstallationStatus, Tenant, Token
from slackapp.store import data_keys, freezes, inbox, installations, tokens
from slackapp.store.engine.open_database import open_database


def run(app: App) -> list[Mapping[str, object]]:
    """Lists the tenants, and the pending purges with the status `purging: …`; and who is frozen and not installed.

    A tenant that was purged has no rows any more; one that came back meanwhile has both entries.
    """
    frozen = {freeze.tenant for freeze in freezes.list_all(app.db)}
    installed = installations.list_all(app.db)
    found = [_describe(app, installation, frozen) for installation in installed]
    for tenant in sorted(frozen - {installation.tenant for installation in installed} - {NO_TENANT}):
        entry = {
            "tenant": tenant.id,
            "kind": tenant.kind,
            "status": "not installed",
            "label": app.keyring.label(tenant),
        }
        found.append({**dict.fromkeys(_FIELDS), **entry, "frozen": _frozen(tenant, frozen)})
    for tenant, why in inbox.pending_purges(app.db).items():
        label = app.keyring.label(tenant)
        entry = {"tenant": tenant.id, "kind": tenant.kind, "status": f"purging: {why}", "label": label}
        found.append({**dict.fromkeys(_FIELDS), **entry})
    return found


def count_stored(path: Path) -> int:
    """Counts the tenants in a database that nobody has opened here. Raises StoreError."""
    database = open_database(path)
    try:
        return sum(installations.count_by_status(database).values())
    finally:
        database.close()


def export(app: App, tenant: Tenant, actor: Actor, now: int) -> Iterator[Mapping[str, object]]:
    """Yields each row of a tenant, installed or not, with the name of what it is; nothing is opened.

    It forgets no table, because each circle registers what it has. Raises StoreError.
    """
    # claim: C-123
    app.vault.append_committed(AuditEntry(at=now, event=AuditEvent.TENANT_EXPORTED, actor=actor, tenant=tenant))
    for data in app.tenant_data:
        for fields in data.export(app.db, tenant):
            yield {"data": data.name, **fields}


_FIELDS = (
    "tenant", "kind", "name", "status", "reason", "frozen", "scopes",
    "installer", "installed", "last_used", "last_validated",
    "token_expires", "key", "label", "install_url",
)  # fmt: skip


def _describe(app: App, installation: Installation, frozen: Set[Tenant]) -> Mapping[str, object]:
    tenant = installation.tenant
    stored = tokens.list_by_tenant(app.db, tenant)
    expiries = [token.expires_at for token in stored if token.expires_at is not None]
    keys = sorted({f"{key.provider}/{key.master_version}" for key in data_keys.active(app.db, tenant)})
    return {
        "tenant": tenant.id,
        "kind": tenant.kind,
        "name": installation.name,
        "status": installation.status,
        "reason": installation.status_reason or _token_problems(stored) or None,
        "frozen": _frozen(tenant, frozen),
        "scopes": ",".join(installation.scopes_granted),
        "installer": installation.installer_id,
        "installed": _time(installation.installed_at),
        "last_used": _time(installation.last_used_at),
        "last_validated": _time(installation.last_validated_at),
        "token_expires": _time(min(expiries, default=0)),
        "key": ",".join(keys),
        "label": app.keyring.label(tenant),
        "install_url": needs_reinstall.install_url(app, tenant) if _needs_reinstall(installation) else None,
    }


def _frozen(tenant: Tenant, frozen: Set[Tenant]) -> str | None:
    """Tells which freeze keeps the tenant's tokens closed: the tenant's own, or that of everything."""
    return freezes.EVERYTHING if NO_TENANT in frozen else "tenant" if tenant in frozen else None


def _needs_reinstall(installation: Installation) -> bool:
    """Tells whether a new install helps: the bot's token is dead, or another tenant's."""
    return (
        installation.status == InstallationStatus.NEEDS_REINSTALL
        or installation.status_reason == token_refusals.FOREIGN_TOKEN
    )


def _token_problems(stored: Sequence[Token]) -> str:
    """Lists the tokens that Slack refuses, and why, and those that are another tenant's."""
    refused = [
        token for token in stored if token.refused_since is not None or token.reason == token_refusals.FOREIGN_TOKEN
    ]
    return ", ".join(
        f"{token.holder} {'paused' if token.refused_since is not None else 'suspended'}: {token.reason}"
        for token in refused
    )


def _time(seconds: int) -> str | None:
    """A time in Unix seconds; None for 0, which is no time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None
