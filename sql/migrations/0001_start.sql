-- Times are Unix seconds. Ids are '' where there is none, never NULL: UNIQUE takes two NULLs for different.
-- BLOB columns hold sealed values, hashes or MACs; no column holds a token in clear.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE oauth_states (
    id           INTEGER PRIMARY KEY,                  -- grows by one: the oldest state has the smallest
    id_hash      BLOB    NOT NULL UNIQUE CHECK (length(id_hash) = 32),
    session_hash BLOB    NOT NULL CHECK (length(session_hash) = 32),
    purpose      TEXT    NOT NULL CHECK (purpose IN ('install')),
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER,
    outcome      TEXT    NOT NULL DEFAULT '' CHECK (outcome IN ('', 'installed', 'declined', 'failed')),
    tenant_kind  TEXT    NOT NULL DEFAULT '' CHECK (tenant_kind IN ('', 'T', 'E')),
    tenant_id    TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX oauth_states_used ON oauth_states (session_hash, used_at) WHERE used_at IS NOT NULL;
CREATE INDEX oauth_states_in_flight ON oauth_states (used_at) WHERE used_at IS NOT NULL AND outcome = '';

CREATE TABLE installations (
    tenant_kind     TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id       TEXT    NOT NULL CHECK (length(tenant_id) BETWEEN 3 AND 21),
    app_id          TEXT    NOT NULL,
    enterprise_id   TEXT    NOT NULL DEFAULT '',
    enterprise_name TEXT    NOT NULL DEFAULT '',
    team_id         TEXT    NOT NULL DEFAULT '',
    team_name       TEXT    NOT NULL DEFAULT '',
    bot_user_id     TEXT    NOT NULL DEFAULT '',
    installer_id    TEXT    NOT NULL,
    scopes_asked    TEXT    NOT NULL,
    scopes_granted  TEXT    NOT NULL,
    webhook         BLOB    CHECK (length(webhook) BETWEEN 98 AND 32768),
    webhook_generation INTEGER NOT NULL DEFAULT 0,     -- the installation's, when the webhook was granted
    status          TEXT    NOT NULL
                    CHECK (status IN ('active', 'suspect', 'needs_reinstall', 'suspended', 'purging')),
    generation      INTEGER NOT NULL CHECK (generation > 0),
    installed_at    INTEGER NOT NULL,
    last_used_at    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_kind, tenant_id),
    UNIQUE (enterprise_id, team_id),
    CHECK (tenant_id = CASE tenant_kind WHEN 'E' THEN enterprise_id ELSE team_id END),
    CHECK (tenant_kind = 'T' OR team_id = '')
) STRICT;

CREATE TABLE tokens (
    tenant_kind TEXT    NOT NULL,
    tenant_id   TEXT    NOT NULL,
    user_id     TEXT    NOT NULL DEFAULT '',           -- '' is the bot
    generation  INTEGER NOT NULL CHECK (generation > 0),
    access      BLOB    NOT NULL CHECK (length(access) BETWEEN 98 AND 16482),
    refresh     BLOB    CHECK (length(refresh) BETWEEN 98 AND 16482),
    scopes      TEXT    NOT NULL,
    granted_at  INTEGER NOT NULL,                      -- by a person, in an install; a refresh keeps it
    issued_at   INTEGER NOT NULL,                      -- this pair, by Slack
    expires_at  INTEGER,                               -- NULL: does not expire
    status      TEXT    NOT NULL CHECK (status IN ('live', 'refresh_refused', 'dead')),
    lease_owner TEXT    NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_kind, tenant_id, user_id),
    FOREIGN KEY (tenant_kind, tenant_id) REFERENCES installations (tenant_kind, tenant_id) ON DELETE CASCADE,
    CHECK ((refresh IS NULL) = (expires_at IS NULL))
) STRICT;

CREATE TABLE data_keys (
    key_id         INTEGER NOT NULL PRIMARY KEY CHECK (key_id BETWEEN 1 AND 4294967295),
    tenant_kind    TEXT    NOT NULL DEFAULT '' CHECK (tenant_kind IN ('', 'T', 'E')),
    tenant_id      TEXT    NOT NULL DEFAULT '',        -- '' with kind '': the service's own
    purpose        TEXT    NOT NULL CHECK (purpose IN ('bot', 'user', 'refresh', 'data', 'state', 'audit')),
    provider       TEXT    NOT NULL,
    master_version INTEGER NOT NULL,
    wrapped        BLOB    NOT NULL CHECK (length(wrapped) <= 4096),
    state          TEXT    NOT NULL CHECK (state IN ('active', 'retired')),
    created_at     INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX data_keys_active ON data_keys (tenant_kind, tenant_id, purpose) WHERE state = 'active';

-- No foreign key to the tenant: that an event came already must be known after a purge, too.
CREATE TABLE inbox (
    event_id    TEXT    NOT NULL PRIMARY KEY,
    kind        TEXT    NOT NULL CHECK (kind IN ('event', 'job')),
    tenant_kind TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id   TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    named       TEXT    NOT NULL DEFAULT '',           -- whom a revocation names: 'everything', or 'bot' and user ids
    body        BLOB    CHECK (length(body) BETWEEN 98 AND 1048674),
    state       TEXT    NOT NULL CHECK (state IN ('ready', 'running', 'calling', 'unclear', 'dead', 'done')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    event_time  INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    lease_owner TEXT    NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    finished_at INTEGER,
    result      TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX inbox_due ON inbox (next_at) WHERE state IN ('ready', 'running', 'calling');
CREATE INDEX inbox_finished ON inbox (finished_at) WHERE state = 'done';
CREATE INDEX inbox_tenant ON inbox (tenant_kind, tenant_id) WHERE body IS NOT NULL;

CREATE TABLE audit (
    id          INTEGER NOT NULL PRIMARY KEY,
    at          INTEGER NOT NULL,
    event       TEXT    NOT NULL,
    actor       TEXT    NOT NULL,
    tenant_kind TEXT    NOT NULL DEFAULT '',
    tenant_id   TEXT    NOT NULL DEFAULT '',
    request_id  TEXT    NOT NULL DEFAULT '',
    result      TEXT    NOT NULL,
    detail      TEXT    NOT NULL DEFAULT '',
    chain       BLOB    NOT NULL CHECK (length(chain) = 32)
) STRICT;
CREATE TRIGGER audit_rows_do_not_change BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit rows do not change');
END;
