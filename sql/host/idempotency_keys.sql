-- What was asked under which key, and what was answered: a repeat is answered alike, and does nothing.

-- name: begin_idempotent :exec
-- tenant: none (an organization's own)
-- alone: insert
INSERT INTO idempotency_keys (key_hash, organization_id, body_hash, expires_at)
SELECT :key_hash, organization_id, :body_hash, :expires_at FROM organizations
 WHERE organization_id = :organization_id AND removed_at IS NULL
ON CONFLICT (key_hash) DO NOTHING;

-- name: find_idempotent :one
-- tenant: none (an organization's own)
SELECT body_hash, answer_status, answer, expires_at FROM idempotency_keys
 WHERE organization_id = :organization_id AND key_hash = :key_hash;

-- name: finish_idempotent :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
UPDATE idempotency_keys SET answer_status = :answer_status, answer = :answer
 WHERE organization_id = :organization_id AND key_hash = :key_hash
   AND answer_status = 0;

-- name: forget_idempotent :exec
-- tenant: none (an organization's own)
-- Of a request that was refused, and did nothing.
DELETE FROM idempotency_keys
 WHERE organization_id = :organization_id AND key_hash = :key_hash
   AND answer_status = 0;

-- name: sweep_idempotent :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM idempotency_keys WHERE expires_at < :before;

-- name: erase_idempotent :exec
-- tenant: none (an organization's own)
DELETE FROM idempotency_keys WHERE organization_id = :organization_id;
