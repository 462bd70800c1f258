-- Data keys, wrapped by a master key. A tenant's keys die with the tenant; the service's own have the empty tenant.

-- name: active_keys :many
-- tenant: tenant_kind, tenant_id
SELECT key_id, tenant_kind, tenant_id, purpose, provider, master_version, wrapped, state, created_at
  FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND state = 'active';

-- name: find_key :one
-- tenant: tenant_kind, tenant_id
SELECT key_id, tenant_kind, tenant_id, purpose, provider, master_version, wrapped, state, created_at
  FROM data_keys
 WHERE key_id = :key_id
   AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: add_key :exec
-- tenant: tenant_kind, tenant_id
INSERT INTO data_keys (key_id, tenant_kind, tenant_id, purpose, provider, master_version, wrapped, state, created_at)
VALUES (:key_id, :tenant_kind, :tenant_id, :purpose, :provider, :master_version, :wrapped, 'active', :now)
ON CONFLICT DO NOTHING;

-- name: delete_keys :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND tenant_kind <> '';

-- name: count_keys :one
-- tenant: tenant_kind, tenant_id
SELECT count(*) AS found FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;
