-- Who installed: one row per user, and one for the bot. `details` and `webhook` are sealed.

-- name: find_installer :one
-- tenant: tenant_kind, tenant_id
-- alone: look-up
SELECT holder_kind, holder_id, generation, installed_at, details, webhook FROM installers
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id;

-- name: latest_installer :one
-- tenant: tenant_kind, tenant_id
-- alone: look-up
-- By generation, not by time: two installs in one second have an order all the same.
SELECT holder_kind, holder_id, generation, installed_at, details, webhook FROM installers
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = 'user'
 ORDER BY generation DESC, holder_id
 LIMIT 1;

-- name: list_installers :many
-- tenant: tenant_kind, tenant_id
SELECT holder_kind, holder_id, generation, installed_at, details, webhook FROM installers
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
 ORDER BY holder_kind, holder_id;

-- name: save_installer :exec
-- tenant: tenant_kind, tenant_id
INSERT INTO installers (tenant_kind, tenant_id, holder_kind, holder_id, generation, installed_at, details, webhook)
VALUES (:tenant_kind, :tenant_id, :holder_kind, :holder_id, :generation, :installed_at, :details, :webhook)
ON CONFLICT (tenant_kind, tenant_id, holder_kind, holder_id) DO UPDATE SET
       generation = excluded.generation, installed_at = excluded.installed_at, details = excluded.details,
       webhook = excluded.webhook;

-- name: reseal_installer :exec
-- tenant: tenant_kind, tenant_id
UPDATE installers SET details = coalesce(:details, details), webhook = coalesce(:webhook, webhook)
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation;

-- name: delete_installer :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM installers
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id;

-- name: delete_installer_users :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM installers
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = 'user';

-- name: delete_webhooks :exec
-- tenant: tenant_kind, tenant_id
UPDATE installers SET webhook = NULL
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;
