-- What ties an organization, or one of its members, to a tenant. A row is found by its organization first; by Slack's
-- verified tenant, where Slack has spoken; by the hash of a state, which is a secret while it counts.

-- name: add_connection :exec
-- tenant: none (Slack has not said yet which)
-- alone: insert
-- Whoever may begin may do so still, and not too often: others begin in the same moment.
INSERT INTO connections (id, organization_id, user_id, kind, status, way, host_key_id, approval_id, reconnects,
       oauth_state, oauth_expires_at, oauth_metadata, owner_id, purpose_id, created_at, updated_at)
SELECT :connection_id, :organization_id, :user_id, :kind, 'pending', :way, :host_key_id, :approval_id, :reconnects,
       :oauth_state, :oauth_expires_at, :oauth_metadata, :owner_id, :purpose_id, :now, :now
 WHERE EXISTS (SELECT 1 FROM organizations WHERE organization_id = :organization_id AND removed_at IS NULL)
   AND EXISTS (SELECT 1 FROM members
                WHERE organization_id = :organization_id AND member_id = :user_id AND status = 'active')
   AND (SELECT count(*) FROM connections
         WHERE organization_id = :organization_id AND kind IN ('workspace', 'personal')
           AND status IN ('pending', 'quarantined')) < :most;  -- claim: C-163

