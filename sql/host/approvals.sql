-- Wishes of members to connect, and what an owner or admin has said to them.

-- name: add_approval :exec
-- tenant: none (an organization's own)
INSERT INTO approvals (id, organization_id, member_id, reason, status, created_at, expires_at)
VALUES (:approval_id, :organization_id, :member_id, :text, 'requested', :now, :expires_at);

-- name: find_approval :one
-- tenant: none (an organization's own)
SELECT id, organization_id, member_id, reason, status, note, decided_by, created_at, decided_at, expires_at, used_at
  FROM approvals
 WHERE organization_id = :organization_id AND id = :approval_id;

-- name: list_approvals :many
-- tenant: none (an organization's own)
SELECT id, organization_id, member_id, reason, status, note, decided_by, created_at, decided_at, expires_at, used_at
  FROM approvals
 WHERE organization_id = :organization_id
   AND (created_at > :after_at OR (created_at = :after_at AND id > :after))
 ORDER BY created_at, id
 LIMIT :most;

-- name: list_approvals_of_member :many
-- tenant: none (an organization's own)
SELECT id, organization_id, member_id, reason, status, note, decided_by, created_at, decided_at, expires_at, used_at
  FROM approvals
 WHERE organization_id = :organization_id AND member_id = :member_id
   AND (created_at > :after_at OR (created_at = :after_at AND id > :after))
 ORDER BY created_at, id
 LIMIT :most;

-- name: find_open_approval :one
-- tenant: none (an organization's own)
SELECT id, organization_id, member_id, reason, status, note, decided_by, created_at, decided_at, expires_at, used_at
  FROM approvals
 WHERE organization_id = :organization_id AND member_id = :member_id
   AND status = 'requested' AND expires_at >= :now
 ORDER BY id
 LIMIT 1;

-- name: find_granted_approval :one
-- tenant: none (an organization's own)
SELECT id FROM approvals
 WHERE organization_id = :organization_id AND member_id = :member_id
   AND status = 'approved' AND expires_at >= :now
 ORDER BY id
 LIMIT 1;

-- name: decide_approval :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
UPDATE approvals
   SET status = :decision, note = :text, decided_by = :decided_by, decided_at = :now, expires_at = :expires_at
 WHERE organization_id = :organization_id AND id = :approval_id
   AND status = 'requested' AND expires_at >= :now
   AND member_id <> :decided_by;

-- name: use_approval :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
UPDATE approvals SET status = 'used', used_at = :now
 WHERE organization_id = :organization_id AND id = :approval_id AND member_id = :member_id
   AND status = 'approved' AND expires_at >= :now;

-- name: end_approvals_of_member :exec
-- tenant: none (an organization's own)
UPDATE approvals SET expires_at = :now - 1
 WHERE organization_id = :organization_id AND member_id = :member_id
   AND status IN ('requested', 'approved') AND expires_at >= :now;

-- name: sweep_approvals :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM approvals WHERE expires_at < :before;
