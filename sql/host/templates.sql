-- Templates of messages, each organization's own.

-- name: save_template :exec
-- tenant: none (an organization's own)
-- Nothing is saved of an organization that is being deleted.
INSERT INTO templates (organization_id, name, content, changed_by, created_at, updated_at)
SELECT :organization_id, :name, :content, :changed_by, :now, :now
 WHERE EXISTS (SELECT 1 FROM organizations WHERE organization_id = :organization_id AND removed_at IS NULL)
ON CONFLICT (organization_id, name) DO UPDATE
   SET content = excluded.content, changed_by = excluded.changed_by, updated_at = excluded.updated_at;

-- name: find_template :one
-- tenant: none (an organization's own)
SELECT name, content, changed_by, created_at, updated_at FROM templates
 WHERE organization_id = :organization_id AND name = :name;

-- name: list_templates :many
-- tenant: none (an organization's own)
SELECT name, content, changed_by, created_at, updated_at FROM templates
 WHERE organization_id = :organization_id
 ORDER BY name;

-- name: count_templates :one
-- tenant: none (an organization's own)
SELECT count(*) AS found FROM templates WHERE organization_id = :organization_id;

-- name: delete_template :exec
-- tenant: none (an organization's own)
DELETE FROM templates WHERE organization_id = :organization_id AND name = :name;

-- name: delete_templates :exec
-- tenant: none (an organization's own)
DELETE FROM templates WHERE organization_id = :organization_id;
