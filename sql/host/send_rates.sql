-- When the next message may go out: one a second to a channel, so many a minute to a workspace.

-- name: find_free_at :many
-- tenant: tenant_kind, tenant_id
-- alone: look-up
-- Of the channel and of all channels; who takes a place by it says what was seen.
SELECT channel_id, free_at FROM send_rates
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND channel_id IN ('', :channel_id)
 ORDER BY channel_id;

-- name: set_free_at :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
INSERT INTO send_rates (tenant_kind, tenant_id, channel_id, free_at)
VALUES (:tenant_kind, :tenant_id, '', :free_of_all), (:tenant_kind, :tenant_id, :channel_id, :free_at)
ON CONFLICT (tenant_kind, tenant_id, channel_id) DO UPDATE SET free_at = excluded.free_at
 WHERE send_rates.free_at = CASE send_rates.channel_id WHEN '' THEN :seen_of_all ELSE :seen_at END;

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
