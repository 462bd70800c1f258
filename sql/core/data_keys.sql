-- Data keys, wrapped by a master key. A tenant's keys die with the tenant; a connection's own may die before it. The
-- service's own have the empty tenant.

-- name: active_keys :many
-- tenant: tenant_kind, tenant_id
SELECT key_id, tenant_kind, tenant_id, purpose, connection_id, provider, master_version, wrapped, state, created_at
  FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND connection_id = :connection_id
   AND state = 'active'
 ORDER BY key_id;

-- name: active_key :one
-- tenant: tenant_kind, tenant_id
SELECT key_id, tenant_kind, tenant_id, purpose, connection_id, provider, master_version, wrapped, state, created_at
  FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND purpose = :purpose AND connection_id = :connection_id
   AND state = 'active';

-- name: key_connections :many
-- tenant: tenant_kind, tenant_id
SELECT connection_id FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND connection_id <> ''
   AND state = 'active'
 ORDER BY connection_id;

-- name: find_key :one
-- tenant: tenant_kind, tenant_id
SELECT key_id, tenant_kind, tenant_id, purpose, connection_id, provider, master_version, wrapped, state, created_at
  FROM data_keys
 WHERE key_id = :key_id
   AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id;  -- claim: C-33, C-34

-- name: add_key :exec
-- tenant: tenant_kind, tenant_id
INSERT INTO data_keys (key_id, tenant_kind, tenant_id, purpose, connection_id, provider, master_version, wrapped, state,
       created_at)
VALUES (:key_id, :tenant_kind, :tenant_id, :purpose, :connection_id, :provider, :master_version, :wrapped, 'active',
       :now)
ON CONFLICT DO NOTHING;

-- name: key_ids :many
-- tenant: tenant_kind, tenant_id
SELECT key_id FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
 ORDER BY key_id;

-- name: all_keys :many
-- tenant: none (for the key backup, and to try each key)
SELECT key_id, tenant_kind, tenant_id, purpose, connection_id, provider, master_version, wrapped, state, created_at
  FROM data_keys
 ORDER BY key_id;

-- name: keys_below :many
-- tenant: none (a rotation wraps every tenant's keys anew, and opens none of their records)
SELECT key_id, tenant_kind, tenant_id, purpose, connection_id, provider, master_version, wrapped, state, created_at
  FROM data_keys
 WHERE provider = :provider AND master_version < :master_version
 ORDER BY key_id;

-- name: count_by_master :many
-- tenant: none (how much hangs on each master key)
SELECT provider, master_version, count(*) AS found FROM data_keys
 GROUP BY provider, master_version
 ORDER BY provider, master_version;

-- name: rewrap_key :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- Of two rotations at once, each key is wrapped by one.
UPDATE data_keys SET provider = :provider, master_version = :master_version, wrapped = :wrapped
 WHERE key_id = :key_id
   AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND provider = :old_provider
   AND master_version = :old_version;

-- name: empty_keys :exec
-- tenant: none (in a copy that becomes a data backup)
UPDATE data_keys SET wrapped = :wrapped;

-- name: fill_key :exec
-- tenant: tenant_kind, tenant_id
-- In a copy that becomes the database again.
UPDATE data_keys SET provider = :provider, master_version = :master_version, wrapped = :wrapped, state = :state
 WHERE key_id = :key_id
   AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: empty_key_owners :many
-- tenant: none (to find whose keys the key backup does not have any more)
SELECT DISTINCT tenant_kind, tenant_id FROM data_keys
 WHERE length(wrapped) = 0 AND connection_id = ''
 ORDER BY tenant_kind, tenant_id;

-- name: retire_keys :exec
-- tenant: tenant_kind, tenant_id
UPDATE data_keys SET state = 'retired'
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND tenant_kind <> ''
   AND state = 'active';

-- name: delete_retired_keys :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND tenant_kind <> ''
   AND state = 'retired';

-- name: delete_keys :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-59
   AND tenant_kind <> '';  -- claim: C-59

-- name: count_keys :one
-- tenant: tenant_kind, tenant_id
SELECT count(*) AS found FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;
