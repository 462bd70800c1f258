-- queue: bookmark_shares
-- Addresses that are to be posted, each once.

-- name: add_bookmark_share :exec
-- tenant: tenant_kind, tenant_id
-- Only for a tenant that is there, and under a data key that is there: a purge may have come in between.
INSERT INTO bookmark_shares (event_id, kind, tenant_kind, tenant_id, type, body, state, event_time, received_at,
       next_at, trace_id)
SELECT :event_id, 'job', :tenant_kind, :tenant_id, 'bookmarks.share', :body, 'ready', :now, :now, :now, ''
 WHERE EXISTS (
       SELECT 1 FROM installations
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND status <> 'purging')
   AND EXISTS (
       SELECT 1 FROM data_keys
        WHERE key_id = :key_id AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND state = 'active')
ON CONFLICT (event_id, tenant_kind, tenant_id) DO NOTHING;
