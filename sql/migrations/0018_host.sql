-- The host side: organizations, which are a host's customers, their members, and what ties them to tenants. Nothing is
-- written here while it is off. Ids of organizations and members are the host's own.
CREATE TABLE organizations (
    organization_id TEXT    NOT NULL PRIMARY KEY CHECK (length(organization_id) BETWEEN 1 AND 64),
    name            TEXT    NOT NULL DEFAULT '',
    named_at        INTEGER NOT NULL DEFAULT 0,         -- when the host issued the token that named it
    workspace_limit INTEGER CHECK (workspace_limit > 0), -- NULL: as the setting says
    data_region     TEXT    NOT NULL DEFAULT '',
    frozen_at       INTEGER,                            -- NULL: is not
    removed_at      INTEGER,                            -- NULL: is not being removed
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX organizations_removed ON organizations (removed_at, organization_id) WHERE removed_at IS NOT NULL;

CREATE TABLE members (
    organization_id TEXT    NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    member_id       TEXT    NOT NULL CHECK (length(member_id) BETWEEN 1 AND 64),
    name            TEXT    NOT NULL DEFAULT '',
    role            TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'auditor')),
    issued_at       INTEGER NOT NULL,                   -- when the host issued the token that said so
    status          TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'offboarded')),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, member_id)
) STRICT;

CREATE TABLE purposes (
    organization_id TEXT    NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    purpose_id      TEXT    NOT NULL CHECK (length(purpose_id) BETWEEN 1 AND 64),
    text            TEXT    NOT NULL CHECK (text <> ''),
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, purpose_id)
) STRICT;

-- No foreign key to the tenant: ids, states and times outlive a purge. What is not held has no name, scope or setting.
CREATE TABLE connections (
    id               TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 24),
    organization_id  TEXT    NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    user_id          TEXT    NOT NULL,                  -- the member who began it
    kind             TEXT    NOT NULL CHECK (kind IN ('workspace', 'personal')),
    status           TEXT    NOT NULL CHECK (status IN ('pending', 'quarantined', 'active', 'needs_reconnect',
                     'suspended', 'revoked', 'failed')),
    status_reason    TEXT    NOT NULL DEFAULT '',
    way              TEXT    NOT NULL CHECK (way IN ('page', 'api')),
    host_key_id      TEXT    NOT NULL,                  -- of the host's token by which it was begun
    approval_id      TEXT    NOT NULL DEFAULT '',
    reconnects       TEXT    NOT NULL DEFAULT '',       -- id of the connection that it is to bring back
    oauth_state      BLOB    UNIQUE CHECK (length(oauth_state) = 32),
    oauth_expires_at INTEGER,
    oauth_metadata   BLOB    CHECK (length(oauth_metadata) BETWEEN 98 AND 4096),
    used_state       BLOB    UNIQUE CHECK (length(used_state) = 32),
    tenant_kind      TEXT    NOT NULL DEFAULT '' CHECK (tenant_kind IN ('', 'T', 'E')),
    tenant_id        TEXT    NOT NULL DEFAULT '',
    team_id          TEXT    NOT NULL DEFAULT '',
    enterprise_id    TEXT    NOT NULL DEFAULT '',
    team_name        TEXT    NOT NULL DEFAULT '',
    team_domain      TEXT    NOT NULL DEFAULT '',
    bot_user_id      TEXT    NOT NULL DEFAULT '',
    scope            TEXT    NOT NULL DEFAULT '',
    token_vault_key  TEXT    UNIQUE,
    installed_by_slack_user_id TEXT NOT NULL DEFAULT '',
    owner_id         TEXT    NOT NULL DEFAULT '',       -- the member who answers for it
    owner_missing_at INTEGER,                           -- since when nobody does
    purpose_id       TEXT    NOT NULL DEFAULT '',
    default_channel_id      TEXT NOT NULL DEFAULT '',
    default_channel_team_id TEXT NOT NULL DEFAULT '',
    allowed_channels TEXT    NOT NULL DEFAULT '',
    max_age          INTEGER CHECK (max_age > 0),       -- in seconds; NULL: none
    installed_at     INTEGER,
    last_used_at     INTEGER,
    last_validated_at INTEGER,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    deleted_at       INTEGER,
    FOREIGN KEY (organization_id, user_id) REFERENCES members (organization_id, member_id) ON DELETE CASCADE,
    CHECK ((tenant_kind = '') = (tenant_id = '')),
    CHECK ((status IN ('pending', 'failed')) = (tenant_kind = '')),
    CHECK (tenant_kind <> 'T' OR team_id = tenant_id),
    CHECK (tenant_kind <> 'E' OR (enterprise_id = tenant_id AND team_id = '')),
    CHECK ((status = 'pending') = (oauth_state IS NOT NULL)),
    CHECK ((oauth_state IS NULL) = (oauth_expires_at IS NULL)),
    CHECK (oauth_metadata IS NULL OR status IN ('pending', 'quarantined')),
    CHECK ((status IN ('active', 'needs_reconnect', 'suspended')) = (token_vault_key IS NOT NULL)),
    CHECK (token_vault_key IS NOT NULL OR (team_name = '' AND team_domain = '' AND bot_user_id = '' AND scope = ''
           AND installed_by_slack_user_id = '' AND default_channel_id = '' AND default_channel_team_id = ''
           AND allowed_channels = '')),
    CHECK (deleted_at IS NULL OR status = 'revoked')
) STRICT;
CREATE INDEX connections_organization ON connections (organization_id, kind, created_at, id);
CREATE INDEX connections_member ON connections (organization_id, user_id, id);
CREATE INDEX connections_owner ON connections (organization_id, owner_id, id) WHERE owner_id <> '';
CREATE INDEX connections_tenant ON connections (tenant_kind, tenant_id, id) WHERE tenant_kind <> '';
CREATE INDEX connections_enterprise ON connections (enterprise_id, id) WHERE enterprise_id <> '';
CREATE INDEX connections_expiry ON connections (oauth_expires_at, id) WHERE oauth_expires_at IS NOT NULL;
CREATE INDEX connections_under_key ON connections (host_key_id, id) WHERE oauth_expires_at IS NOT NULL;
CREATE INDEX connections_failed ON connections (updated_at, id) WHERE status = 'failed';
CREATE INDEX connections_unowned ON connections (owner_missing_at, id) WHERE owner_missing_at IS NOT NULL;
CREATE INDEX connections_aging ON connections (installed_at + max_age) WHERE max_age IS NOT NULL AND status = 'active';
CREATE UNIQUE INDEX connections_held ON connections (tenant_kind, tenant_id)
 WHERE kind = 'workspace' AND status IN ('active', 'needs_reconnect', 'suspended');

