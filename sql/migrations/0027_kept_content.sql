-- What messages said stays for as many days as the organization wishes: 0, not at all.
ALTER TABLE organizations ADD COLUMN content_days INTEGER NOT NULL DEFAULT 0 CHECK (content_days BETWEEN 0 AND 365);
CREATE TABLE message_contents (
    message_id      TEXT    NOT NULL PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    organization_id TEXT    NOT NULL,
    tenant_kind     TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id       TEXT    NOT NULL,
    body            BLOB    NOT NULL CHECK (length(body) BETWEEN 98 AND 262144),
    kept_at         INTEGER NOT NULL,
    kept_until      INTEGER NOT NULL
) STRICT;
CREATE INDEX message_contents_organization ON message_contents (organization_id, kept_until, message_id);
CREATE INDEX message_contents_age ON message_contents (kept_until, message_id);
CREATE INDEX message_contents_tenant ON message_contents (tenant_kind, tenant_id, message_id);
-- What belongs to a message: its replies and changes.
CREATE INDEX messages_target ON messages (organization_id, target_id, number) WHERE target_id <> '';
