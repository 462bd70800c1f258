-- What was counted, over all processes and restarts. Labels are as in the text format of Prometheus, sorted by name; a
-- tenant stands there as a keyed hash.
CREATE TABLE counters (
    name   TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    labels TEXT    NOT NULL CHECK (length(labels) <= 1000),
    value  INTEGER NOT NULL CHECK (value >= 0),
    PRIMARY KEY (name, labels)
) STRICT, WITHOUT ROWID;

-- The service has a third key of its own: for those hashes. SQLite cannot change a CHECK.
CREATE TABLE data_keys_2 (
    key_id         INTEGER NOT NULL PRIMARY KEY CHECK (key_id BETWEEN 1 AND 4294967295),
    tenant_kind    TEXT    NOT NULL DEFAULT '' CHECK (tenant_kind IN ('', 'T', 'E')),
    tenant_id      TEXT    NOT NULL DEFAULT '',        -- '' with kind '': the service's own
    purpose        TEXT    NOT NULL CHECK (purpose IN ('bot', 'user', 'refresh', 'data', 'state', 'audit', 'label')),
    provider       TEXT    NOT NULL,
    master_version INTEGER NOT NULL,
    wrapped        BLOB    NOT NULL CHECK (length(wrapped) <= 4096),
    state          TEXT    NOT NULL CHECK (state IN ('active', 'retired')),
    created_at     INTEGER NOT NULL
) STRICT;
INSERT INTO data_keys_2 (key_id, tenant_kind, tenant_id, purpose, provider, master_version, wrapped, state, created_at)
SELECT key_id, tenant_kind, tenant_id, purpose, provider, master_version, wrapped, state, created_at FROM data_keys;
DROP TABLE data_keys;
ALTER TABLE data_keys_2 RENAME TO data_keys;
CREATE UNIQUE INDEX data_keys_active ON data_keys (tenant_kind, tenant_id, purpose) WHERE state = 'active';
