-- queue: outbox
-- Whose turn it is in each channel, and what is scheduled. How a row is claimed, run and ended stands in `queue.sql`.

-- name: give_turn :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
-- A message comes here as often as it has its turn: after it was parked, or when somebody says that it goes out again.
INSERT INTO outbox (event_id, kind, tenant_kind, tenant_id, type, channel_id, state, event_time, received_at, next_at,
       trace_id)
SELECT m.id, 'job', m.tenant_kind, m.tenant_id, 'slackapp.message', m.channel_id, 'ready', m.created_at, :next_at,
       :next_at, m.trace_id
  FROM messages AS m
 WHERE m.tenant_kind = :tenant_kind AND m.tenant_id = :tenant_id AND m.id = :message_id
   AND m.status = 'queued'
   AND NOT EXISTS (
       SELECT 1 FROM outbox AS o
        WHERE o.tenant_kind = :tenant_kind AND o.tenant_id = :tenant_id AND o.channel_id = m.channel_id
          AND o.state IN ('ready', 'running', 'calling')
       )  -- claim: C-246
ON CONFLICT (event_id, tenant_kind, tenant_id) DO UPDATE
   SET state = 'ready', attempts = 0, next_at = excluded.next_at, received_at = excluded.received_at,
       channel_id = excluded.channel_id, finished_at = NULL, result = ''
 WHERE outbox.state IN ('done', 'unclear', 'dead');

-- name: schedule_turn :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
INSERT INTO outbox (event_id, kind, tenant_kind, tenant_id, type, state, event_time, received_at, next_at, trace_id)
SELECT id, 'job', tenant_kind, tenant_id, 'slackapp.message', 'ready', created_at, send_at, send_at, trace_id
  FROM messages
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND id = :message_id
   AND status = 'scheduled';

-- name: end_turn :one
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- Of a message that waits no more, or waits for something else than its turn.
UPDATE outbox SET state = 'done', result = '', finished_at = :now
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :message_id
   AND state = 'ready'
RETURNING next_at;

-- name: end_unclear_turn :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- Somebody has settled what became of it, or its metadata was found at Slack.
UPDATE outbox SET state = 'done', result = 'settled', finished_at = :now
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :message_id
   AND state = 'unclear';

-- name: list_idle_channels :many
-- tenant: none (upkeep, over every tenant)
-- Where something waits and nothing has its turn: a process was killed, or a connection works again.
SELECT DISTINCT m.tenant_kind, m.tenant_id, m.channel_id FROM messages AS m
 WHERE m.status = 'queued'
   AND NOT EXISTS (
       SELECT 1 FROM outbox AS o
        WHERE o.tenant_kind = m.tenant_kind AND o.tenant_id = m.tenant_id AND o.channel_id = m.channel_id
          AND o.state IN ('ready', 'running', 'calling')
       )
   AND NOT EXISTS (
       SELECT 1 FROM messages AS p
        WHERE p.tenant_kind = m.tenant_kind AND p.tenant_id = m.tenant_id AND p.channel_id = m.channel_id
          AND p.connection_id = m.connection_id AND p.status = 'parked'
       )
 ORDER BY m.tenant_kind, m.tenant_id, m.channel_id
 LIMIT :most;

-- name: find_running_turn :one
-- tenant: tenant_kind, tenant_id
SELECT 1 AS found FROM outbox
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :message_id
   AND state IN ('running', 'calling');

-- name: sweep_turns :exec
-- tenant: none (upkeep, over every tenant)
-- alone: compare-and-swap
-- What is scheduled has its own time.
UPDATE outbox SET next_at = :now
 WHERE state IN ('ready', 'running', 'calling')
   AND state = 'ready' AND channel_id <> '' AND next_at > :latest;
