-- Connections that members have for themselves. A row is found by organization and member, or by Slack's verified tenant.

-- name: find_personal :one
-- tenant: tenant_kind, tenant_id
-- The one member's that holds what Slack has granted to a user.
SELECT * FROM connections
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND installed_by_slack_user_id = :slack_user_id  -- claim: C-348
   AND kind = 'personal' AND status IN ('active', 'needs_reconnect', 'suspended');

-- name: find_ended_personal :one
-- tenant: tenant_kind, tenant_id
-- The newest that a member has had in the tenant, and has not given up for good.
SELECT id FROM connections
 WHERE organization_id = :organization_id AND user_id = :user_id  -- claim: C-347
   AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND tenant_kind <> ''
   AND kind = 'personal' AND status = 'revoked' AND deleted_at IS NULL AND installed_at IS NOT NULL
 ORDER BY installed_at DESC, id DESC
 LIMIT 1;

-- name: count_personal :one
-- tenant: none (an organization's own)
SELECT count(*) AS found FROM connections
 WHERE organization_id = :organization_id AND user_id = :user_id
   AND kind = 'personal' AND status IN ('active', 'needs_reconnect', 'suspended');

-- name: personal_of_member :many
-- tenant: none (an organization's own)
SELECT id, tenant_kind, tenant_id, status FROM connections
 WHERE organization_id = :organization_id AND user_id = :user_id
   AND kind = 'personal' AND status IN ('active', 'needs_reconnect', 'suspended')
 ORDER BY id;

-- name: personal_of_tenant :many
-- tenant: tenant_kind, tenant_id
SELECT id, organization_id, kind, status, installed_by_slack_user_id FROM connections
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND kind = 'personal' AND status IN ('active', 'needs_reconnect', 'suspended')
 ORDER BY id;

-- name: list_personal :many
-- tenant: none (an organization's own)
-- Those of one member that were ever held, and not deleted; behind the one with that time and id.
SELECT * FROM connections
 WHERE organization_id = :organization_id AND user_id = :user_id AND kind = 'personal'
   AND (created_at > :after_at OR (created_at = :after_at AND id > :after))
   AND status IN ('active', 'needs_reconnect', 'suspended', 'revoked') AND deleted_at IS NULL
 ORDER BY created_at, id
 LIMIT :most;

-- name: count_ending_connections :one
-- tenant: none (an organization's own)
SELECT count(*) AS found FROM connections AS c
  JOIN tokens AS t ON t.tenant_kind = c.tenant_kind AND t.tenant_id = c.tenant_id
                  AND t.holder_kind = 'connection' AND t.holder_id = c.id
 WHERE c.organization_id = :organization_id AND c.kind = 'personal'
   AND t.freeze = 'ending';
