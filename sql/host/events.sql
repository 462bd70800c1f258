-- What the host is told of: a number that grows, ids, and closed words.

-- name: add_host_event :exec
-- tenant: none (an organization's own)
-- Numbers are given in the order of commits: whoever reads on behind one misses none. They begin at the time, so that
-- none is given a second time after an older copy was restored.
INSERT INTO host_events (number, organization_id, connection_id, message_id, type, at, detail, state)
SELECT CASE WHEN newest.number >= :now * 1000 THEN newest.number + 1 ELSE :now * 1000 END,
       o.organization_id, :connection_id, :about_message, :type, :now, :detail, 'waiting'
  FROM organizations AS o,
       (SELECT coalesce((SELECT number FROM host_events ORDER BY number DESC LIMIT 1), 0) AS number) AS newest
 WHERE o.organization_id = :organization_id;

-- name: list_host_events :many
-- tenant: none (for the host, which speaks for every organization)
SELECT number, organization_id, connection_id, message_id, type, at, detail FROM host_events
 WHERE number > :after_number
 ORDER BY number
 LIMIT :most;

-- name: list_host_events_of :many
-- tenant: none (an organization's own)
SELECT number, organization_id, connection_id, message_id, type, at, detail FROM host_events
 WHERE organization_id = :organization_id AND number > :after_number
 ORDER BY number
 LIMIT :most;

-- name: sweep_host_events :exec
-- tenant: none (by age only)
DELETE FROM host_events
 WHERE number IN (SELECT number FROM host_events WHERE at < :before ORDER BY at, number LIMIT :most);

-- name: erase_host_events :exec
-- tenant: none (an organization's own)
DELETE FROM host_events WHERE organization_id = :organization_id;
