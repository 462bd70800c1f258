-- An event's id is unique per tenant, not over all: nobody's event is taken for a repeat of another's. SQLite cannot
-- change a primary key.
CREATE TABLE inbox_2 (
    event_id    TEXT    NOT NULL,
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
    result      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (event_id, tenant_kind, tenant_id)     -- the id first: the operator asks by it alone
) STRICT;
INSERT INTO inbox_2 (event_id, kind, tenant_kind, tenant_id, type, named, body, state, attempts, event_time,
       received_at, next_at, lease_owner, lease_until, finished_at, result)
SELECT event_id, kind, tenant_kind, tenant_id, type, named, body, state, attempts, event_time,
       received_at, next_at, lease_owner, lease_until, finished_at, result FROM inbox;
DROP TABLE inbox;
ALTER TABLE inbox_2 RENAME TO inbox;
CREATE INDEX inbox_finished ON inbox (finished_at) WHERE state = 'done';
CREATE INDEX inbox_tenant ON inbox (tenant_kind, tenant_id) WHERE body IS NOT NULL;

-- However many rows of one tenant wait, none of them is read in order to find another tenant's, or what removes the
-- tenant itself, which does not wait while the tenant is suspended. What is due is looked for tenant by tenant, so that
-- each has its turn.
CREATE INDEX inbox_due ON inbox (tenant_kind, tenant_id,
       type IN ('app_uninstalled', 'tokens_revoked', 'slackapp.uninstall', 'slackapp.purge'), next_at, event_id)
 WHERE state IN ('ready', 'running', 'calling');
CREATE INDEX inbox_given_up ON inbox (tenant_kind, tenant_id, received_at) WHERE state IN ('dead', 'unclear');
CREATE INDEX inbox_held ON inbox (lease_until) WHERE state IN ('running', 'calling');
