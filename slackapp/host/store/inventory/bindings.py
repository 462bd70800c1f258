"""Connections that organizations hold and have held, and their credentials: `sql/host/inventory.sql`."""

from slackapp.host.inventory import BEGIN, Credential, InventoryEntry, Position, WebhookCredential
from slackapp.host.model import ConnectionKind, ConnectionStatus
from slackapp.host.rows import ConnectionKey
from slackapp.host.store.inventory import token_uses
from slackapp.model import HolderKind, Tenant, Token
from slackapp.store.columns import by_word, read_columns, read_tenant, tenant_columns
from slackapp.store.engine.database import Database
from slackapp.store.installations import split_scopes

_KINDS, _STATUSES, _HOLDERS = by_word(ConnectionKind), by_word(ConnectionStatus), by_word(HolderKind)


def page(db: Database, organization_id: str, after: Position = BEGIN, *, most: int) -> list[InventoryEntry]:
    """Lists the inventory of an organization, what was removed too, behind that position."""
    kind, created_at, connection_id = after
    asked = {"organization_id": organization_id, "kind": kind, "after_at": created_at, "after": connection_id}
    found = []
    for row in db.many("list_inventory", {**asked, "most": most}):
        fields = read_columns(row)
        del fields["tenant_kind"], fields["tenant_id"], fields["scope"]
        words = {"kind": _KINDS[row["kind"]], "status": _STATUSES[row["status"]], "rotates": bool(row["rotates"])}
        lists = {"scopes": split_scopes(row["scope"]), "allowed_channels": split_scopes(row["allowed_channels"])}
        found.append(InventoryEntry(**{**fields, **words, **lists, "tenant": read_tenant(row)}))
    return found


def list_credentials(db: Database, entry: InventoryEntry) -> list[Credential]:
    """Lists the tokens of what is held; those of an installation's users belong to its workspace connection."""
    connection_id = entry.id if entry.kind is ConnectionKind.PERSONAL else ""
    found = []
    for row in db.many("list_credentials", {**tenant_columns(entry.tenant), "connection_id": connection_id}):
        words = {"holder_kind": _HOLDERS[row["holder_kind"]], "rotates": bool(row["rotates"])}
        found.append(Credential(**{**read_columns(row), **words, "scopes": split_scopes(row["scopes"])}))
    return found


def find_webhook(db: Database, tenant: Tenant) -> WebhookCredential | None:
    """Finds the incoming webhook of a tenant."""
    row = db.one("find_webhook_credential", tenant_columns(tenant))
    return WebhookCredential(*row) if row is not None else None


def list_organizations(db: Database, after: str, most: int = 200) -> list[str]:
    """Lists ids of organizations, behind that one."""
    return [row["organization_id"] for row in db.many("list_organization_ids", {"after": after, "most": most})]


def note_validated(db: Database, tenant: Tenant, now: int) -> None:
    """Notes on what serves in a tenant that its tokens live."""
    db.execute("validate_connections", {**tenant_columns(tenant), "now": now})


def save_scopes(db: Database, token: Token, scopes: tuple[str, ...], now: int) -> ConnectionKey | None:
    """Saves the scopes of a token with its connection, inside a transaction; None where it is nobody's, or has them."""
    found = token_uses.find_connection(db, token.tenant, token.holder)
    if found is None:
        return None
    changed = {"organization_id": found[0], "connection_id": found[1], "scope": ",".join(scopes), "now": now}
    rows = db.many("set_connection_scopes", changed)
    return ConnectionKey(found[0], found[1], _STATUSES[rows[0]["status"]]) if rows else None


def list_aging(db: Database, now: int, notice: int) -> list[ConnectionKey]:
    """Lists active connections that are too old soon, and of which the host was not told yet, at most 100."""
    rows = db.many("list_aging", {"now": now, "latest": now + notice, "long_age": 4 * notice})
    return [ConnectionKey(row["organization_id"], row["id"], ConnectionStatus.ACTIVE) for row in rows]


def note_age_told(db: Database, key: ConnectionKey, now: int) -> bool:
    """Notes that the host is told; False where it was already."""
    told = {"organization_id": key.organization_id, "connection_id": key.id, "now": now}
    return db.execute("note_age_told", told) == 1
