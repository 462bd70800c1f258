-- Whose tokens are not opened: one row per frozen tenant, and one without a tenant while everything is frozen. One that
-- names an organization is this one's own wish about a tenant that it holds. Never cached: each statement that opens,
-- refreshes or runs anything asks this table itself.

-- name: add_freeze :exec
-- tenant: tenant_kind, tenant_id
INSERT INTO freezes (tenant_kind, tenant_id, organization, frozen_at, actor, request_id)
VALUES (:tenant_kind, :tenant_id, :organization, :now, :actor, :request_id)
ON CONFLICT (tenant_kind, tenant_id, organization) DO NOTHING;

-- name: delete_freeze :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM freezes
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND organization = :organization;  -- claim: C-157

-- name: find_freeze :one
-- tenant: none (the freeze of everything counts for each tenant)
-- The tenant's own, or that of everything.
SELECT tenant_kind, tenant_id, organization, frozen_at, actor, request_id FROM freezes
 WHERE tenant_kind IN ('', :tenant_kind) AND tenant_id IN ('', :tenant_id)
 ORDER BY tenant_kind, tenant_id, organization
 LIMIT 1;

-- name: list_freezes :many
-- tenant: none (for the operator)
SELECT tenant_kind, tenant_id, organization, frozen_at, actor, request_id FROM freezes
 ORDER BY tenant_kind, tenant_id, organization;
