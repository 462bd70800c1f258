-- A token of a connection may be stopped by itself, whatever its tenant's other tokens do: frozen with its organization,
-- or being ended, which only what ends it may open.
ALTER TABLE tokens ADD COLUMN freeze TEXT NOT NULL DEFAULT '' CHECK (freeze IN ('', 'frozen', 'ending'));
ALTER TABLE tokens ADD COLUMN freeze_at INTEGER NOT NULL DEFAULT 0;  -- since when
CREATE INDEX tokens_ending ON tokens (tenant_kind, tenant_id, holder_kind, holder_id) WHERE freeze = 'ending';

-- What Slack grants to one user of one workspace has one connection, of one member.
CREATE UNIQUE INDEX connections_personal ON connections (tenant_kind, tenant_id, installed_by_slack_user_id)
 WHERE kind = 'personal' AND status IN ('active', 'needs_reconnect', 'suspended');
