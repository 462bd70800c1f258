-- Messages of organizations. Each change of a status asks for the one that was seen; `outbox` has whose turn it is.

-- name: add_message :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
-- Only while the organization, its connection, the tenant and the key that sealed it are there.
INSERT INTO messages (id, organization_id, connection_id, tenant_kind, tenant_id, type, status, internal_message_id,
       target_id, channel_id, message_ts, thread_ts, sender_id, purpose_id, body, send_at, queued_at, created_at,
       updated_at, trace_id, delivery)
SELECT :message_id, c.organization_id, c.id, c.tenant_kind, c.tenant_id, :type, :status, :internal_message_id,
       :target_id, :channel_id, :message_ts, :thread_ts, :sender_id, :purpose_id, :body, :send_at, :queued_at, :now,
       :now, :trace_id, :delivery
  FROM connections AS c
 WHERE c.organization_id = :organization_id AND c.id = :connection_id
   AND c.tenant_kind = :tenant_kind AND c.tenant_id = :tenant_id
   AND c.status = 'active'  -- claim: C-245
   AND EXISTS (
       SELECT 1 FROM organizations AS o WHERE o.organization_id = :organization_id AND o.removed_at IS NULL
       )
   AND EXISTS (
       SELECT 1 FROM installations AS i
        WHERE i.tenant_kind = :tenant_kind AND i.tenant_id = :tenant_id AND i.status <> 'purging'
       )  -- claim: C-245
   AND EXISTS (
       SELECT 1 FROM data_keys AS k
        WHERE k.key_id = :key_id AND k.tenant_kind = :tenant_kind AND k.tenant_id = :tenant_id AND k.state = 'active'
       )  -- claim: C-245
    ON CONFLICT (id) DO NOTHING;  -- claim: C-331

