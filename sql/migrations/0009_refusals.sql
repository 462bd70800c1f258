-- A token that Slack refuses pauses until it is known to be dead: since when, how often, and until when.
ALTER TABLE tokens ADD COLUMN reason TEXT NOT NULL DEFAULT '';           -- Slack's code, or ours: why it is not used
ALTER TABLE tokens ADD COLUMN refused_since INTEGER;                     -- NULL: the last answer was a good one
ALTER TABLE tokens ADD COLUMN refused_at INTEGER NOT NULL DEFAULT 0;     -- the last time that counted
ALTER TABLE tokens ADD COLUMN paused_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN contradicted INTEGER NOT NULL DEFAULT 0;   -- times, while other tenants' calls succeeded
CREATE INDEX tokens_paused ON tokens (paused_until) WHERE refused_since IS NOT NULL;
UPDATE tokens SET reason = (SELECT i.status_reason FROM installations AS i
                             WHERE i.tenant_kind = tokens.tenant_kind AND i.tenant_id = tokens.tenant_id)
 WHERE status = 'dead' AND user_id = '';

-- What the brake is judged by. No foreign key to the tenant: that it was refused counts after a purge, too.
CREATE TABLE failing (
    tenant_kind TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id   TEXT    NOT NULL,
    refused_at  INTEGER NOT NULL,
    given_up    INTEGER NOT NULL DEFAULT 0 CHECK (given_up IN (0, 1)),
    PRIMARY KEY (tenant_kind, tenant_id)
) STRICT, WITHOUT ROWID;

-- Some of the tenants whose calls have succeeded within an hour: a few a minute, not all.
CREATE TABLE answered (
    tenant_kind TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id   TEXT    NOT NULL,
    answered_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_kind, tenant_id)
) STRICT, WITHOUT ROWID;
