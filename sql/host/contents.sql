-- What messages said, for as long as their organization keeps it: sealed as it was while it waited.

-- name: keep_content :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
-- Before the message itself forgets it, in the same transaction.
INSERT INTO message_contents (message_id, organization_id, tenant_kind, tenant_id, body, kept_at, kept_until)
SELECT m.id, m.organization_id, m.tenant_kind, m.tenant_id, m.body, :now, :now + o.content_days * 86400
  FROM messages AS m JOIN organizations AS o ON o.organization_id = m.organization_id
 WHERE m.tenant_kind = :tenant_kind AND m.tenant_id = :tenant_id AND m.id = :message_id
   AND m.status = :expected AND m.body IS NOT NULL
   AND o.content_days > 0  -- claim: C-300
ON CONFLICT (message_id) DO NOTHING;

-- name: find_content :one
-- tenant: tenant_kind, tenant_id
SELECT body FROM message_contents
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND message_id = :message_id
   AND kept_until > :now;  -- claim: C-300

-- name: find_kept_body :one
-- tenant: tenant_kind, tenant_id
SELECT body FROM message_contents
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND message_id = :message_id;

-- name: forget_contents_of_target :exec
-- tenant: tenant_kind, tenant_id
-- What was deleted at Slack, and what it was changed to.
DELETE FROM message_contents
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND (message_id = :target_id
        OR message_id IN (
            SELECT id FROM messages
             WHERE organization_id = :organization_id AND target_id = :target_id AND target_id <> '' AND type = 'update'
            ));

-- name: shorten_contents :exec
-- tenant: none (an organization's own)
UPDATE message_contents SET kept_until = kept_at + :seconds
 WHERE organization_id = :organization_id AND kept_until > kept_at + :seconds;

-- name: sweep_contents :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM message_contents
 WHERE message_id IN (
       SELECT message_id FROM message_contents WHERE kept_until <= :now ORDER BY kept_until, message_id LIMIT :most
       );

-- name: erase_contents :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM message_contents
 WHERE message_id IN (
       SELECT message_id FROM message_contents
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-300
        ORDER BY message_id LIMIT :most
       );

-- name: count_contents :one
-- tenant: tenant_kind, tenant_id
SELECT count(*) AS found FROM message_contents WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: content_owners :many
-- tenant: none (to find what belongs to nobody)
SELECT DISTINCT tenant_kind, tenant_id FROM message_contents ORDER BY tenant_kind, tenant_id;

-- name: export_contents :many
-- tenant: tenant_kind, tenant_id
SELECT message_id, organization_id, tenant_kind, tenant_id, body, kept_at, kept_until FROM message_contents
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND message_id > :after
 ORDER BY message_id
 LIMIT :most;

-- name: reseal_content :exec
-- tenant: tenant_kind, tenant_id
UPDATE message_contents SET body = :body
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND message_id = :message_id;
