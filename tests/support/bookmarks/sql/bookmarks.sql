-- Addresses that people keep: the name in clear, the address sealed.
CREATE TABLE bookmarks (
    tenant_kind TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id   TEXT    NOT NULL,
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    url         BLOB    NOT NULL CHECK (length(url) BETWEEN 98 AND 4194),
    made_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_kind, tenant_id, name)
) STRICT;

-- A queue of the circle's own.
CREATE TABLE bookmark_shares (
    event_id    TEXT NOT NULL,
    kind        TEXT NOT NULL,
    tenant_kind TEXT NOT NULL,
    tenant_id   TEXT NOT NULL,
    type        TEXT NOT NULL,
    named       TEXT NOT NULL DEFAULT '',
    body        BLOB,
    removes     INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    event_time  INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    lease_owner TEXT NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    finished_at INTEGER,
    result      TEXT NOT NULL DEFAULT '',
    trace_id    TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (event_id, tenant_kind, tenant_id)
) STRICT;
CREATE INDEX bookmark_shares_due ON bookmark_shares (tenant_kind, tenant_id, removes, next_at, event_id)
 WHERE state IN ('ready', 'running', 'calling');
CREATE INDEX bookmark_shares_held ON bookmark_shares (lease_until) WHERE state IN ('running', 'calling');
CREATE INDEX bookmark_shares_given_up ON bookmark_shares (tenant_kind, tenant_id, received_at)
 WHERE state IN ('dead', 'unclear');
CREATE INDEX bookmark_shares_done ON bookmark_shares (finished_at) WHERE state = 'done';
CREATE INDEX bookmark_shares_bodies ON bookmark_shares (tenant_kind, tenant_id, event_id) WHERE body IS NOT NULL;
