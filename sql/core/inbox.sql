-- queue: inbox
-- What came from Slack or from ourselves and is to be done once: the event's id makes it once per tenant. An id that
-- another tenant's event has, too, is another row. How a row is claimed, run, ended and erased stands in `queue.sql`; here
-- is what only the inbox has: how a row comes into it, and which removals are open.

-- name: add_event :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
-- Only for a tenant that is there, and under a data key that is in use: a purge, or new keys, may have come in between.
INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, body, state, event_time, received_at, next_at,
       trace_id)
SELECT :event_id, 'event', :tenant_kind, :tenant_id, :type, :body, 'ready', :event_time, :now, :now, :trace_id
 WHERE EXISTS (
       SELECT 1 FROM installations
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND status <> 'purging'
       )  -- claim: C-48
   AND EXISTS (
       SELECT 1 FROM data_keys
        WHERE key_id = :key_id AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND state = 'active'
       )  -- claim: C-48
ON CONFLICT (event_id, tenant_kind, tenant_id) DO NOTHING;  -- claim: C-47, C-96

-- name: add_claimed_event :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
-- Claimed by whoever takes it, who goes by what it remembers of the tenant: only where all of that is still so.
INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, body, state, attempts, event_time, received_at,
       next_at, lease_owner, lease_until, trace_id)
SELECT :event_id, 'event', :tenant_kind, :tenant_id, :type, :body, 'running', 1, :event_time, :now, :now, :owner,
       :steady + :lease, :trace_id
 WHERE EXISTS (
       SELECT 1 FROM installations
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND status = 'active'
          AND generation = :generation AND installed_at = :seen_installed_at AND bot_id = :bot_id
          AND enterprise_id = :enterprise_id AND scopes_granted = :scopes_granted
       )  -- claim: C-130
   AND NOT EXISTS (
       SELECT 1 FROM freezes
        WHERE tenant_kind IN ('', :tenant_kind) AND tenant_id IN ('', :tenant_id)
       )  -- claim: C-130
   AND EXISTS (
       SELECT 1 FROM data_keys
        WHERE key_id = :key_id AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND state = 'active'
       )  -- claim: C-130
ON CONFLICT (event_id, tenant_kind, tenant_id) DO NOTHING;  -- claim: C-47

-- name: add_lifecycle_event :exec
-- tenant: tenant_kind, tenant_id
-- Without a body: whom it names are ids, and they are all that is needed. 'done' when its whole effect is in this
-- very transaction, or when it has none.
INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, named, removes, state, event_time, received_at, next_at,
       finished_at, result, trace_id)
VALUES (:event_id, 'event', :tenant_kind, :tenant_id, :type, :named, 1, :state, :event_time, :now, :now,
       CASE :state WHEN 'done' THEN :now END, :result, :trace_id)
ON CONFLICT (event_id, tenant_kind, tenant_id) DO NOTHING;

-- name: add_job :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, removes, state, event_time, received_at, next_at,
       trace_id)
VALUES (:event_id, 'job', :tenant_kind, :tenant_id, :type, :removes, 'ready', :now, :now, :next_at, :trace_id)
ON CONFLICT (event_id, tenant_kind, tenant_id) DO NOTHING;

-- name: next_revocation :one
-- tenant: tenant_kind, tenant_id
-- An uninstall or a revocation that Slack is to be asked about; also one whose process died before it had asked.
SELECT event_id FROM inbox
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND type IN ('app_uninstalled', 'tokens_revoked')
   AND state IN ('ready', 'running', 'calling')
   AND ((state = 'ready' AND next_at <= :now)
        OR (state = 'running' AND lease_until NOT BETWEEN :steady AND :steady + :lease))
 ORDER BY next_at, event_id
 LIMIT 1;

-- name: open_jobs :many
-- tenant: none (for the operator's inventory)
SELECT event_id, tenant_kind, tenant_id, received_at, result FROM inbox
 WHERE type = :type AND state IN ('ready', 'running', 'calling')
 ORDER BY received_at, event_id, tenant_kind, tenant_id;

-- name: oldest_open_job :one
-- tenant: none (for readiness and the metrics)
SELECT count(*) AS found, min(received_at) AS oldest FROM inbox
 WHERE type = :type AND state IN ('ready', 'running', 'calling');

