-- An attempt that came to nothing keeps no tenant, whatever ended it. One that was never active was revoked until now
-- where its tenant was erased.
DROP TRIGGER connections_change_as_allowed;
UPDATE connections
   SET status = 'failed', status_reason = 'not_confirmed', tenant_kind = '', tenant_id = '', team_id = '',
       enterprise_id = '', deleted_at = NULL
 WHERE status = 'revoked' AND installed_at IS NULL;
CREATE TRIGGER connections_change_as_allowed BEFORE UPDATE OF status ON connections
  WHEN OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN (
       'pending quarantined', 'pending active', 'pending failed',
       'quarantined active', 'quarantined failed',
       'active needs_reconnect', 'active suspended', 'active revoked',
       'needs_reconnect active', 'needs_reconnect revoked',
       'suspended active', 'suspended needs_reconnect', 'suspended revoked',
       'revoked active')
BEGIN
    SELECT RAISE(ABORT, 'a connection does not change so');
END;

-- What is quarantined ends with its host key, too.
DROP INDEX connections_under_key;
CREATE INDEX connections_under_key ON connections (host_key_id, id) WHERE status IN ('pending', 'quarantined');

-- Of an organization: what it holds, and the newest that it has held.
CREATE INDEX connections_serving ON connections (organization_id, kind, created_at, id)
 WHERE status IN ('active', 'needs_reconnect', 'suspended');
CREATE INDEX connections_ended ON connections (organization_id, kind, created_at, id)
 WHERE status = 'revoked' AND deleted_at IS NULL;
-- What waits for the end of a freeze.
CREATE INDEX connections_frozen ON connections (id) WHERE status = 'suspended' AND status_reason = 'freeze';

-- Who approved at Slack: a token that does not rotate is the same for all that this person has granted there.
ALTER TABLE quarantines ADD COLUMN installer_id TEXT NOT NULL DEFAULT '';
