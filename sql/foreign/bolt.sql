-- The tables of Bolt for Python's SQLite store, as slack_sdk makes them. Not ours: read, and erased only on request.

-- name: bolt_clients :many
-- tenant: none (whose tables these are)
SELECT client_id, count(*) AS found
  FROM (SELECT client_id FROM slack_installations UNION ALL SELECT client_id FROM slack_bots)
 GROUP BY client_id
 ORDER BY client_id;

-- name: bolt_installations :many
-- tenant: none (all that is to be taken over)
-- Not by name: older releases of slack_sdk made fewer columns. importer/sources.py knows which are used, and which must be.
SELECT *
  FROM slack_installations
 WHERE client_id = :client_id
 ORDER BY id;

-- name: bolt_bots :many
-- tenant: none (all that is to be taken over)
SELECT *
  FROM slack_bots
 WHERE client_id = :client_id
 ORDER BY id;

-- name: erase_bolt_installations :exec
-- tenant: enterprise_id, team_id
DELETE FROM slack_installations
 WHERE client_id = :client_id
   AND coalesce(enterprise_id, '') = :enterprise_id
   AND coalesce(team_id, '') = :team_id;

-- name: erase_bolt_bots :exec
-- tenant: enterprise_id, team_id
DELETE FROM slack_bots
 WHERE client_id = :client_id
   AND coalesce(enterprise_id, '') = :enterprise_id
   AND coalesce(team_id, '') = :team_id;
