-- One row per tenant: what is known of it but its tokens.

-- name: find_installation :one
-- tenant: tenant_kind, tenant_id
SELECT tenant_kind, tenant_id, app_id, enterprise_id, enterprise_name, team_id, team_name, bot_user_id, installer_id,
       scopes_asked, scopes_granted, status, status_reason, generation, installed_at, last_used_at, last_validated_at,
       bot_id
  FROM installations
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: find_with_bot :one
-- tenant: tenant_kind, tenant_id
-- alone: look-up
SELECT i.tenant_kind, i.tenant_id, i.app_id, i.enterprise_id, i.enterprise_name, i.team_id, i.team_name, i.bot_user_id,
       i.installer_id, i.scopes_asked, i.scopes_granted, i.status, i.status_reason, i.generation, i.installed_at,
       i.last_used_at, i.last_validated_at, i.bot_id, i.webhook, i.webhook_generation, t.generation, t.access,
       t.refresh, t.scopes, t.granted_at, t.issued_at, t.expires_at, t.due_at, t.status, t.lease_owner, t.reason,
       t.refused_since, t.refused_at, t.paused_until, t.contradicted, t.provider, n.generation, n.installed_at,
       n.details, n.webhook
  FROM (SELECT * FROM installations WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id) AS i
  LEFT JOIN tokens AS t
    ON t.tenant_kind = i.tenant_kind AND t.tenant_id = i.tenant_id AND t.holder_kind = 'bot' AND t.holder_id = ''
  LEFT JOIN installers AS n
    ON n.tenant_kind = i.tenant_kind AND n.tenant_id = i.tenant_id AND n.holder_kind = 'bot' AND n.holder_id = '';

-- name: find_webhook :one
-- tenant: tenant_kind, tenant_id
SELECT webhook, webhook_generation FROM installations
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND webhook IS NOT NULL;

-- name: reseal_webhook :exec
-- tenant: tenant_kind, tenant_id
UPDATE installations SET webhook = :webhook
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND webhook_generation = :webhook_generation AND webhook IS NOT NULL;

-- name: delete_webhook :exec
-- tenant: tenant_kind, tenant_id
UPDATE installations SET webhook = NULL
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: list_installations :many
-- tenant: none (the operator's inventory)
SELECT tenant_kind, tenant_id, app_id, enterprise_id, enterprise_name, team_id, team_name, bot_user_id, installer_id,
       scopes_asked, scopes_granted, status, status_reason, generation, installed_at, last_used_at, last_validated_at,
       bot_id
  FROM installations
 ORDER BY tenant_kind, tenant_id;

-- name: list_by_status :many
-- tenant: none (the worker looks after every tenant in that state)
SELECT tenant_kind, tenant_id FROM installations WHERE status = :status ORDER BY tenant_kind, tenant_id LIMIT 1000;

-- name: count_by_status :many
-- tenant: none (for the metrics)
SELECT status, count(*) AS found FROM installations GROUP BY status ORDER BY status;

-- name: count_installations :one
-- tenant: none (the brake is for all tenants)
SELECT CAST(sum(found) AS BIGINT) AS found
  FROM (SELECT count(*) AS found FROM installations GROUP BY status) AS counted;

-- name: save_installation :exec
-- tenant: tenant_kind, tenant_id
INSERT INTO installations (tenant_kind, tenant_id, app_id, enterprise_id, enterprise_name, team_id, team_name,
       bot_user_id, installer_id, scopes_asked, scopes_granted, webhook, webhook_generation, status, status_reason,
       generation, installed_at, check_begun_at)
VALUES (:tenant_kind, :tenant_id, :app_id, :enterprise_id, :enterprise_name, :team_id, :team_name,
       :bot_user_id, :installer_id, :scopes_asked, :scopes_granted, :webhook,
       CASE WHEN :webhook IS NULL THEN 0 ELSE :generation END, :status, :status_reason, :generation, :now, :now)
ON CONFLICT (tenant_kind, tenant_id) DO UPDATE SET
       app_id = excluded.app_id, enterprise_id = excluded.enterprise_id, enterprise_name = excluded.enterprise_name,
       team_name = excluded.team_name, installer_id = excluded.installer_id,
       bot_id = CASE installations.bot_user_id WHEN excluded.bot_user_id THEN installations.bot_id ELSE '' END,
       bot_user_id = excluded.bot_user_id,
       scopes_asked = excluded.scopes_asked, scopes_granted = excluded.scopes_granted,
       webhook = CASE :keep_webhook WHEN 1 THEN installations.webhook ELSE excluded.webhook END,
       webhook_generation = CASE :keep_webhook WHEN 1 THEN installations.webhook_generation
                            ELSE excluded.webhook_generation END,
       status = excluded.status, status_reason = excluded.status_reason,
       generation = excluded.generation, installed_at = excluded.installed_at, check_begun_at = excluded.check_begun_at;

-- name: set_installation_status :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE installations SET status = :status, status_reason = :reason
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND status = :expected;  -- claim: C-64

-- name: touch_installation :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- To the minute: a tenant that is used all the time is not written all the time.
UPDATE installations SET last_used_at = :now
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND last_used_at < :now - 59;

-- name: delete_installation :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM installations
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;  -- claim: C-59

-- name: list_unchecked :many
-- tenant: none (the scheduler looks after every tenant)
SELECT tenant_kind, tenant_id, check_begun_at FROM installations
 WHERE status = 'active'
   AND check_begun_at < :before
   AND NOT EXISTS (SELECT 1 FROM freezes AS f
        WHERE f.tenant_kind IN ('', installations.tenant_kind) AND f.tenant_id IN ('', installations.tenant_id))
 ORDER BY check_begun_at, tenant_kind, tenant_id
 LIMIT :most;

-- name: bring_checks_forward :exec
-- tenant: none (a clock is wrong for every tenant)
UPDATE installations SET check_begun_at = 0
 WHERE status = 'active'
   AND check_begun_at > :latest;  -- claim: C-98

-- name: claim_checks :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- Compare-and-swap: of several processes one checks.
UPDATE installations SET check_begun_at = :now
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND check_begun_at = :seen;

-- name: note_validated :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- Not where the tenant was installed again since Slack was asked: the answers were about other tokens.
UPDATE installations SET last_validated_at = :now
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND generation = :generation AND installed_at = :seen_installed_at;

-- name: set_granted_scopes :exec
-- tenant: tenant_kind, tenant_id
UPDATE installations SET scopes_granted = :scopes
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: set_bot_id :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE installations SET bot_id = :bot_id
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND bot_user_id = :bot_user_id;

-- name: join_enterprise :exec
-- tenant: tenant_kind, tenant_id
-- A workspace can join an enterprise later. Nothing else changes: its tenant is the team, before and after.
UPDATE installations SET enterprise_id = :enterprise_id
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND tenant_kind = 'T';

-- name: request_check :exec
-- tenant: tenant_kind, tenant_id
-- alone: idempotent
UPDATE installations SET check_begun_at = 0
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;
