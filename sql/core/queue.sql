-- What waits to be done once, in any table of this shape. `$queue` stands for the table's name: these statements are
-- loaded once for each file whose head says `-- queue: NAME`, and are called NAME.claim, NAME.finish and so on.
--
-- The shape, which the table's migration makes, with whatever columns of its own besides:
--
--   event_id, tenant_kind, tenant_id   the key: an id is unique per tenant
--   kind, type, named, body            what it is; ids that it is about; what is in it, sealed, or NULL
--   removes                            1 where it removes the tenant: then it waits for no tenant's status
--   state, attempts, result            how it fares
--   event_time, received_at, next_at, finished_at
--   lease_owner, lease_until           whose it is, and until when by a clock that nobody sets
--   trace_id                           the request that it came with
--
-- and these indexes:
--
--   (tenant_kind, tenant_id, removes, next_at, event_id)  WHERE state IN ('ready', 'running', 'calling')
--   (lease_until)                                         WHERE state IN ('running', 'calling')
--   (tenant_kind, tenant_id, received_at)                 WHERE state IN ('dead', 'unclear')
--   (finished_at)                                         WHERE state = 'done'
--   (tenant_kind, tenant_id, event_id)                    WHERE body IS NOT NULL
--
-- Nearly all rows are done. A statement that looks for the others repeats the condition of an index word for word, as
-- `state IN ('ready', 'running', 'calling')`: only then does SQLite see that the index has them all.

-- name: due_rows :many
-- tenant: none (the worker serves every tenant; the row says which)
-- The rows that are due, from one tenant on to the next: whoever looks on behind the tenant that had the last turn goes
-- round all of them, however many rows of one tenant lie there; of each tenant the index gives what is due, and what
-- waits is not read. The rows of a suspect, suspended or frozen tenant wait, but for what resolves the suspicion or
-- removes the tenant. A row that waits for longer than any row is made to wait was postponed
-- by a clock that was ahead.
WITH RECURSIVE turn (tenant_kind, tenant_id) AS (
       SELECT :after_kind, :after_id
       UNION ALL
       SELECT following.tenant_kind, following.tenant_id
         FROM turn CROSS JOIN $queue AS following ON following.rowid = coalesce(
              (SELECT rowid FROM $queue
                WHERE state IN ('ready', 'running', 'calling')
                  AND tenant_kind = turn.tenant_kind AND tenant_id > turn.tenant_id
                ORDER BY tenant_id LIMIT 1),
              (SELECT rowid FROM $queue
                WHERE state IN ('ready', 'running', 'calling') AND tenant_kind > turn.tenant_kind
                ORDER BY tenant_kind, tenant_id LIMIT 1))
       ),
       due (removes, earliest, latest) AS (
       VALUES (1, 0, :now), (1, :latest + 1, 9223372036854775807), (0, 0, :now), (0, :latest + 1, 9223372036854775807)
       )
SELECT row.event_id, row.tenant_kind, row.tenant_id
  FROM turn CROSS JOIN due CROSS JOIN $queue AS row
 WHERE (turn.tenant_kind, turn.tenant_id) <> (:after_kind, :after_id)  -- claim: C-97
   AND (turn.tenant_kind, turn.tenant_id) <> (:full_kind, :full_id)  -- claim: C-97
   AND (due.removes = 1 OR NOT EXISTS (
       SELECT 1 FROM installations AS i
        WHERE i.tenant_kind = turn.tenant_kind AND i.tenant_id = turn.tenant_id
          AND i.status IN ('suspect', 'suspended')
       ))
   AND (due.removes = 1 OR NOT EXISTS (
       SELECT 1 FROM freezes AS f
        WHERE f.tenant_kind IN ('', turn.tenant_kind) AND f.tenant_id IN ('', turn.tenant_id)
       ))  -- claim: C-118
   AND row.state IN ('ready', 'running', 'calling')
   AND row.state <> 'calling'
   AND row.tenant_kind = turn.tenant_kind AND row.tenant_id = turn.tenant_id
   AND row.removes = due.removes
   AND row.next_at BETWEEN due.earliest AND due.latest  -- claim: C-98
   AND row.lease_until NOT BETWEEN :steady AND :steady + :lease
 LIMIT :most;

-- name: claim :one
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- The attempt counts from here on: a row that takes its process with it has had it. The lease goes by a clock that
-- nobody sets; one that ends later than a lease can is of an earlier boot.
UPDATE $queue SET state = 'running', attempts = attempts + 1, lease_owner = :owner, lease_until = :steady + :lease
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND state IN ('ready', 'running')  -- claim: C-52
   AND lease_until NOT BETWEEN :steady AND :steady + :lease  -- claim: C-77, C-98
