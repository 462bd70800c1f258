-- Grants that wait until whoever began has confirmed them by an own login. None of them is anybody's before.

-- name: add_quarantine :exec
-- tenant: none (the tenant is nobody's yet)
INSERT INTO quarantines (connection_id, cookie_hash, grant_sealed, expires_at, installer_id)
VALUES (:connection_id, :cookie_hash, :grant_sealed, :expires_at, :installer_id);

-- name: find_quarantine :one
-- tenant: none (by a secret that only this browser was given)
SELECT c.organization_id, q.connection_id, q.grant_sealed, q.expires_at
  FROM quarantines AS q JOIN connections AS c ON c.id = q.connection_id
 WHERE q.cookie_hash = :cookie_hash;

-- name: find_quarantine_of :one
-- tenant: none (an organization's own)
SELECT c.organization_id, q.connection_id, q.grant_sealed, q.expires_at
  FROM connections AS c JOIN quarantines AS q ON q.connection_id = c.id
 WHERE c.organization_id = :organization_id AND c.id = :connection_id;

-- name: end_quarantine :exec
-- tenant: none (it is over at once)
UPDATE quarantines SET expires_at = :now
 WHERE connection_id = :connection_id
   AND expires_at > :now;

-- name: drop_all_quarantines :exec
-- tenant: none (in a copy that becomes the database again)
DELETE FROM quarantines;

-- name: list_expired_quarantines :many
-- tenant: none (whose time is over)
-- Whatever waits again, because Slack or an exchange makes it, comes after what was not tried yet.
SELECT c.organization_id, q.connection_id, q.grant_sealed, q.expires_at
  FROM quarantines AS q JOIN connections AS c ON c.id = q.connection_id
 WHERE (q.expires_at < :now OR q.expires_at > :latest)
   AND q.lease_until NOT BETWEEN :steady AND :steady + :lease
 ORDER BY q.lease_until, q.expires_at, q.connection_id  -- claim: C-194
 LIMIT 20;

-- name: lease_quarantine :exec
-- tenant: none (who gives it back)
-- alone: compare-and-swap
UPDATE quarantines SET lease_owner = :owner, lease_until = :steady + :lease
 WHERE connection_id = :connection_id
   AND lease_until NOT BETWEEN :steady AND :steady + :lease;

-- name: release_quarantine :exec
-- tenant: none (who has tried to give it back)
-- alone: compare-and-swap
UPDATE quarantines SET lease_owner = '', lease_until = :steady - 1
 WHERE connection_id = :connection_id
   AND lease_owner = :owner;

-- name: has_other_quarantine :one
-- tenant: tenant_kind, tenant_id
-- Whether somebody else waits with what may be the very same token.
SELECT 1 AS found FROM quarantines
 WHERE connection_id IN (SELECT id FROM connections
                          WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND tenant_kind <> '')
   AND connection_id <> :connection_id
   AND (:installer_id = '' OR installer_id IN ('', :installer_id))
 LIMIT 1;

-- name: is_tenant_given_back :one
-- tenant: tenant_kind, tenant_id
-- Whether Slack is being asked just now to end what was granted there.
SELECT 1 AS found FROM quarantines
 WHERE connection_id IN (SELECT id FROM connections
                          WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND tenant_kind <> '')
   AND lease_until BETWEEN :steady AND :steady + :lease
 LIMIT 1;

-- name: delete_quarantine :exec
-- tenant: none (it was confirmed, given back, or died with its tenant)
DELETE FROM quarantines WHERE connection_id = :connection_id;

-- name: is_any_given_back :one
-- tenant: none (whoever exchanges a code does not know yet for which tenant)
SELECT 1 AS found FROM quarantines
 WHERE lease_until BETWEEN :steady AND :steady + :lease
 LIMIT 1;

-- name: has_workspaces_installed :one
-- tenant: none (workspaces of an enterprise, which is one tenant itself)
SELECT 1 AS found FROM installations
 WHERE enterprise_id = :enterprise_id AND tenant_kind = 'T'
 LIMIT 1;

-- name: find_binding_of_state :one
-- tenant: none (a state exists before any tenant is known)
SELECT session_hash FROM oauth_states WHERE id_hash = :id_hash;