CREATE TRIGGER connections_begin_pending BEFORE INSERT ON connections WHEN NEW.status <> 'pending'
BEGIN
    SELECT RAISE(ABORT, 'a connection begins pending');
END;
CREATE TRIGGER connections_change_as_allowed BEFORE UPDATE OF status ON connections
  WHEN OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN (
       'pending quarantined', 'pending active', 'pending failed',
       'quarantined active', 'quarantined revoked', 'quarantined failed',
       'active needs_reconnect', 'active suspended', 'active revoked',
       'needs_reconnect active', 'needs_reconnect revoked',
       'suspended active', 'suspended needs_reconnect', 'suspended revoked',
       'revoked active')
BEGIN
    SELECT RAISE(ABORT, 'a connection does not change so');
END;

-- Grants that wait for the login of whoever began. Sealed under the service's own key: no tenant is anybody's before.
CREATE TABLE quarantines (
    connection_id TEXT    NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    cookie_hash   BLOB    NOT NULL UNIQUE CHECK (length(cookie_hash) = 32),
    grant_sealed  BLOB    NOT NULL CHECK (length(grant_sealed) BETWEEN 98 AND 131072),
    expires_at    INTEGER NOT NULL,
    lease_owner   TEXT    NOT NULL DEFAULT '',          -- who gives it back
    lease_until   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX quarantines_expiry ON quarantines (expires_at, connection_id);

CREATE TABLE host_tickets (
    ticket_hash     BLOB    NOT NULL PRIMARY KEY CHECK (length(ticket_hash) = 32),
    organization_id TEXT    NOT NULL,
    member_id       TEXT    NOT NULL,
    role            TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'auditor')),
    host_key_id     TEXT    NOT NULL,
    expires_at      INTEGER NOT NULL,
    used_at         INTEGER,
    FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, member_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX host_tickets_member ON host_tickets (organization_id, member_id);
CREATE INDEX host_tickets_expiry ON host_tickets (expires_at);
CREATE INDEX host_tickets_key ON host_tickets (host_key_id);

CREATE TABLE host_sessions (
    session_hash    BLOB    NOT NULL PRIMARY KEY CHECK (length(session_hash) = 32),
    organization_id TEXT    NOT NULL,
    member_id       TEXT    NOT NULL,
    role            TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'auditor')),
    host_key_id     TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    seen_at         INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, member_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX host_sessions_member ON host_sessions (organization_id, member_id);
CREATE INDEX host_sessions_expiry ON host_sessions (expires_at);
CREATE INDEX host_sessions_key ON host_sessions (host_key_id);

