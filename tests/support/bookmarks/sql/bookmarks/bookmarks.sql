-- Addresses that people keep: the name in clear, the address sealed.

-- name: add_bookmark :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
-- Only for a tenant that is there, and under a data key that is there: a purge may have come in between. One that is
-- there already stays, and counts: so 0 rows say that the tenant or the key is gone.
INSERT INTO bookmarks (tenant_kind, tenant_id, name, url, made_at)
SELECT :tenant_kind, :tenant_id, :name, :url, :now
 WHERE EXISTS (
       SELECT 1 FROM installations
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND status <> 'purging')
   AND EXISTS (
       SELECT 1 FROM data_keys
        WHERE key_id = :key_id AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND state = 'active')
ON CONFLICT (tenant_kind, tenant_id, name) DO UPDATE SET name = bookmarks.name;

-- name: list_bookmarks :many
-- tenant: tenant_kind, tenant_id
SELECT name, url, made_at FROM bookmarks
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND name > :after
 ORDER BY name
 LIMIT :most;

-- name: reseal_bookmark :exec
-- tenant: tenant_kind, tenant_id
UPDATE bookmarks SET url = :url
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND name = :name;

-- name: erase_bookmarks :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM bookmarks
 WHERE (tenant_kind, tenant_id, name) IN (
       SELECT tenant_kind, tenant_id, name FROM bookmarks
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
        ORDER BY name
        LIMIT :most);

-- name: count_bookmarks :one
-- tenant: tenant_kind, tenant_id
SELECT count(*) AS found FROM bookmarks
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: bookmark_owners :many
-- tenant: none (to find what belongs to nobody)
SELECT DISTINCT tenant_kind, tenant_id FROM bookmarks ORDER BY tenant_kind, tenant_id;
