-- What an organization uses Slack for: ids, and the texts that people read.

-- name: save_purpose :exec
-- tenant: none (an organization's own)
INSERT INTO purposes (organization_id, purpose_id, text, created_at)
VALUES (:organization_id, :purpose_id, :text, :now)
ON CONFLICT (organization_id, purpose_id) DO UPDATE SET text = excluded.text;

-- name: find_purpose :one
-- tenant: none (an organization's own)
SELECT purpose_id, text FROM purposes
 WHERE organization_id = :organization_id AND purpose_id = :purpose_id;

-- name: list_purposes :many
-- tenant: none (an organization's own)
SELECT purpose_id, text FROM purposes
 WHERE organization_id = :organization_id
 ORDER BY purpose_id;

-- name: delete_purpose :exec
-- tenant: none (an organization's own)
DELETE FROM purposes
 WHERE organization_id = :organization_id AND purpose_id = :purpose_id;

-- name: delete_purposes :exec
-- tenant: none (an organization's own)
DELETE FROM purposes WHERE organization_id = :organization_id;