CREATE TABLE host_token_ids (
    id_hash    BLOB    NOT NULL PRIMARY KEY CHECK (length(id_hash) = 32),
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX host_token_ids_expiry ON host_token_ids (expires_at);

CREATE TABLE idempotency_keys (
    key_hash        BLOB    NOT NULL PRIMARY KEY CHECK (length(key_hash) = 32),
    organization_id TEXT    NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    body_hash       BLOB    NOT NULL CHECK (length(body_hash) = 32),
    answer_status   INTEGER NOT NULL DEFAULT 0,         -- 0: the first request runs
    answer          TEXT    NOT NULL DEFAULT '',
    expires_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_organization ON idempotency_keys (organization_id);

CREATE TABLE approvals (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 24),
    organization_id TEXT    NOT NULL,
    member_id       TEXT    NOT NULL,                   -- who asks
    reason          TEXT    NOT NULL DEFAULT '',
    status          TEXT    NOT NULL CHECK (status IN ('requested', 'approved', 'denied', 'used')),
    note            TEXT    NOT NULL DEFAULT '',
    decided_by      TEXT    NOT NULL DEFAULT '',
    created_at      INTEGER NOT NULL,
    decided_at      INTEGER,
    expires_at      INTEGER NOT NULL,
    used_at         INTEGER,
    FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, member_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX approvals_organization ON approvals (organization_id, created_at, id);
CREATE INDEX approvals_member ON approvals (organization_id, member_id);
CREATE INDEX approvals_expiry ON approvals (expires_at);

-- What the host is told. Ids and closed words only.
CREATE TABLE host_events (
    number          INTEGER NOT NULL PRIMARY KEY,       -- grows with each commit, and past a restored copy's
    organization_id TEXT    NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    connection_id   TEXT    NOT NULL DEFAULT '',
    type            TEXT    NOT NULL,
    at              INTEGER NOT NULL,
    detail          TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX host_events_organization ON host_events (organization_id, number);
CREATE INDEX host_events_at ON host_events (at, number);

-- An operator's decision that an organization, or with an empty id every one, begins and posts nothing.
CREATE TABLE host_switches (
    organization_id TEXT    NOT NULL PRIMARY KEY,
    disabled_at     INTEGER NOT NULL,
    actor           TEXT    NOT NULL,
    request_id      TEXT    NOT NULL DEFAULT ''
) STRICT;

-- The service has a fifth key: for what waits before a tenant is anybody's. SQLite cannot change a CHECK.
CREATE TABLE data_keys_2 (
    key_id         INTEGER NOT NULL PRIMARY KEY CHECK (key_id BETWEEN 1 AND 4294967295),
    tenant_kind    TEXT    NOT NULL DEFAULT '' CHECK (tenant_kind IN ('', 'T', 'E')),
    tenant_id      TEXT    NOT NULL DEFAULT '',        -- '' with kind '': the service's own
    purpose        TEXT    NOT NULL CHECK (purpose IN ('bot', 'user', 'refresh', 'data', 'connection', 'state',
                   'audit', 'label', 'fingerprint', 'pending')),
    connection_id  TEXT    NOT NULL DEFAULT '',        -- whose own it is; '' for every other purpose
    provider       TEXT    NOT NULL,
    master_version INTEGER NOT NULL,
    wrapped        BLOB    NOT NULL CHECK (length(wrapped) <= 4096),
    state          TEXT    NOT NULL CHECK (state IN ('active', 'retired')),
    created_at     INTEGER NOT NULL,
    CHECK ((purpose = 'connection') = (connection_id <> ''))
) STRICT;
INSERT INTO data_keys_2 (key_id, tenant_kind, tenant_id, purpose, connection_id, provider, master_version, wrapped,
       state, created_at)
SELECT key_id, tenant_kind, tenant_id, purpose, connection_id, provider, master_version, wrapped, state, created_at
  FROM data_keys;
DROP TABLE data_keys;
ALTER TABLE data_keys_2 RENAME TO data_keys;
CREATE UNIQUE INDEX data_keys_active ON data_keys (tenant_kind, tenant_id, purpose, connection_id)
 WHERE state = 'active';
CREATE INDEX data_keys_tenant ON data_keys (tenant_kind, tenant_id);

-- A state may also be one of a connection: begun on a page, by its session, or by a call, for any browser.
CREATE TABLE oauth_states_2 (
    id           INTEGER PRIMARY KEY,                  -- grows by one: the oldest state has the smallest
    id_hash      BLOB    NOT NULL UNIQUE CHECK (length(id_hash) = 32),
    session_hash BLOB    NOT NULL CHECK (length(session_hash) = 32),
    purpose      TEXT    NOT NULL CHECK (purpose IN ('install', 'bolt', 'connect_page', 'connect_api')),
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER,
    outcome      TEXT    NOT NULL DEFAULT '' CHECK (outcome IN ('', 'installed', 'declined', 'failed')),
    tenant_kind  TEXT    NOT NULL DEFAULT '' CHECK (tenant_kind IN ('', 'T', 'E')),
    tenant_id    TEXT    NOT NULL DEFAULT '',
    network      BLOB    CHECK (length(network) = 16),
    provider     TEXT    NOT NULL DEFAULT 'slack' CHECK (provider <> '')
) STRICT;
INSERT INTO oauth_states_2 (id, id_hash, session_hash, purpose, expires_at, used_at, outcome, tenant_kind, tenant_id,
       network, provider)
SELECT id, id_hash, session_hash, purpose, expires_at, used_at, outcome, tenant_kind, tenant_id, network, provider
  FROM oauth_states;
DROP TABLE oauth_states;
ALTER TABLE oauth_states_2 RENAME TO oauth_states;
CREATE INDEX oauth_states_used ON oauth_states (session_hash, used_at) WHERE used_at IS NOT NULL;
CREATE INDEX oauth_states_in_flight ON oauth_states (used_at)
 WHERE used_at IS NOT NULL AND outcome = '' AND purpose <> 'bolt';
CREATE INDEX oauth_states_network ON oauth_states (network, expires_at) WHERE network IS NOT NULL;