-- name: find_message :one
-- tenant: none (an organization's own)
SELECT * FROM messages WHERE organization_id = :organization_id AND id = :message_id;

-- name: find_message_of :one
-- tenant: tenant_kind, tenant_id
SELECT * FROM messages WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND id = :message_id;

-- name: find_internal :one
-- tenant: none (an organization's own)
-- alone: look-up
SELECT id FROM messages
 WHERE organization_id = :organization_id AND internal_message_id = :internal_message_id
   AND internal_message_id <> '';

-- name: list_messages :many
-- tenant: none (an organization's own)
SELECT * FROM messages
 WHERE organization_id = :organization_id AND number < :before_number
   AND (:status = '' OR status = :status)
   AND (:channel_id = '' OR channel_id = :channel_id)
   AND (:sender_id = '' OR sender_id = :sender_id)
   AND (:purpose_id = '' OR purpose_id = :purpose_id)
   AND created_at >= :since AND created_at < :until
 ORDER BY number DESC
 LIMIT :most;

-- name: list_replies :many
-- tenant: none (an organization's own)
SELECT * FROM messages
 WHERE organization_id = :organization_id AND target_id = :target_id
   AND target_id <> '' AND type = 'reply'
   AND number < :before_number
 ORDER BY number DESC
 LIMIT :most;

-- name: next_of_channel :one
-- tenant: tenant_kind, tenant_id
-- alone: look-up
-- What was parked goes first, once upkeep has let it go on.
SELECT m.id FROM messages AS m
 WHERE m.tenant_kind = :tenant_kind AND m.tenant_id = :tenant_id AND m.channel_id = :channel_id
   AND m.status = 'queued'
   AND NOT EXISTS (
       SELECT 1 FROM outbox AS o
        WHERE o.tenant_kind = :tenant_kind AND o.tenant_id = :tenant_id AND o.channel_id = :channel_id
          AND o.state IN ('ready', 'running', 'calling')
       )
   AND NOT EXISTS (
       SELECT 1 FROM messages AS p
        WHERE p.tenant_kind = :tenant_kind AND p.tenant_id = :tenant_id AND p.channel_id = :channel_id
          AND p.connection_id = m.connection_id AND p.status = 'parked'
       )  -- claim: C-287
 ORDER BY m.queued_at, m.number
 LIMIT 1;

-- name: set_message_status :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- What is over has nothing to say any more.
UPDATE messages
   SET status = :status, reason = :reason, slack_error = :slack_error, updated_at = :now,
       body = CASE WHEN :status IN ('failed', 'canceled') THEN NULL ELSE body END,
       parked_at = CASE WHEN :status = 'parked' THEN :now END
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND id = :message_id
   AND status = :expected;  -- claim: C-247

-- name: set_message_sent :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE messages
   SET status = 'sent', reason = '', slack_error = '', channel_id = :channel_id, message_ts = :message_ts,
       thread_ts = :thread_ts, sent_at = :now, updated_at = :now, body = NULL  -- claim: C-248
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND id = :message_id
   AND status = :expected;  -- claim: C-247

-- name: replace_message_body :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE messages SET body = :body, updated_at = :now
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND id = :message_id
   AND status = :expected
   AND EXISTS (
       SELECT 1 FROM data_keys AS k
        WHERE k.key_id = :key_id AND k.tenant_kind = :tenant_kind AND k.tenant_id = :tenant_id AND k.state = 'active'
       );

-- name: set_permalink :exec
-- tenant: none (an organization's own)
-- alone: idempotent
UPDATE messages SET permalink = :permalink
 WHERE organization_id = :organization_id AND id = :message_id
   AND status = 'sent';

-- name: set_message_reason :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE messages SET reason = :reason, slack_error = :slack_error
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND id = :message_id
   AND status = :expected;

-- name: list_waiting :many
-- tenant: none (upkeep: of a connection that is not active, or is again)
SELECT id, tenant_kind, tenant_id, channel_id, organization_id, connection_id, status FROM messages
 WHERE connection_id = :connection_id AND status IN ('scheduled', 'queued', 'parked')
   AND status IN (:status, :other_status)
 ORDER BY number
 LIMIT :most;

-- name: list_connections_waiting :many
-- tenant: none (upkeep)
SELECT DISTINCT m.connection_id, m.organization_id, coalesce(c.status, 'revoked') AS status
  FROM messages AS m LEFT JOIN connections AS c ON c.id = m.connection_id
 WHERE m.status IN ('scheduled', 'queued', 'parked')
 ORDER BY m.connection_id, m.organization_id, status;

-- name: list_unclear_since :many
-- tenant: none (upkeep: what became unclear just now, of every tenant)
SELECT * FROM messages
 WHERE status = 'unclear' AND updated_at >= :since
   AND type IN ('message', 'reply')
 ORDER BY updated_at, number
 LIMIT :most;

-- name: list_parked_before :many
-- tenant: none (by age only)
SELECT id, tenant_kind, tenant_id, channel_id, organization_id, connection_id, status FROM messages
 WHERE status = 'parked' AND parked_at <= :before
 ORDER BY parked_at, number
 LIMIT :most;

-- name: list_erased_waiting :many
-- tenant: tenant_kind, tenant_id
-- Of those that the next portion erases, what is not over.
SELECT id, tenant_kind, tenant_id, channel_id, organization_id, connection_id, status FROM messages
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND id IN (
       SELECT id FROM messages
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND channel_id <> ''
        ORDER BY id LIMIT :most
       )
   AND status NOT IN ('sent', 'failed', 'canceled')
 ORDER BY number;

-- name: erase_messages :exec
-- tenant: tenant_kind, tenant_id
-- A purge: ids, statuses and times stay, and what the host calls it. What waits is over.
UPDATE messages
   SET status = CASE WHEN status IN ('sent', 'failed', 'canceled') THEN status ELSE 'failed' END,
       reason = CASE WHEN status IN ('sent', 'failed', 'canceled') THEN reason ELSE 'revoked' END,
       body = NULL, parked_at = NULL, channel_id = '', message_ts = '', thread_ts = '', permalink = '', sender_id = '',
       updated_at = CASE WHEN status IN ('sent', 'failed', 'canceled') THEN updated_at ELSE :now END
 WHERE id IN (
       SELECT id FROM messages
        WHERE channel_id <> ''
          AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-250
        ORDER BY id LIMIT :most
       );

-- name: count_messages :one
-- tenant: tenant_kind, tenant_id
SELECT count(*) AS found FROM messages
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND channel_id <> '';

-- name: message_owners :many
-- tenant: none (to find what belongs to nobody)
SELECT DISTINCT tenant_kind, tenant_id FROM messages WHERE channel_id <> '' ORDER BY tenant_kind, tenant_id;

-- name: export_messages :many
-- tenant: tenant_kind, tenant_id
SELECT * FROM messages
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND channel_id <> ''
   AND id > :after
 ORDER BY id
 LIMIT :most;

-- name: list_message_bodies :many
-- tenant: tenant_kind, tenant_id
SELECT id, body FROM messages
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND body IS NOT NULL
   AND id > :after
 ORDER BY id
 LIMIT :most;

-- name: find_message_body :one
-- tenant: tenant_kind, tenant_id
SELECT body FROM messages
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND id = :message_id AND body IS NOT NULL;

-- name: reseal_message :exec
-- tenant: tenant_kind, tenant_id
UPDATE messages SET body = :body
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND id = :message_id AND body IS NOT NULL;

-- name: mark_messages_restored :many
-- tenant: none (in a copy that becomes the database again)
-- What was open when the backup was made was sent since, or not.
UPDATE messages SET status = 'unclear', reason = 'restored', parked_at = NULL, updated_at = :now
 WHERE status IN ('scheduled', 'queued', 'parked')  -- claim: C-251
RETURNING id AS event_id, tenant_kind, tenant_id, trace_id;

-- name: delete_messages_of :exec
-- tenant: none (an organization's own)
-- alone: idempotent
DELETE FROM messages
 WHERE organization_id = :organization_id
   AND number IN (SELECT number FROM messages WHERE organization_id = :organization_id ORDER BY number LIMIT :most);
