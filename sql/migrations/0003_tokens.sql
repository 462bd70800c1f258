-- When a pair is to be refreshed: some time before it expires, not the same for all. NULL: it does not expire.
ALTER TABLE tokens ADD COLUMN due_at INTEGER;
UPDATE tokens SET due_at = expires_at - min(7200, (expires_at - issued_at) / 4) + 1
 WHERE expires_at IS NOT NULL;
CREATE INDEX tokens_due ON tokens (due_at) WHERE status = 'live' AND due_at IS NOT NULL;
CREATE INDEX tokens_long_lived ON tokens (tenant_kind, tenant_id, user_id) WHERE status = 'live' AND refresh IS NULL;

ALTER TABLE installations ADD COLUMN status_reason TEXT NOT NULL DEFAULT '';      -- why it needs a new install
ALTER TABLE installations ADD COLUMN check_begun_at INTEGER NOT NULL DEFAULT 0;   -- by whoever checks its tokens now
ALTER TABLE installations ADD COLUMN last_validated_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX installations_unchecked ON installations (check_begun_at) WHERE status = 'active';

-- Who installed, one row per person; user_id '' is the bot. `details` and `webhook` are sealed: what a store of Bolt for
-- Python keeps and no column holds.
CREATE TABLE installers (
    tenant_kind  TEXT    NOT NULL,
    tenant_id    TEXT    NOT NULL,
    user_id      TEXT    NOT NULL DEFAULT '',
    generation   INTEGER NOT NULL CHECK (generation > 0), -- the installation's: whose is the greatest came last
    installed_at REAL    NOT NULL,
    details      BLOB    CHECK (length(details) BETWEEN 98 AND 65634),
    webhook      BLOB    CHECK (length(webhook) BETWEEN 98 AND 32768),
    PRIMARY KEY (tenant_kind, tenant_id, user_id),
    FOREIGN KEY (tenant_kind, tenant_id) REFERENCES installations (tenant_kind, tenant_id) ON DELETE CASCADE
) STRICT;
INSERT INTO installers (tenant_kind, tenant_id, user_id, generation, installed_at)
SELECT tenant_kind, tenant_id, installer_id, generation, installed_at FROM installations WHERE installer_id <> '';

-- A state may also be one of a Bolt app, which binds it to the browser by itself. SQLite cannot change a CHECK.
CREATE TABLE oauth_states_2 (
    id           INTEGER PRIMARY KEY,                  -- grows by one: the oldest state has the smallest
    id_hash      BLOB    NOT NULL UNIQUE CHECK (length(id_hash) = 32),
    session_hash BLOB    NOT NULL CHECK (length(session_hash) = 32),
    purpose      TEXT    NOT NULL CHECK (purpose IN ('install', 'bolt')),
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER,
    outcome      TEXT    NOT NULL DEFAULT '' CHECK (outcome IN ('', 'installed', 'declined', 'failed')),
    tenant_kind  TEXT    NOT NULL DEFAULT '' CHECK (tenant_kind IN ('', 'T', 'E')),
    tenant_id    TEXT    NOT NULL DEFAULT ''
) STRICT;
INSERT INTO oauth_states_2 (id, id_hash, session_hash, purpose, expires_at, used_at, outcome, tenant_kind, tenant_id)
SELECT id, id_hash, session_hash, purpose, expires_at, used_at, outcome, tenant_kind, tenant_id FROM oauth_states;
DROP TABLE oauth_states;
ALTER TABLE oauth_states_2 RENAME TO oauth_states;
CREATE INDEX oauth_states_used ON oauth_states (session_hash, used_at) WHERE used_at IS NOT NULL;
CREATE INDEX oauth_states_in_flight ON oauth_states (used_at)
 WHERE used_at IS NOT NULL AND outcome = '' AND purpose = 'install';