RETURNING event_id, kind, tenant_kind, tenant_id, type, named, body, removes, attempts, event_time, received_at,
       lease_owner, trace_id;

-- name: renew_lease :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- What has waited for a thread since it was claimed: it is run only where nothing has come in between.
UPDATE $queue SET lease_until = :steady + :lease
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND lease_owner = :owner  -- claim: C-51
   AND state = 'running'
   AND EXISTS (
       SELECT 1 FROM installations AS i
        WHERE i.tenant_kind = :tenant_kind AND i.tenant_id = :tenant_id AND i.status = 'active'
          AND i.generation = :generation
       )  -- claim: C-130
   AND NOT EXISTS (
       SELECT 1 FROM freezes AS f
        WHERE f.tenant_kind IN ('', :tenant_kind) AND f.tenant_id IN ('', :tenant_id)
       );  -- claim: C-130

-- name: mark_calling :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- Each call has a whole lease to itself, however long was thought before it.
UPDATE $queue SET state = 'calling', lease_until = :steady + :lease
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND lease_owner = :owner  -- claim: C-51
   AND state IN ('running', 'calling');

-- name: mark_not_called :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE $queue SET state = 'running'
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND lease_owner = :owner
   AND state = 'calling';

-- name: finish :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE $queue SET state = :state, result = :result, finished_at = :now, lease_owner = '', lease_until = 0,
       body = CASE :state WHEN 'done' THEN NULL ELSE body END,
       named = CASE :state WHEN 'done' THEN '' ELSE named END
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND lease_owner = :owner  -- claim: C-51
   AND state IN ('running', 'calling');

-- name: postpone :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE $queue SET state = 'ready', next_at = :next_at, result = :result, lease_owner = '', lease_until = 0,
       attempts = attempts - :forgiven
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND lease_owner = :owner  -- claim: C-51
   AND state IN ('running', 'calling');

-- name: mark_unclear :many
-- tenant: none (found by their leases, which their dead owners let run out)
-- Found in mid-call after a crash: nobody knows whether Slack did it, so it is shown and never repeated by itself.
UPDATE $queue SET state = 'unclear', finished_at = :now, result = 'interrupted in a call', lease_owner = '',
       lease_until = 0
 WHERE state IN ('running', 'calling')
   AND state = 'calling'  -- claim: C-52
   AND lease_until NOT BETWEEN :steady AND :steady + :lease  -- claim: C-52
RETURNING event_id, tenant_kind, tenant_id, type, trace_id;

-- name: mark_restored :many
-- tenant: none (in a copy that becomes the database again)
-- What was open when the backup was made was run since, or not. What only removes a tenant may be done twice.
UPDATE $queue SET state = 'unclear', finished_at = :now, result = 'open when the backup was made', lease_owner = '',
       lease_until = 0
 WHERE state IN ('ready', 'running', 'calling')  -- claim: C-93
   AND removes = 0
RETURNING event_id, tenant_kind, tenant_id, type, trace_id;

-- name: interrupt_calling :many
-- tenant: none (the rows of one process, which ends or has ended)
UPDATE $queue SET state = 'unclear', finished_at = :now, result = :result, lease_owner = '', lease_until = 0
 WHERE state IN ('running', 'calling')
   AND state = 'calling'
   AND substr(lease_owner, 1, length(:process) + 1) = :process || ':'
RETURNING event_id, tenant_kind, tenant_id, type, trace_id;

-- name: release_running :exec
-- tenant: none (the rows of one process, which ends or has ended)
-- One that ends gives the attempt back; of one that died, the row may be what killed it.
UPDATE $queue SET state = 'ready', lease_owner = '', lease_until = 0, attempts = attempts - :forgiven
 WHERE state IN ('running', 'calling')
   AND state = 'running'
   AND substr(lease_owner, 1, length(:process) + 1) = :process || ':';

-- name: is_known :one
-- tenant: tenant_kind, tenant_id
SELECT 1 AS found FROM $queue
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-96
   AND event_id = :event_id;

-- name: is_open :one
-- tenant: tenant_kind, tenant_id
SELECT 1 AS found FROM $queue
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND state <> 'done';

-- name: page :many
-- tenant: none (the operator looks at all, or names one)
SELECT event_id, kind, tenant_kind, tenant_id, type, state, attempts, event_time, received_at, next_at, finished_at,
       result, trace_id, body IS NOT NULL AS has_body
  FROM $queue
 WHERE (:tenant_id = '' OR tenant_id = :tenant_id)
   AND (state = :state OR (:state = '' AND state <> 'done'))
 ORDER BY received_at, event_id, tenant_kind, tenant_id
 LIMIT :most;

