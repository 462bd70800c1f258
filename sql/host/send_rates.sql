-- When the next message may go out: one a second to a channel, so many a minute to a workspace.

-- name: find_free_at :one
-- tenant: tenant_kind, tenant_id
SELECT free_at FROM send_rates
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND channel_id = :channel_id;

-- name: set_free_at :exec
-- tenant: tenant_kind, tenant_id
INSERT INTO send_rates (tenant_kind, tenant_id, channel_id, free_at)
VALUES (:tenant_kind, :tenant_id, :channel_id, :free_at)
ON CONFLICT (tenant_kind, tenant_id, channel_id) DO UPDATE SET free_at = excluded.free_at;

-- name: sweep_send_rates :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM send_rates WHERE free_at < :before_milliseconds;

-- name: erase_send_rates :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM send_rates WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: export_send_rates :many
-- tenant: tenant_kind, tenant_id
SELECT channel_id, free_at FROM send_rates
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
 ORDER BY channel_id;
