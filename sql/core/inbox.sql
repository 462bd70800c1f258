-- What came from Slack or from ourselves and is to be done once: the event's id makes it once per tenant. An id that
-- another tenant's event has, too, is another row.
--
-- Nearly all rows are done. A statement that looks for the others repeats the condition of an index word for word, as
-- `state IN ('ready', 'running', 'calling')`: only then does SQLite see that the index has them all.

-- name: add_event :exec
-- tenant: tenant_kind, tenant_id
-- Only for a tenant that is there, and under a data key that is there: a purge may have come in between.
INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, body, state, event_time, received_at, next_at)
SELECT :event_id, 'event', :tenant_kind, :tenant_id, :type, :body, 'ready', :event_time, :now, :now
 WHERE EXISTS (
       SELECT 1 FROM installations
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND status <> 'purging'
       )  -- claim: C-48
   AND EXISTS (
       SELECT 1 FROM data_keys
        WHERE key_id = :key_id AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id
       )  -- claim: C-48
ON CONFLICT (event_id, tenant_kind, tenant_id) DO NOTHING;  -- claim: C-47, C-96

-- name: add_lifecycle_event :exec
-- tenant: tenant_kind, tenant_id
-- Without a body: whom it names are ids, and they are all that is needed. 'done' when its whole effect is in this
-- very transaction, or when it has none.
INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, named, state, event_time, received_at, next_at,
       finished_at, result)
VALUES (:event_id, 'event', :tenant_kind, :tenant_id, :type, :named, :state, :event_time, :now, :now,
       CASE :state WHEN 'done' THEN :now END, :result)
ON CONFLICT (event_id, tenant_kind, tenant_id) DO NOTHING;

-- name: add_job :exec
-- tenant: tenant_kind, tenant_id
INSERT INTO inbox (event_id, kind, tenant_kind, tenant_id, type, state, event_time, received_at, next_at)
VALUES (:event_id, 'job', :tenant_kind, :tenant_id, :type, 'ready', :now, :now, :next_at)
ON CONFLICT (event_id, tenant_kind, tenant_id) DO NOTHING;

-- name: is_known :one
-- tenant: tenant_kind, tenant_id
SELECT 1 AS found FROM inbox
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-96
   AND event_id = :event_id;

-- name: due_rows :many
-- tenant: none (the worker serves every tenant; the row says which)
-- The rows that are due, from one tenant on to the next: whoever looks on behind the tenant that had the last turn goes
-- round all of them, however many rows of one tenant lie there; of each tenant the index gives what is due, and what
-- waits is not read. The rows of a suspect or suspended tenant wait, but for what resolves the suspicion or removes the
-- tenant. A row that waits for longer than any row is made to wait was postponed
-- by a clock that was ahead.
WITH RECURSIVE turn (tenant_kind, tenant_id) AS (
       SELECT :after_kind, :after_id
       UNION ALL
       SELECT following.tenant_kind, following.tenant_id
         FROM turn CROSS JOIN inbox AS following ON following.rowid = coalesce(
              (SELECT rowid FROM inbox
                WHERE state IN ('ready', 'running', 'calling')
                  AND tenant_kind = turn.tenant_kind AND tenant_id > turn.tenant_id
                ORDER BY tenant_id LIMIT 1),
              (SELECT rowid FROM inbox
                WHERE state IN ('ready', 'running', 'calling') AND tenant_kind > turn.tenant_kind
                ORDER BY tenant_kind, tenant_id LIMIT 1))
       ),
       due (removes, earliest, latest) AS (
       VALUES (1, 0, :now), (1, :latest + 1, 9e18), (0, 0, :now), (0, :latest + 1, 9e18)
       )
SELECT row.event_id, row.tenant_kind, row.tenant_id
  FROM turn CROSS JOIN due CROSS JOIN inbox AS row
 WHERE (turn.tenant_kind, turn.tenant_id) <> (:after_kind, :after_id)  -- claim: C-97
   AND (turn.tenant_kind, turn.tenant_id) <> (:full_kind, :full_id)  -- claim: C-97
   AND (due.removes OR NOT EXISTS (
       SELECT 1 FROM installations AS i
        WHERE i.tenant_kind = turn.tenant_kind AND i.tenant_id = turn.tenant_id
          AND i.status IN ('suspect', 'suspended')
       ))
   AND row.state IN ('ready', 'running', 'calling')
   AND row.state <> 'calling'
   AND row.tenant_kind = turn.tenant_kind AND row.tenant_id = turn.tenant_id
   AND (row.type IN ('app_uninstalled', 'tokens_revoked', 'slackapp.uninstall', 'slackapp.purge')) = due.removes
   AND row.next_at BETWEEN due.earliest AND due.latest  -- claim: C-98
   AND row.lease_until NOT BETWEEN :steady AND :steady + :lease
 LIMIT :most;

