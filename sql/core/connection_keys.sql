-- Data keys that connections have for themselves, as they end one by one.

-- name: delete_connection_keys :exec
-- tenant: tenant_kind, tenant_id
-- What a connection's keys have sealed opens never again; the tenant's own, and other connections', stay.
DELETE FROM data_keys
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND connection_id = :connection_id AND connection_id <> '';  -- claim: C-342

-- name: empty_connection_keys :many
-- tenant: none (to find the connections that have ended since, of tenants that are there)
SELECT DISTINCT tenant_kind, tenant_id, connection_id FROM data_keys
 WHERE length(wrapped) = 0 AND connection_id <> ''
 ORDER BY tenant_kind, tenant_id, connection_id;
