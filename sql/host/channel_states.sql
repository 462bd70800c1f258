-- Channels of settings to which nothing can be posted now. A row is there as long as that is so.

-- name: note_channel_state :exec
-- tenant: tenant_kind, tenant_id
-- What is known already changes nothing: the host is told once.
INSERT INTO channel_states (connection_id, organization_id, tenant_kind, tenant_id, channel_id, state, noted_at)
VALUES (:connection_id, :organization_id, :tenant_kind, :tenant_id, :channel_id, :state, :now)
ON CONFLICT (connection_id, channel_id) DO UPDATE SET state = excluded.state, noted_at = excluded.noted_at
 WHERE channel_states.state <> excluded.state;  -- claim: C-305

-- name: list_channel_states :many
-- tenant: none (an organization's own)
SELECT channel_id, state, noted_at FROM channel_states
 WHERE organization_id = :organization_id AND connection_id = :connection_id
 ORDER BY noted_at, channel_id;

-- name: clear_channel_state :exec
-- tenant: tenant_kind, tenant_id
-- alone: idempotent
DELETE FROM channel_states
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND channel_id = :channel_id
   AND connection_id = :connection_id;  -- claim: C-305

-- name: erase_channel_states :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM channel_states WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: count_channel_states :one
-- tenant: tenant_kind, tenant_id
SELECT count(*) AS found FROM channel_states WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: channel_state_owners :many
-- tenant: none (to find what belongs to nobody)
SELECT DISTINCT tenant_kind, tenant_id FROM channel_states ORDER BY tenant_kind, tenant_id;

-- name: export_channel_states :many
-- tenant: tenant_kind, tenant_id
SELECT connection_id, organization_id, channel_id, state, noted_at FROM channel_states
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
 ORDER BY connection_id, channel_id;