-- name: claim :one
-- tenant: tenant_kind, tenant_id
-- The lease goes by a clock that nobody sets; one that ends later than a lease can is of an earlier boot.
UPDATE inbox SET state = 'running', attempts = attempts + 1, lease_owner = :owner, lease_until = :steady + :lease
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND state IN ('ready', 'running')  -- claim: C-52
   AND lease_until NOT BETWEEN :steady AND :steady + :lease  -- claim: C-77, C-98
RETURNING event_id, kind, tenant_kind, tenant_id, type, named, body, attempts, event_time, received_at,
       lease_owner;

-- name: claim_by_id :one
-- tenant: tenant_kind, tenant_id
UPDATE inbox SET state = 'running', attempts = attempts + 1, lease_owner = :owner, lease_until = :steady + :lease
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND state = 'ready'
RETURNING event_id, kind, tenant_kind, tenant_id, type, named, body, attempts, event_time, received_at,
       lease_owner;

-- name: claim_revocation :one
-- tenant: tenant_kind, tenant_id
-- An uninstall or a revocation that Slack is to be asked about; also one whose process died before it had asked.
UPDATE inbox SET state = 'running', attempts = attempts + 1, lease_owner = :owner, lease_until = :steady + :lease
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND event_id = (
       SELECT event_id FROM inbox
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
          AND type IN ('app_uninstalled', 'tokens_revoked')
          AND state IN ('ready', 'running', 'calling')
          AND ((state = 'ready' AND next_at <= :now)
               OR (state = 'running' AND lease_until NOT BETWEEN :steady AND :steady + :lease))
        ORDER BY next_at
        LIMIT 1)
RETURNING event_id, kind, tenant_kind, tenant_id, type, named, body, attempts, event_time, received_at,
       lease_owner;

-- name: mark_calling :exec
-- tenant: tenant_kind, tenant_id
-- Each call has a whole lease to itself, however long was thought before it.
UPDATE inbox SET state = 'calling', lease_until = :steady + :lease
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND lease_owner = :owner  -- claim: C-51
   AND state IN ('running', 'calling');

-- name: mark_not_called :exec
-- tenant: tenant_kind, tenant_id
UPDATE inbox SET state = 'running'
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND lease_owner = :owner
   AND state = 'calling';

-- name: finish :exec
-- tenant: tenant_kind, tenant_id
UPDATE inbox SET state = :state, result = :result, finished_at = :now, lease_owner = '', lease_until = 0,
       body = CASE :state WHEN 'done' THEN NULL ELSE body END,
       named = CASE :state WHEN 'done' THEN '' ELSE named END
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND lease_owner = :owner  -- claim: C-51
   AND state IN ('running', 'calling');

-- name: postpone :exec
-- tenant: tenant_kind, tenant_id
UPDATE inbox SET state = 'ready', next_at = :next_at, result = :result, lease_owner = '', lease_until = 0,
       attempts = attempts - :forgiven
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND lease_owner = :owner  -- claim: C-51
   AND state IN ('running', 'calling');

-- name: mark_unclear :many
-- tenant: none (found by their leases, which their dead owners let run out)
-- Found in mid-call after a crash: nobody knows whether Slack did it, so it is shown and never repeated by itself.
UPDATE inbox SET state = 'unclear', finished_at = :now, result = 'interrupted in a call', lease_owner = '',
       lease_until = 0
 WHERE state IN ('running', 'calling')
   AND state = 'calling'  -- claim: C-52
   AND lease_until NOT BETWEEN :steady AND :steady + :lease  -- claim: C-52
RETURNING event_id, tenant_kind, tenant_id, type;

-- name: mark_restored :many
-- tenant: none (in a copy that becomes the database again)
-- What was open when the backup was made was run since, or not. What only removes a tenant may be done twice.
UPDATE inbox SET state = 'unclear', finished_at = :now, result = 'open when the backup was made', lease_owner = '',
       lease_until = 0
 WHERE state IN ('ready', 'running', 'calling')  -- claim: C-93
   AND type NOT IN ('app_uninstalled', 'tokens_revoked', 'slackapp.uninstall', 'slackapp.purge')
RETURNING event_id, tenant_kind, tenant_id, type;

-- name: erase_bodies :exec
-- tenant: tenant_kind, tenant_id
-- A purge: no body stays; ids, types and times do, for the sake of repeats. Our own jobs go on.
UPDATE inbox SET body = NULL, lease_owner = '', lease_until = 0,
       state = 'done', result = 'purged', finished_at = :now
 WHERE event_id IN (
       SELECT event_id FROM inbox WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND body IS NOT NULL
       UNION ALL
       SELECT event_id FROM inbox
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND state IN ('ready', 'running', 'calling')
       UNION ALL
       SELECT event_id FROM inbox
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND state IN ('dead', 'unclear')
       )
   AND (body IS NOT NULL OR state <> 'done')
   AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-59
   AND type <> 'slackapp.purge';

