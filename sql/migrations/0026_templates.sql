-- What an organization says again and again: messages with variables. They are the organization's, and of no tenant.
CREATE TABLE templates (
    organization_id TEXT    NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    name            TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    content         TEXT    NOT NULL CHECK (length(content) <= 65536),     -- JSON: the fields for Slack
    changed_by      TEXT    NOT NULL,                   -- the member; '' for the host itself
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, name)
) STRICT;
