-- How many messages came to what, day by day. A trigger of `messages` counts them.

-- name: list_message_counts :many
-- tenant: none (an organization's own)
SELECT day, status, reason, number AS found FROM message_counts
 WHERE organization_id = :organization_id AND day >= :since
 ORDER BY day, status, reason;

-- name: list_channel_counts :many
-- tenant: none (an organization's own)
-- Of the newest ones: a purge leaves no channel, and no number is kept for it.
SELECT newest.connection_id, newest.channel_id, newest.status, count(*) AS found
  FROM (SELECT connection_id, channel_id, status FROM messages
         WHERE organization_id = :organization_id
         ORDER BY number DESC
         LIMIT :most) AS newest
 WHERE newest.channel_id <> ''
 GROUP BY newest.connection_id, newest.channel_id, newest.status
 ORDER BY newest.connection_id, newest.channel_id, newest.status;

-- name: sweep_message_counts :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM message_counts WHERE day < :before;

-- name: erase_message_counts :exec
-- tenant: none (an organization's own)
DELETE FROM message_counts WHERE organization_id = :organization_id;
