-- A token is held by the bot, by a user of the install, or by a connection; whose it is stands in two columns, so that a
-- user and a connection of the same id are two. SQLite cannot change a primary key.
CREATE TABLE tokens_2 (
    tenant_kind   TEXT    NOT NULL,
    tenant_id     TEXT    NOT NULL,
    holder_kind   TEXT    NOT NULL CHECK (holder_kind IN ('bot', 'user', 'connection')),
    holder_id     TEXT    NOT NULL DEFAULT '',         -- '' for the bot, which is one
    provider      TEXT    NOT NULL DEFAULT 'slack',    -- who has issued it, and refreshes it
    generation    INTEGER NOT NULL CHECK (generation > 0),
    access        BLOB    NOT NULL CHECK (length(access) BETWEEN 98 AND 16482),
    refresh       BLOB    CHECK (length(refresh) BETWEEN 98 AND 16482),
    scopes        TEXT    NOT NULL,
    granted_at    INTEGER NOT NULL,                    -- by a person, in an install; a refresh keeps it
    issued_at     INTEGER NOT NULL,                    -- this pair, by its provider
    expires_at    INTEGER,                             -- NULL: does not expire
    due_at        INTEGER,                             -- to be refreshed; NULL: does not expire
    status        TEXT    NOT NULL CHECK (status IN ('live', 'refresh_refused', 'dead')),
    lease_owner   TEXT    NOT NULL DEFAULT '',
    lease_until   INTEGER NOT NULL DEFAULT 0,
    reason        TEXT    NOT NULL DEFAULT '',         -- the provider's code, or ours: why it is not used
    refused_since INTEGER,                             -- NULL: the last answer was a good one
    refused_at    INTEGER NOT NULL DEFAULT 0,          -- the last time that counted
    paused_until  INTEGER NOT NULL DEFAULT 0,
    contradicted  INTEGER NOT NULL DEFAULT 0,          -- times, while other tenants' calls succeeded
    PRIMARY KEY (tenant_kind, tenant_id, holder_kind, holder_id),
    FOREIGN KEY (tenant_kind, tenant_id) REFERENCES installations (tenant_kind, tenant_id) ON DELETE CASCADE,
    CHECK ((holder_kind = 'bot') = (holder_id = '')),
    CHECK (provider <> ''),
    CHECK ((refresh IS NULL) = (expires_at IS NULL))
) STRICT;
INSERT INTO tokens_2 (tenant_kind, tenant_id, holder_kind, holder_id, generation, access, refresh, scopes, granted_at,
       issued_at, expires_at, due_at, status, lease_owner, lease_until, reason, refused_since, refused_at, paused_until,
       contradicted)
SELECT tenant_kind, tenant_id, CASE user_id WHEN '' THEN 'bot' ELSE 'user' END, user_id, generation, access, refresh,
       scopes, granted_at, issued_at, expires_at, due_at, status, lease_owner, lease_until, reason, refused_since,
       refused_at, paused_until, contradicted
  FROM tokens;
DROP TABLE tokens;
ALTER TABLE tokens_2 RENAME TO tokens;
CREATE INDEX tokens_due ON tokens (due_at) WHERE status = 'live' AND due_at IS NOT NULL;
CREATE INDEX tokens_long_lived ON tokens (tenant_kind, tenant_id, holder_kind, holder_id)
 WHERE status = 'live' AND refresh IS NULL;
CREATE INDEX tokens_status ON tokens (status);
CREATE INDEX tokens_paused ON tokens (paused_until) WHERE refused_since IS NOT NULL;

CREATE TABLE installers_2 (
    tenant_kind  TEXT    NOT NULL,
    tenant_id    TEXT    NOT NULL,
    holder_kind  TEXT    NOT NULL CHECK (holder_kind IN ('bot', 'user')),
    holder_id    TEXT    NOT NULL DEFAULT '',
    generation   INTEGER NOT NULL CHECK (generation > 0), -- the installation's: whose is the greatest came last
    installed_at REAL    NOT NULL,
    details      BLOB    CHECK (length(details) BETWEEN 98 AND 65634),
    webhook      BLOB    CHECK (length(webhook) BETWEEN 98 AND 32768),
    PRIMARY KEY (tenant_kind, tenant_id, holder_kind, holder_id),
    FOREIGN KEY (tenant_kind, tenant_id) REFERENCES installations (tenant_kind, tenant_id) ON DELETE CASCADE,
    CHECK ((holder_kind = 'bot') = (holder_id = ''))
) STRICT;
INSERT INTO installers_2 (tenant_kind, tenant_id, holder_kind, holder_id, generation, installed_at, details, webhook)
SELECT tenant_kind, tenant_id, CASE user_id WHEN '' THEN 'bot' ELSE 'user' END, user_id, generation, installed_at,
       details, webhook
  FROM installers;
DROP TABLE installers;
ALTER TABLE installers_2 RENAME TO installers;

-- A connection has a data key of its own, so that without it this connection's tokens are gone and nobody else's. The
-- service has a fourth key: for fingerprints of tokens. SQLite cannot change a CHECK.
CREATE TABLE data_keys_2 (
    key_id         INTEGER NOT NULL PRIMARY KEY CHECK (key_id BETWEEN 1 AND 4294967295),
    tenant_kind    TEXT    NOT NULL DEFAULT '' CHECK (tenant_kind IN ('', 'T', 'E')),
    tenant_id      TEXT    NOT NULL DEFAULT '',        -- '' with kind '': the service's own
    purpose        TEXT    NOT NULL CHECK (purpose IN ('bot', 'user', 'refresh', 'data', 'connection', 'state',
                   'audit', 'label', 'fingerprint')),
    connection_id  TEXT    NOT NULL DEFAULT '',        -- whose own it is; '' for every other purpose
    provider       TEXT    NOT NULL,
    master_version INTEGER NOT NULL,
    wrapped        BLOB    NOT NULL CHECK (length(wrapped) <= 4096),
    state          TEXT    NOT NULL CHECK (state IN ('active', 'retired')),
    created_at     INTEGER NOT NULL,
    CHECK ((purpose = 'connection') = (connection_id <> ''))
) STRICT;
INSERT INTO data_keys_2 (key_id, tenant_kind, tenant_id, purpose, provider, master_version, wrapped, state, created_at)
SELECT key_id, tenant_kind, tenant_id, purpose, provider, master_version, wrapped, state, created_at FROM data_keys;
DROP TABLE data_keys;
ALTER TABLE data_keys_2 RENAME TO data_keys;
CREATE UNIQUE INDEX data_keys_active ON data_keys (tenant_kind, tenant_id, purpose, connection_id)
 WHERE state = 'active';
CREATE INDEX data_keys_tenant ON data_keys (tenant_kind, tenant_id);