-- name: find_connection :one
-- tenant: none (an organization's own)
SELECT * FROM connections
 WHERE organization_id = :organization_id AND id = :connection_id;

-- name: find_connection_by_state :one
-- tenant: none (by a secret that only whoever began was given)
SELECT * FROM connections
 WHERE oauth_state = :oauth_state OR used_state = :oauth_state;

-- name: find_held_connection :one
-- tenant: tenant_kind, tenant_id
-- The one organization that holds the tenant.
SELECT * FROM connections
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND kind = 'workspace' AND status IN ('active', 'needs_reconnect', 'suspended');

-- name: find_ended_connection :one
-- tenant: tenant_kind, tenant_id
-- The newest by which the organization has held the tenant, and has not given it up for good.
SELECT id FROM connections
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND tenant_kind <> ''
   AND organization_id = :organization_id AND kind <> 'personal'
   AND status = 'revoked' AND deleted_at IS NULL AND installed_at IS NOT NULL
 ORDER BY installed_at DESC, id DESC
 LIMIT 1;

-- name: list_held_workspaces :many
-- tenant: none (an organization's own)
SELECT * FROM connections
 WHERE organization_id = :organization_id AND kind = 'workspace'
   AND status IN ('active', 'needs_reconnect', 'suspended')
 ORDER BY created_at, id
 LIMIT 2;

-- name: find_newest_ended :one
-- tenant: none (an organization's own)
SELECT * FROM connections
 WHERE organization_id = :organization_id AND kind = 'workspace'
   AND status = 'revoked' AND deleted_at IS NULL
 ORDER BY created_at DESC, id DESC
 LIMIT 1;

-- name: list_connections :many
-- tenant: none (an organization's own)
-- Those that were ever held, and not deleted; behind the one with that time and id.
SELECT * FROM connections
 WHERE organization_id = :organization_id AND kind = :kind
   AND (created_at > :after_at OR (created_at = :after_at AND id > :after))
   AND status IN ('active', 'needs_reconnect', 'suspended', 'revoked') AND deleted_at IS NULL
 ORDER BY created_at, id
 LIMIT :most;

-- name: list_attempts :many
-- tenant: none (an organization's own)
-- What is under way.
SELECT * FROM connections
 WHERE organization_id = :organization_id AND kind = :kind
   AND status IN ('pending', 'quarantined')
 ORDER BY created_at, id
 LIMIT :most;

-- name: list_begun :many
-- tenant: none (an organization's own)
-- What was begun since then, whatever became of it.
SELECT status, status_reason, created_at, installed_at
  FROM connections
 WHERE organization_id = :organization_id AND kind = 'workspace' AND created_at >= :since
 ORDER BY created_at, id
 LIMIT :most;

-- name: count_held_connections :one
-- tenant: none (an organization's own)
SELECT count(*) AS found FROM connections
 WHERE organization_id = :organization_id AND kind = 'workspace'
   AND status IN ('active', 'needs_reconnect', 'suspended');

-- name: count_attempts :one
-- tenant: none (an organization's own)
SELECT count(*) AS found FROM connections
 WHERE organization_id = :organization_id AND kind IN ('workspace', 'personal')
   AND status IN ('pending', 'quarantined');

-- name: find_overlap :one
-- tenant: tenant_kind, tenant_id
-- Who else holds the tenant, the enterprise over it, or a workspace of it: they would share a token, or its reach. A
-- workspace may have joined the enterprise since it was connected.
SELECT organization_id FROM (
       SELECT organization_id, id FROM connections
        WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
          AND kind = 'workspace' AND status IN ('active', 'needs_reconnect', 'suspended')
        UNION ALL
       SELECT organization_id, id FROM connections
        WHERE enterprise_id = :enterprise_id AND enterprise_id <> ''
          AND (tenant_kind = 'E' OR :tenant_kind = 'E')
          AND kind = 'workspace' AND status IN ('active', 'needs_reconnect', 'suspended')
        UNION ALL
       SELECT c.organization_id, c.id
         FROM installations AS i JOIN connections AS c ON c.tenant_kind = i.tenant_kind AND c.tenant_id = i.tenant_id
        WHERE i.enterprise_id = :enterprise_id AND i.enterprise_id <> '' AND :tenant_kind = 'E'
          AND c.kind = 'workspace' AND c.status IN ('active', 'needs_reconnect', 'suspended')
       ) AS held
 WHERE organization_id <> :organization_id
 ORDER BY organization_id, id
 LIMIT 1;

-- name: has_connection_rows :one
-- tenant: tenant_kind, tenant_id
-- Whether anybody's row but one names the tenant, or its enterprise, in whatever state.
SELECT 1 AS found FROM (
       SELECT id FROM connections WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
          AND tenant_kind <> ''
        UNION ALL
       SELECT id FROM connections WHERE enterprise_id = :enterprise_id AND enterprise_id <> ''
       ) AS named
 WHERE id <> :connection_id
 LIMIT 1;

-- name: quarantine_connection :exec
-- tenant: none (an organization's own, to which Slack has granted that tenant)
UPDATE connections
   SET status = 'quarantined', tenant_kind = :tenant_kind, tenant_id = :tenant_id, team_id = :team_id,
       enterprise_id = :enterprise_id, used_state = oauth_state, oauth_state = NULL, oauth_expires_at = NULL,
       updated_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status = :expected;  -- claim: C-150

-- name: activate_connection :exec
-- tenant: none (an organization's own, to which Slack has granted that tenant)
UPDATE connections
   SET status = 'active', status_reason = '', tenant_kind = :tenant_kind, tenant_id = :tenant_id, team_id = :team_id,
       enterprise_id = :enterprise_id, team_name = :team_name, team_domain = :team_domain, bot_user_id = :bot_user_id,
       scope = :scope, token_vault_key = :token_vault_key, installed_by_slack_user_id = :installed_by_slack_user_id,
       used_state = :used_state, oauth_state = NULL, oauth_expires_at = NULL,
       oauth_metadata = NULL,
       default_channel_id = CASE WHEN tenant_id = :tenant_id THEN default_channel_id ELSE '' END,
       default_channel_team_id = CASE WHEN tenant_id = :tenant_id THEN default_channel_team_id ELSE '' END,
       allowed_channels = CASE WHEN tenant_id = :tenant_id THEN allowed_channels ELSE '' END,
       delivery = CASE WHEN tenant_id = :tenant_id THEN delivery ELSE 'bot' END,
       webhook_channel_id = CASE WHEN tenant_id = :tenant_id THEN webhook_channel_id ELSE '' END,
       installed_at = :now, last_validated_at = :now, revoked_at = NULL, age_told_at = NULL, updated_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id AND deleted_at IS NULL
   AND status = :expected;  -- claim: C-150

-- name: set_connection_status :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
UPDATE connections SET status = :status, status_reason = :reason, updated_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status = :expected  -- claim: C-150
   AND (:seen_reason = '' OR status_reason = :seen_reason);

-- name: fail_connection :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
-- What was granted is nobody's: not even the tenant is kept.
UPDATE connections
   SET status = 'failed', status_reason = :reason, tenant_kind = '', tenant_id = '', team_id = '', enterprise_id = '',
       used_state = coalesce(oauth_state, used_state), oauth_state = NULL, oauth_expires_at = NULL,
       oauth_metadata = NULL, updated_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status = :expected;  -- claim: C-150

-- name: revoke_connection :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
-- Ids, states and times stay.
UPDATE connections
   SET status = 'revoked', status_reason = :reason, team_name = '', team_domain = '', bot_user_id = '', scope = '',
       token_vault_key = NULL, installed_by_slack_user_id = '', default_channel_id = '', default_channel_team_id = '',
       delivery = 'bot', webhook_channel_id = '', allowed_channels = '', oauth_metadata = NULL, used_state = NULL,
       owner_missing_at = NULL, revoked_at = :now, unattested_at = NULL, updated_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status = :expected;  -- claim: C-150

-- name: connections_of_tenant :many
-- tenant: tenant_kind, tenant_id
SELECT id, organization_id, kind, status FROM connections
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND tenant_kind <> ''
 ORDER BY id;

-- name: export_connections :many
-- tenant: tenant_kind, tenant_id
SELECT id, organization_id, user_id, kind, status, status_reason, way, team_id, enterprise_id, team_name, team_domain,
       bot_user_id, scope, installed_by_slack_user_id, owner_id, purpose_id, default_channel_id,
       default_channel_team_id, allowed_channels, max_age, installed_at, last_used_at, last_validated_at, created_at,
       updated_at, deleted_at
  FROM connections
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND tenant_kind <> ''
 ORDER BY id;

-- name: count_connections :one
-- tenant: tenant_kind, tenant_id
-- Those with more than ids, states and times.
SELECT count(*) AS found FROM connections
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND tenant_kind <> ''
   AND status IN ('active', 'needs_reconnect', 'suspended');

-- name: connection_owners :many
-- tenant: none (in search of what is left of tenants that are gone)
SELECT DISTINCT tenant_kind, tenant_id FROM connections
 WHERE tenant_kind <> '' AND status IN ('active', 'needs_reconnect', 'suspended')
 ORDER BY tenant_kind, tenant_id;

-- name: delete_connection :exec
-- tenant: none (an organization's own)
-- From now on nobody is shown it, and no grant brings it back.
UPDATE connections SET deleted_at = :now, updated_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status = 'revoked' AND deleted_at IS NULL;

-- name: drop_attempt :exec
-- tenant: none (an organization's own)
-- Of an attempt that has brought back another one.
DELETE FROM connections
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status IN ('pending', 'quarantined');

-- name: set_connection_settings :exec
-- tenant: none (an organization's own)
UPDATE connections
   SET owner_id = :owner_id, owner_missing_at = :owner_missing_at, purpose_id = :purpose_id,
       default_channel_id = :default_channel_id, default_channel_team_id = :default_channel_team_id,
       delivery = :delivery, webhook_channel_id = :webhook_channel_id, allowed_channels = :allowed_channels,
       age_told_at = CASE WHEN coalesce(max_age, 0) = coalesce(:max_age, 0) THEN age_told_at ELSE NULL END,
       max_age = :max_age, updated_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status IN ('active', 'needs_reconnect', 'suspended');

-- name: touch_connection :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
-- To the minute, as of an installation.
UPDATE connections SET last_used_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status = 'active' AND (last_used_at IS NULL OR last_used_at < :now - 59);

-- name: validate_connection :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
UPDATE connections SET last_validated_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status = :expected;

-- name: list_expired_attempts :many
-- tenant: none (whose time is over)
SELECT id, organization_id FROM connections
 WHERE oauth_expires_at IS NOT NULL
   AND (oauth_expires_at < :now OR oauth_expires_at > :latest)
 ORDER BY oauth_expires_at, id
 LIMIT 100;

-- name: count_overdue_attempts :one
-- tenant: none (whose time is long over)
SELECT count(*) AS found FROM connections
 WHERE oauth_expires_at IS NOT NULL AND oauth_expires_at < :before;

-- name: count_unvaulted_connections :one
-- tenant: none (for the operator)
SELECT count(*) AS found FROM connections AS held
 WHERE held.tenant_kind <> '' AND held.status = 'active' AND held.kind = 'workspace'
   AND NOT EXISTS (SELECT 1 FROM tokens AS stored
                    WHERE stored.tenant_kind = held.tenant_kind AND stored.tenant_id = held.tenant_id
                      AND stored.holder_kind = 'bot' AND stored.holder_id = '');

-- name: attempts_under_key :many
-- tenant: none (begun under a key that the host has retired)
SELECT id, organization_id, status FROM connections
 WHERE host_key_id = :host_key_id AND id > :after
   AND status IN ('pending', 'quarantined')  -- claim: C-196
 ORDER BY id
 LIMIT 100;

-- name: attempts_of_organization :many
-- tenant: none (an organization's own)
SELECT id, organization_id, status FROM connections
 WHERE organization_id = :organization_id AND kind IN ('workspace', 'personal')
   AND status IN ('pending', 'quarantined')
 ORDER BY id;

-- name: attempts_of_member :many
-- tenant: none (an organization's own)
SELECT id, organization_id, status FROM connections
 WHERE organization_id = :organization_id AND user_id = :user_id
   AND status IN ('pending', 'quarantined')
 ORDER BY id;

-- name: expire_all_attempts :exec
-- tenant: none (in a copy that becomes the database again)
UPDATE connections
   SET status = 'failed', status_reason = :reason, tenant_kind = '', tenant_id = '', team_id = '', enterprise_id = '',
       used_state = coalesce(oauth_state, used_state), oauth_state = NULL, oauth_expires_at = NULL,
       oauth_metadata = NULL, updated_at = :now
 WHERE status IN ('pending', 'quarantined');

-- name: sweep_failed_connections :exec
-- tenant: none (by age only)
DELETE FROM connections
 WHERE id IN (SELECT id FROM connections
               WHERE status = 'failed' AND updated_at < :before
               ORDER BY updated_at, id
               LIMIT :most);

-- name: note_owner_missing :exec
-- tenant: none (an organization's own)
UPDATE connections SET owner_missing_at = :now
 WHERE organization_id = :organization_id AND owner_id = :owner_id AND owner_id <> ''
   AND status IN ('active', 'needs_reconnect', 'suspended') AND owner_missing_at IS NULL;

-- name: note_owner_back :many
-- tenant: none (an organization's own)
UPDATE connections SET owner_missing_at = NULL
 WHERE organization_id = :organization_id AND owner_id = :owner_id AND owner_id <> ''
   AND owner_missing_at IS NOT NULL
RETURNING id;

-- name: list_without_owner :many
-- tenant: none (an organization's own)
SELECT id FROM connections
 WHERE organization_id = :organization_id AND owner_id = :owner_id AND owner_id <> ''
   AND owner_missing_at IS NOT NULL
 ORDER BY id;

-- name: set_unattested :exec
-- tenant: none (an organization's own)
UPDATE connections SET unattested_at = :unattested_at
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status IN ('active', 'needs_reconnect', 'suspended');

-- name: list_long_unowned :many
-- tenant: none (whose time is over)
SELECT id, organization_id FROM connections
 WHERE owner_missing_at IS NOT NULL AND owner_missing_at < :before
   AND status = 'active'
 ORDER BY owner_missing_at, id
 LIMIT 100;

-- name: list_aged :many
-- tenant: none (whose time is over)
SELECT id, organization_id FROM connections
 WHERE max_age IS NOT NULL AND status = 'active'
   AND installed_at + max_age < :now
 ORDER BY id
 LIMIT 100;

-- name: list_unfrozen :many
-- tenant: none (whose freeze is over)
SELECT c.id, c.organization_id FROM connections AS c
 WHERE c.status = 'suspended' AND c.status_reason = 'freeze'
   AND NOT EXISTS (
       SELECT 1 FROM freezes AS f
        WHERE f.tenant_kind IN ('', c.tenant_kind) AND f.tenant_id IN ('', c.tenant_id)
       )
   AND NOT EXISTS (
       SELECT 1 FROM organizations AS o
        WHERE o.organization_id = c.organization_id AND o.frozen_at IS NOT NULL
       )
 ORDER BY c.id
 LIMIT 100;

-- name: clear_purpose_of_connections :exec
-- tenant: none (an organization's own)
UPDATE connections SET purpose_id = '', updated_at = :now
 WHERE organization_id = :organization_id AND kind IN ('workspace', 'personal')
   AND purpose_id = :purpose_id;

-- name: held_by_organization :many
-- tenant: none (an organization's own)
SELECT id, tenant_kind, tenant_id, kind, status FROM connections
 WHERE organization_id = :organization_id AND kind IN ('workspace', 'personal')
   AND status IN ('active', 'needs_reconnect', 'suspended')
 ORDER BY id;
