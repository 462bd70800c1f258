-- Who begins and posts nothing: one row per organization that is off, and one without an id while everybody is.

-- name: add_switch :exec
-- tenant: none (an operator's decision about an organization)
INSERT INTO host_switches (organization_id, disabled_at, actor, request_id)
VALUES (:organization_id, :now, :actor, :request_id)
ON CONFLICT (organization_id) DO NOTHING;

-- name: delete_switch :exec
-- tenant: none (an operator's decision about an organization)
DELETE FROM host_switches WHERE organization_id = :organization_id;

-- name: find_switch :one
-- tenant: none (an organization's own, or everybody's)
SELECT organization_id, disabled_at FROM host_switches
 WHERE organization_id IN ('', :organization_id)  -- claim: C-153
 ORDER BY organization_id
 LIMIT 1;

-- name: list_switches :many
-- tenant: none (for the operator)
SELECT organization_id, disabled_at FROM host_switches ORDER BY organization_id;
