-- When connections that have served were begun, and when they ended.

-- name: list_lives :many
-- tenant: none (for the operator)
SELECT created_at, revoked_at FROM connections
 WHERE installed_at IS NOT NULL
 ORDER BY created_at, id;

-- name: list_lives_of :many
-- tenant: none (an organization's own)
SELECT created_at, revoked_at FROM connections
 WHERE organization_id = :organization_id AND kind IN ('workspace', 'personal')
   AND installed_at IS NOT NULL
 ORDER BY created_at, id;
