-- Sending to the host what it is told of: each event at least once, those of a connection in their order.

-- name: is_delivery_waiting :one
-- tenant: none (the host hears of every organization)
SELECT 1 AS found FROM host_events WHERE state = 'waiting' AND at < :before LIMIT 1;

-- name: due_deliveries :many
-- tenant: none (the host hears of every organization)
-- Of each connection the oldest that waits, once its time has come: what comes after it waits behind it. The index is
-- gone through from one connection on to the next, however many events of one lie there. The lease goes by a clock that
-- nobody sets; one that ends later than a lease can is of an earlier boot.
SELECT e.number FROM host_events AS e
 WHERE e.number IN (
       WITH RECURSIVE turn AS (
              SELECT (SELECT connection_id FROM host_events WHERE state = 'waiting' ORDER BY connection_id LIMIT 1)
                     AS connection_id
              UNION ALL
              SELECT (SELECT following.connection_id FROM host_events AS following
                       WHERE following.state = 'waiting' AND following.connection_id > turn.connection_id
                       ORDER BY following.connection_id LIMIT 1)
                FROM turn WHERE turn.connection_id IS NOT NULL
              )
       SELECT (SELECT first.number FROM host_events AS first
                WHERE first.state = 'waiting'
                  AND first.connection_id = turn.connection_id  -- claim: C-275
                ORDER BY first.number LIMIT 1)
         FROM turn WHERE turn.connection_id IS NOT NULL
       )
   AND e.next_at NOT BETWEEN :now + 1 AND :latest
   AND e.lease_until NOT BETWEEN :steady AND :steady + :lease
 ORDER BY e.next_at, e.number
 LIMIT :most;

-- name: claim_delivery :one
-- tenant: none (an event's own number)
-- alone: compare-and-swap
UPDATE host_events SET attempts = attempts + 1, lease_owner = :owner, lease_until = :steady + :lease
 WHERE number = :number
   AND state = 'waiting'  -- claim: C-276
   AND lease_until NOT BETWEEN :steady AND :steady + :lease  -- claim: C-276
RETURNING number, organization_id, connection_id, message_id, type, at, detail, attempts;

-- name: end_delivery :exec
-- tenant: none (an event's own number)
-- alone: compare-and-swap
UPDATE host_events SET state = :state, answer_status = :answer_status, lease_owner = '', lease_until = 0
 WHERE number = :number
   AND lease_owner = :owner  -- claim: C-276
   AND state = 'waiting';

-- name: postpone_delivery :exec
-- tenant: none (an event's own number)
-- alone: compare-and-swap
UPDATE host_events SET next_at = :next_at, answer_status = :answer_status, lease_owner = '', lease_until = 0
 WHERE number = :number
   AND lease_owner = :owner  -- claim: C-276
   AND state = 'waiting';

-- name: drop_waiting_deliveries :exec
-- tenant: none (by age only)
-- alone: idempotent
-- While there is no address; the host reads what has happened in the feed.
UPDATE host_events SET state = 'unsent'
 WHERE number IN (
       SELECT number FROM host_events WHERE state = 'waiting' AND at < :before ORDER BY at, number LIMIT :most
       );

-- name: list_deliveries :many
-- tenant: none (the operator looks at all)
SELECT number, organization_id, connection_id, message_id, type, at, detail, state, attempts, next_at, answer_status
  FROM host_events
 WHERE number > :after_number
   AND (:state = '' OR state = :state)
   AND (:organization_id = '' OR organization_id = :organization_id)
 ORDER BY number
 LIMIT :most;

-- name: retry_delivery :exec
-- tenant: none (the operator names an event)
-- alone: compare-and-swap
-- At once, also what has arrived and was lost by the host. What is being sent just now is left.
UPDATE host_events SET state = 'waiting', attempts = 0, next_at = 0
 WHERE number = :number AND lease_until NOT BETWEEN :steady AND :steady + :lease;

-- name: retry_given_up :exec
-- tenant: none (the operator asks for all)
-- alone: compare-and-swap
UPDATE host_events SET state = 'waiting', attempts = 0, next_at = 0
 WHERE state = 'given_up';