-- name: list_bodies :many
-- tenant: tenant_kind, tenant_id
SELECT event_id, body FROM inbox
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND body IS NOT NULL;

-- name: find_body :one
-- tenant: tenant_kind, tenant_id
SELECT body FROM inbox
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND body IS NOT NULL;

-- name: reseal_body :exec
-- tenant: tenant_kind, tenant_id
UPDATE inbox SET body = :body
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id;

-- name: open_jobs :many
-- tenant: none (for the operator's inventory)
SELECT event_id, tenant_kind, tenant_id, received_at, result FROM inbox
 WHERE type = :type AND state IN ('ready', 'running', 'calling')
 ORDER BY received_at;

-- name: tenants_with_bodies :many
-- tenant: none (to find what belongs to nobody)
SELECT DISTINCT tenant_kind, tenant_id FROM inbox WHERE body IS NOT NULL;

-- name: is_open :one
-- tenant: tenant_kind, tenant_id
SELECT 1 AS found FROM inbox
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND state <> 'done';

-- name: count_bodies :one
-- tenant: tenant_kind, tenant_id
SELECT count(*) AS found FROM inbox
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND body IS NOT NULL;

-- name: oldest_open_job :one
-- tenant: none (for readiness and the metrics)
SELECT count(*) AS found, min(received_at) AS oldest FROM inbox
 WHERE type = :type AND state IN ('ready', 'running', 'calling');

-- name: sweep_inbox :exec
-- tenant: none (by age only)
DELETE FROM inbox
 WHERE (event_id, tenant_kind, tenant_id) IN (
       SELECT event_id, tenant_kind, tenant_id FROM inbox WHERE state = 'done' AND finished_at < :before LIMIT 1000
       );

-- name: interrupt_calling :many
-- tenant: none (the rows of one process, which ends)
UPDATE inbox SET state = 'unclear', finished_at = :now, result = 'stopped in a call', lease_owner = '', lease_until = 0
 WHERE state IN ('running', 'calling')
   AND state = 'calling'
   AND substr(lease_owner, 1, length(:process) + 1) = :process || ':'
RETURNING event_id, tenant_kind, tenant_id, type;

-- name: release_running :exec
-- tenant: none (the rows of one process, which ends)
UPDATE inbox SET state = 'ready', lease_owner = '', lease_until = 0, attempts = attempts - 1
 WHERE state IN ('running', 'calling')
   AND state = 'running'
   AND substr(lease_owner, 1, length(:process) + 1) = :process || ':';

-- name: inbox_page :many
-- tenant: none (the operator looks at all, or names one)
SELECT event_id, kind, tenant_kind, tenant_id, type, state, attempts, event_time, received_at, next_at, finished_at,
       result, body IS NOT NULL AS has_body
  FROM inbox
 WHERE (:tenant_id = '' OR tenant_id = :tenant_id)
   AND (state = :state OR (:state = '' AND state <> 'done'))
 ORDER BY received_at, event_id
 LIMIT :most;

-- name: inbox_rows :many
-- tenant: none (the operator names an event; who else has one of that id must be seen)
SELECT event_id, kind, tenant_kind, tenant_id, type, state, attempts, event_time, received_at, next_at, finished_at,
       result, body IS NOT NULL AS has_body
  FROM inbox
 WHERE event_id = :event_id
 ORDER BY tenant_kind, tenant_id;

-- name: inbox_states :many
-- tenant: none (how it fares, for readiness and for the operator)
SELECT state, count(*) AS found, min(received_at) AS oldest
  FROM (
       SELECT state, received_at FROM inbox WHERE state IN ('ready', 'running', 'calling')
       UNION ALL SELECT state, received_at FROM inbox WHERE state IN ('dead', 'unclear')
       ) AS open
 GROUP BY state;

-- name: retry_row :exec
-- tenant: tenant_kind, tenant_id
UPDATE inbox SET state = 'ready', attempts = 0, next_at = :now, finished_at = NULL, result = 'retried by the operator'
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-96
   AND event_id = :event_id
   AND state IN ('dead', 'unclear');

-- name: drop_row :exec
-- tenant: tenant_kind, tenant_id
UPDATE inbox SET state = 'done', body = NULL, named = '', finished_at = :now, result = 'dropped by the operator'
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-96
   AND event_id = :event_id
   AND state IN ('dead', 'unclear');
