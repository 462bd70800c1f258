-- The tables of Bolt for Python's SQLite store, as slack_sdk makes them. Not ours: read, and erased only on request.

-- name: bolt_clients :many
-- tenant: none (whose tables these are)
SELECT client_id, count(*) AS found
  FROM (SELECT client_id FROM slack_installations UNION ALL SELECT client_id FROM slack_bots)
 GROUP BY client_id
 ORDER BY client_id;

-- name: bolt_installations :many
-- tenant: none (all that is to be taken over)
SELECT id, app_id, enterprise_id, enterprise_name, enterprise_url, team_id, team_name, bot_token, bot_id, bot_user_id,
       bot_scopes, bot_refresh_token, bot_token_expires_at, user_id, user_token, user_scopes, user_refresh_token,
       user_token_expires_at, incoming_webhook_url, incoming_webhook_channel, incoming_webhook_channel_id,
       incoming_webhook_configuration_url, is_enterprise_install, token_type, installed_at
  FROM slack_installations
 WHERE client_id = :client_id
 ORDER BY id;

-- name: bolt_bots :many
-- tenant: none (all that is to be taken over)
SELECT id, app_id, enterprise_id, enterprise_name, team_id, team_name, bot_token, bot_id, bot_user_id, bot_scopes,
       bot_refresh_token, bot_token_expires_at, is_enterprise_install, installed_at
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
