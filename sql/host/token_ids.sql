-- Ids of host tokens that work once, as hashes, until they have expired. A restored copy keeps them.

-- name: use_token_id :exec
-- tenant: none (of a host token)
-- alone: insert
INSERT INTO host_token_ids (id_hash, expires_at) VALUES (:id_hash, :expires_at)
ON CONFLICT (id_hash) DO NOTHING;  -- claim: C-155

-- name: sweep_token_ids :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM host_token_ids WHERE expires_at < :before;
