"""Installers: users who installed, and the bot: `sql/core/installers.sql`."""

from typing import NamedTuple

from slackapp.model import BOT, Holder, Installation, Sealed, Tenant, Token
from slackapp.store import installations, tokens
from slackapp.store.columns import key_columns, read_holder, read_sealed, sealed_column, tenant_columns
from slackapp.store.engine.database import Database, Row

_WEBHOOK = len(Installation._fields) + 1  # a tenant has two columns
_TOKEN = _WEBHOOK + 2
_INSTALLER = _TOKEN + len(Token._fields) - 2  # whose it is stands in no column of the statement
"""Places in the statement's columns at which another noun begins."""


class Installer(NamedTuple):
    """User who installed, or the bot.

    `generation` is the installation's at that time: whose is the greatest came last. `installed_at` is in Unix seconds,
    with a fraction where a Bolt app gave one. `details` and `webhook` are what a Bolt app gave and no column holds.
    """

    holder: Holder
    generation: int
    installed_at: float
    details: Sealed | None = None
    webhook: Sealed | None = None


class Installed(NamedTuple):
    """An installation with its webhook, the generation that this is bound to, and what there is of the bot."""

    installation: Installation
    webhook: Sealed | None
    webhook_generation: int
    token: Token | None
    installer: Installer | None


def find(db: Database, tenant: Tenant, holder: Holder) -> Installer | None:
    """Finds one user who installed, or the bot."""
    row = db.one("find_installer", key_columns(tenant, holder))
    return _installer(row) if row is not None else None


def find_installed(db: Database, tenant: Tenant) -> Installed | None:
    """Finds what `installations`, `tokens` and `installers` find one by one."""
    row = db.one("find_with_bot", tenant_columns(tenant))
    if row is None:
        return None
    columns = tuple(row)
    webhook, webhook_generation = columns[_WEBHOOK:_TOKEN]
    generation, installed_at, details, own_webhook = columns[_INSTALLER:]
    own = Installer(BOT, generation, installed_at, read_sealed(details), webhook=read_sealed(own_webhook))
    return Installed(
        installation=installations.read_installation(tenant, columns[2:_WEBHOOK]),
        webhook=read_sealed(webhook),
        webhook_generation=webhook_generation,
        token=tokens.read_token(tenant, BOT, columns[_TOKEN:_INSTALLER]) if columns[_TOKEN] is not None else None,
        installer=own if generation is not None else None,
    )


def latest(db: Database, tenant: Tenant) -> Installer | None:
    """Finds the user who installed last."""
    row = db.one("latest_installer", tenant_columns(tenant))
    return _installer(row) if row is not None else None


def list_by_tenant(db: Database, tenant: Tenant) -> list[Installer]:
    """Lists all of them, the bot first."""
    return [_installer(row) for row in db.many("list_installers", tenant_columns(tenant))]


def save(db: Database, tenant: Tenant, installer: Installer) -> None:
    """Inserts the user, or replaces what was known."""
    parameters = {
        **key_columns(tenant, installer.holder),
        "generation": installer.generation,
        "installed_at": installer.installed_at,
        "details": sealed_column(installer.details),
        "webhook": sealed_column(installer.webhook),
    }
    db.execute("save_installer", parameters)


def reseal_details(db: Database, tenant: Tenant, installer: Installer, details: Sealed) -> None:
    """Replaces the details by the same under another data key."""
    db.execute("reseal_installer", {**_generation(tenant, installer), "details": details.blob, "webhook": None})


def reseal_webhook(db: Database, tenant: Tenant, installer: Installer, webhook: Sealed) -> None:
    """Replaces the webhook by the same under another data key."""
    db.execute("reseal_installer", {**_generation(tenant, installer), "details": None, "webhook": webhook.blob})


def delete(db: Database, tenant: Tenant, holder: Holder) -> bool:
    """Deletes one."""
    return db.execute("delete_installer", key_columns(tenant, holder)) == 1


def delete_users(db: Database, tenant: Tenant) -> int:
    """Deletes all but the bot; how many."""
    return db.execute("delete_installer_users", tenant_columns(tenant))


def delete_webhooks(db: Database, tenant: Tenant) -> None:
    """Deletes the incoming webhooks of all of them."""
    db.execute("delete_webhooks", tenant_columns(tenant))


def _generation(tenant: Tenant, installer: Installer) -> dict[str, object]:
    return {**key_columns(tenant, installer.holder), "generation": installer.generation}


def _installer(row: Row) -> Installer:
    details, webhook = read_sealed(row["details"]), read_sealed(row["webhook"])
    return Installer(read_holder(row), row["generation"], row["installed_at"], details, webhook=webhook)
