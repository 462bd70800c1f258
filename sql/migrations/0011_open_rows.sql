-- However many rows of one tenant wait, none of them is read in order to find another tenant's, or what removes the
-- tenant itself, which does not wait while the tenant is suspended.
DROP INDEX inbox_due;
CREATE INDEX inbox_due ON inbox (tenant_kind, tenant_id,
       type IN ('app_uninstalled', 'tokens_revoked', 'slackapp.uninstall', 'slackapp.purge'), next_at, event_id)
 WHERE state IN ('ready', 'running', 'calling');
DROP INDEX inbox_given_up;
CREATE INDEX inbox_given_up ON inbox (tenant_kind, tenant_id, received_at) WHERE state IN ('dead', 'unclear');
CREATE INDEX inbox_held ON inbox (lease_until) WHERE state IN ('running', 'calling');
