-- What Slack answered lately, over all tenants: which of them it refused, and some of those that it served.

-- name: note_failing :exec
-- tenant: tenant_kind, tenant_id
-- Only what may be a fault of all: not who leaves, by Slack's own report or by ours, and not one user's token where
-- the bot's is served. Else 21 free workspaces that remove the app, or each day's leavers, would brake everybody.
INSERT INTO failing (tenant_kind, tenant_id, refused_at)
SELECT :tenant_kind, :tenant_id, :now
 WHERE NOT EXISTS (SELECT 1 FROM installations AS i
        WHERE i.tenant_kind = :tenant_kind AND i.tenant_id = :tenant_id AND i.status IN ('suspect', 'purging'))
   AND (:holder_kind = 'bot' OR NOT EXISTS (SELECT 1 FROM tokens AS t
        WHERE t.tenant_kind = :tenant_kind AND t.tenant_id = :tenant_id AND t.holder_kind = 'bot'
          AND t.status = 'live' AND t.refused_since IS NULL))
ON CONFLICT (tenant_kind, tenant_id) DO UPDATE SET refused_at = excluded.refused_at, given_up = 0;

-- name: mark_given_up :exec
-- tenant: tenant_kind, tenant_id
UPDATE failing SET given_up = 1
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: delete_failing :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM failing
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: delete_old_failing :exec
-- tenant: none (what is older than the window counts for nobody; nor what a clock that was set back left)
DELETE FROM failing WHERE refused_at < :since OR refused_at > :until;

-- name: count_failing :one
-- tenant: none (the brake is for all tenants)
SELECT count(*) AS found FROM failing WHERE refused_at >= :since;

-- name: count_waiting :one
-- tenant: none (the brake is for all tenants)
-- Those who may come back: installed, and not marked as final.
SELECT count(*) AS found FROM failing AS f
 WHERE f.given_up = 0
   AND EXISTS (SELECT 1 FROM installations AS i WHERE i.tenant_kind = f.tenant_kind AND i.tenant_id = f.tenant_id);

-- name: delete_all_failing :exec
-- tenant: none (the operator has looked)
DELETE FROM failing;

-- name: note_answered :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
INSERT INTO answered (tenant_kind, tenant_id, answered_at) VALUES (:tenant_kind, :tenant_id, :now)
ON CONFLICT (tenant_kind, tenant_id) DO UPDATE SET answered_at = excluded.answered_at;

-- name: delete_old_answered :exec
-- tenant: none (it is no sign of anything any more; nor is what a clock that was set back left)
DELETE FROM answered WHERE answered_at < :since OR answered_at > :until;

-- name: has_other_success :one
-- tenant: none (it asks about every tenant but one)
-- Both ends left out: what came in the same second may have come before, or after.
SELECT 1 AS found FROM answered
 WHERE answered_at > :since AND answered_at < :before  -- claim: C-79
   AND NOT (tenant_kind = :tenant_kind AND tenant_id = :tenant_id)  -- claim: C-79
 LIMIT 1;

-- name: outcomes_of_tenant :many
-- tenant: tenant_kind, tenant_id
SELECT CASE given_up WHEN 1 THEN 'given up' ELSE 'refused' END AS outcome, refused_at AS at FROM failing
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
UNION ALL
SELECT 'answered', answered_at FROM answered
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
UNION ALL
SELECT outcome, used_at AS at FROM oauth_states
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
 ORDER BY at, outcome;
