-- The host's customers. What belongs to one goes with its row: members, and all that hangs on them.

-- name: find_organization :one
-- tenant: none (an organization's own)
SELECT organization_id, name, named_at, workspace_limit, data_region, content_days, tracks_replies, frozen_at, removed_at, created_at,
       updated_at
  FROM organizations
 WHERE organization_id = :organization_id;

-- name: find_permission :one
-- tenant: none (an organization's own)
-- alone: look-up
-- Whether it may connect, by that member, in one look: the transaction that makes a connection active asks it again.
SELECT o.removed_at, o.workspace_limit, o.data_region, m.status AS member_status,
       EXISTS (
           SELECT 1 FROM host_switches AS s
            WHERE s.organization_id IN ('', :organization_id)  -- claim: C-153
           ) AS is_disabled,
       (
           SELECT count(*) FROM connections AS c
            WHERE c.organization_id = :organization_id AND c.kind = 'workspace'
              AND c.status IN ('active', 'needs_reconnect', 'suspended')
           ) AS held
  FROM organizations AS o
  LEFT JOIN members AS m ON m.organization_id = o.organization_id AND m.member_id = :member_id
 WHERE o.organization_id = :organization_id;

-- name: note_organization :exec
-- tenant: none (an organization's own)
-- alone: insert
-- The newest token of the host names it. Nothing is written where it names nothing.
INSERT INTO organizations (organization_id, name, named_at, created_at, updated_at)
VALUES (:organization_id, :name, :issued_at, :now, :now)
ON CONFLICT (organization_id) DO UPDATE SET
       name = excluded.name, named_at = excluded.named_at, updated_at = excluded.updated_at
 WHERE excluded.name <> ''
   AND excluded.named_at > organizations.named_at  -- claim: C-154
   AND organizations.removed_at IS NULL;

-- name: set_organization :exec
-- tenant: none (an organization's own)
UPDATE organizations
   SET name = :name, named_at = :issued_at, workspace_limit = :workspace_limit, data_region = :data_region,
       content_days = :content_days, tracks_replies = :tracks_replies, updated_at = :now
 WHERE organization_id = :organization_id
   AND removed_at IS NULL;

-- name: freeze_organization :exec
-- tenant: none (an organization's own)
UPDATE organizations SET frozen_at = :now, updated_at = :now
 WHERE organization_id = :organization_id
   AND frozen_at IS NULL;

-- name: end_organization_freeze :exec
-- tenant: none (an organization's own)
UPDATE organizations SET frozen_at = NULL, updated_at = :now
 WHERE organization_id = :organization_id
   AND frozen_at IS NOT NULL;

-- name: begin_organization_removal :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
UPDATE organizations SET removed_at = :now
 WHERE organization_id = :organization_id
   AND removed_at IS NULL;

-- name: list_removed_organizations :many
-- tenant: none (whose removal is not over)
SELECT organization_id FROM organizations
 WHERE removed_at IS NOT NULL
 ORDER BY removed_at, organization_id
 LIMIT 100;

-- name: blank_organization :exec
-- tenant: none (an organization's own)
UPDATE organizations SET name = '', data_region = '', workspace_limit = NULL, created_at = 0
 WHERE organization_id = :organization_id
   AND removed_at IS NOT NULL AND created_at <> 0;

-- name: delete_organization :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
DELETE FROM organizations
 WHERE organization_id = :organization_id
   AND removed_at IS NOT NULL AND created_at = 0;

-- name: add_usage :exec
-- tenant: none (an organization's own)
-- alone: insert
-- Nothing is counted of an organization that is being deleted.
INSERT INTO host_usage (organization_id, day, action, number)
SELECT :organization_id, :day, :action, 1
 WHERE EXISTS (SELECT 1 FROM organizations WHERE organization_id = :organization_id AND removed_at IS NULL)
ON CONFLICT (organization_id, day, action) DO UPDATE SET number = host_usage.number + 1;

-- name: list_usage :many
-- tenant: none (for the operator)
SELECT organization_id, action, CAST(sum(number) AS BIGINT) AS found FROM host_usage
 WHERE day >= :since
 GROUP BY organization_id, action
 ORDER BY organization_id, action;

-- name: count_connected :one
-- tenant: none (for the operator)
SELECT (SELECT count(*) FROM organizations WHERE removed_at IS NULL) AS organizations,
       (SELECT count(*) FROM organizations
         WHERE removed_at IS NULL
           AND EXISTS (SELECT 1 FROM connections
                        WHERE connections.organization_id = organizations.organization_id
                          AND connections.installed_at IS NOT NULL
                          AND connections.created_at <= organizations.created_at + :within)) AS connected,
       (SELECT count(*) FROM connections
         WHERE kind = 'workspace' AND installed_at IS NOT NULL AND created_at <= :before) AS workspaces,
       (SELECT count(*) FROM connections
         WHERE kind = 'workspace' AND installed_at IS NOT NULL AND created_at <= :before
           AND token_vault_key IS NOT NULL) AS remaining;

-- name: sweep_usage :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM host_usage WHERE day < :before;

-- name: erase_usage :exec
-- tenant: none (an organization's own)
DELETE FROM host_usage WHERE organization_id = :organization_id;

-- name: find_due_sweeps :one
-- tenant: none (by age only)
SELECT EXISTS (SELECT 1 FROM host_tickets WHERE expires_at < :now OR expires_at > :tickets_until)
       OR EXISTS (SELECT 1 FROM host_sessions WHERE expires_at < :now OR expires_at > :sessions_until) AS sessions,
       EXISTS (SELECT 1 FROM host_token_ids WHERE expires_at < :now) AS token_ids,
       EXISTS (SELECT 1 FROM idempotency_keys WHERE expires_at < :now) AS idempotency_keys,
       EXISTS (SELECT 1 FROM approvals WHERE expires_at < :approvals_before) AS approvals,
       EXISTS (SELECT 1 FROM connections WHERE status = 'failed' AND updated_at < :failed_before) AS connections,
       EXISTS (SELECT 1 FROM host_events WHERE at < :events_before) AS events,
       EXISTS (SELECT 1 FROM host_usage WHERE day < :usage_before)
       OR EXISTS (SELECT 1 FROM message_counts WHERE day < :usage_before) AS usage,
       EXISTS (SELECT 1 FROM message_contents WHERE kept_until <= :now) AS contents,
       EXISTS (SELECT 1 FROM message_replies WHERE noted_at < :replies_before) AS replies;