-- name: of_tenant :many
-- tenant: tenant_kind, tenant_id
SELECT event_id, kind, tenant_kind, tenant_id, type, state, attempts, event_time, received_at, next_at, finished_at,
       result, trace_id, body IS NOT NULL AS has_body
  FROM $queue
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND event_id > :after
 ORDER BY event_id
 LIMIT :most;

-- name: rows_of_id :many
-- tenant: none (the operator names an event; who else has one of that id must be seen)
SELECT event_id, kind, tenant_kind, tenant_id, type, state, attempts, event_time, received_at, next_at, finished_at,
       result, trace_id, body IS NOT NULL AS has_body
  FROM $queue
 WHERE event_id = :event_id
 ORDER BY tenant_kind, tenant_id;

-- name: find_body :one
-- tenant: tenant_kind, tenant_id
SELECT body FROM $queue
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND body IS NOT NULL;

-- name: states :many
-- tenant: none (how it fares, for readiness and for the operator)
SELECT state, count(*) AS found, min(received_at) AS oldest
  FROM (
       SELECT state, received_at FROM $queue WHERE state IN ('ready', 'running', 'calling')
       UNION ALL SELECT state, received_at FROM $queue WHERE state IN ('dead', 'unclear')
       ) AS open
 GROUP BY state
 ORDER BY state;

-- name: retry :exec
-- tenant: tenant_kind, tenant_id
UPDATE $queue SET state = 'ready', attempts = 0, next_at = :now, finished_at = NULL, result = 'retried by the operator'
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-96
   AND event_id = :event_id
   AND state IN ('dead', 'unclear');

-- name: drop :exec
-- tenant: tenant_kind, tenant_id
UPDATE $queue SET state = 'done', body = NULL, named = '', finished_at = :now, result = 'dropped by the operator'
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-96
   AND event_id = :event_id
   AND state IN ('dead', 'unclear');

-- name: sweep :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM $queue
 WHERE (event_id, tenant_kind, tenant_id) IN (
       SELECT event_id, tenant_kind, tenant_id FROM $queue WHERE state = 'done' AND finished_at < :before
        ORDER BY finished_at, event_id, tenant_kind, tenant_id
        LIMIT 1000
       );

-- name: erase_running :exec
-- tenant: tenant_kind, tenant_id
-- A purge: whoever runs such a row finds that it is not theirs any more. There are few, and an index has just those.
UPDATE $queue SET body = NULL, lease_owner = '', lease_until = 0,
       state = 'done', result = 'purged', finished_at = :now
 WHERE state IN ('running', 'calling')
   AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-59
   AND type <> 'slackapp.purge';

-- name: erase_portion :exec
-- tenant: tenant_kind, tenant_id
-- A purge: no body stays; ids, types and times do, for the sake of repeats. Our own jobs go on.
UPDATE $queue SET body = NULL, lease_owner = '', lease_until = 0,
       state = 'done', result = 'purged', finished_at = :now
 WHERE event_id IN (
       SELECT event_id FROM $queue
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND body IS NOT NULL
       UNION ALL
       SELECT event_id FROM $queue
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND type <> 'slackapp.purge'
          AND state IN ('ready', 'running', 'calling')
       UNION ALL
       SELECT event_id FROM $queue
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND type <> 'slackapp.purge'
          AND state IN ('dead', 'unclear')
        LIMIT :most
       )
   AND (body IS NOT NULL OR state <> 'done')
   AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-59
   AND type <> 'slackapp.purge';

-- name: list_bodies :many
-- tenant: tenant_kind, tenant_id
SELECT event_id, body FROM $queue
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND body IS NOT NULL
   AND event_id > :after
 ORDER BY event_id
 LIMIT :most;

-- name: reseal_body :exec
-- tenant: tenant_kind, tenant_id
UPDATE $queue SET body = :body
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND event_id = :event_id
   AND body IS NOT NULL;

-- name: count_bodies :one
-- tenant: tenant_kind, tenant_id
SELECT count(*) AS found FROM $queue
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND body IS NOT NULL;

-- name: tenants_with_bodies :many
-- tenant: none (to find what belongs to nobody)
SELECT DISTINCT tenant_kind, tenant_id FROM $queue WHERE body IS NOT NULL ORDER BY tenant_kind, tenant_id;
