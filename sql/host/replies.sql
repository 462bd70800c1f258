-- Replies and reactions to messages, as Slack tells of them.

-- name: find_message_at :one
-- tenant: tenant_kind, tenant_id
SELECT m.id, m.organization_id, o.tracks_replies
  FROM messages AS m JOIN organizations AS o ON o.organization_id = m.organization_id
 WHERE m.tenant_kind = :tenant_kind AND m.tenant_id = :tenant_id AND m.channel_id = :channel_id
   AND m.message_ts = :message_ts AND m.message_ts <> '' AND m.type IN ('message', 'reply');

-- name: add_reply :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
-- Only where the organization wishes it, and so many of a message at most.
INSERT INTO message_replies (message_id, organization_id, tenant_kind, tenant_id, type, author_id, reaction, message_ts,
       noted_at)
SELECT m.id, m.organization_id, m.tenant_kind, m.tenant_id, :type, :author_id, :reaction, :message_ts, :now
  FROM messages AS m JOIN organizations AS o ON o.organization_id = m.organization_id
 WHERE m.tenant_kind = :tenant_kind AND m.tenant_id = :tenant_id AND m.id = :message_id AND m.channel_id <> ''
   AND o.tracks_replies = 1  -- claim: C-310
   AND (SELECT count(*) FROM message_replies AS r WHERE r.message_id = :message_id) < :most
ON CONFLICT (message_id, type, author_id, reaction, message_ts) DO NOTHING;

-- name: remove_reaction :exec
-- tenant: tenant_kind, tenant_id
-- alone: idempotent
DELETE FROM message_replies
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND message_id = :message_id
   AND type = 'reaction' AND author_id = :author_id AND reaction = :reaction;

-- name: remove_reply :exec
-- tenant: tenant_kind, tenant_id
-- alone: idempotent
DELETE FROM message_replies
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND message_id = :message_id
   AND type = 'reply' AND message_ts = :message_ts;

-- name: list_received :many
-- tenant: none (an organization's own)
SELECT type, author_id, reaction, message_ts, noted_at FROM message_replies
 WHERE organization_id = :organization_id AND message_id = :message_id
 ORDER BY noted_at DESC, type, author_id, reaction, message_ts
 LIMIT :most;

-- name: count_received :many
-- tenant: none (an organization's own)
SELECT type, count(*) AS found FROM message_replies
 WHERE organization_id = :organization_id AND message_id = :message_id
 GROUP BY type
 ORDER BY type;

-- name: forget_replies_of :exec
-- tenant: none (an organization's own)
-- That wishes to know no more.
DELETE FROM message_replies WHERE organization_id = :organization_id;

-- name: sweep_replies :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM message_replies WHERE noted_at < :before;

-- name: erase_replies :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM message_replies
 WHERE message_id IN (
       SELECT message_id FROM message_replies
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-310
        ORDER BY message_id LIMIT :most
       );

-- name: count_replies :one
-- tenant: tenant_kind, tenant_id
SELECT count(*) AS found FROM message_replies WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: reply_owners :many
-- tenant: none (to find what belongs to nobody)
SELECT DISTINCT tenant_kind, tenant_id FROM message_replies ORDER BY tenant_kind, tenant_id;

-- name: export_replies :many
-- tenant: tenant_kind, tenant_id
SELECT message_id, organization_id, type, author_id, reaction, message_ts, noted_at FROM message_replies
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
 ORDER BY message_id, type, author_id, reaction, message_ts;
