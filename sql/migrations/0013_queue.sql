-- What removes a tenant says so by itself, and no statement of a queue lists types. And the request that a row came
-- with: what it led to can be followed from there.
ALTER TABLE inbox ADD COLUMN removes INTEGER NOT NULL DEFAULT 0 CHECK (removes IN (0, 1));
ALTER TABLE inbox ADD COLUMN trace_id TEXT NOT NULL DEFAULT '';
UPDATE inbox SET removes = 1
 WHERE type IN ('app_uninstalled', 'tokens_revoked', 'slackapp.uninstall', 'slackapp.purge');
DROP INDEX inbox_due;
CREATE INDEX inbox_due ON inbox (tenant_kind, tenant_id, removes, next_at, event_id)
 WHERE state IN ('ready', 'running', 'calling');
