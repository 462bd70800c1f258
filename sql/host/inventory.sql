-- What organizations hold, and what they have held: each connection with its owner, purpose, token and keys. Of a token
-- its times alone, and only while it is held: what another organization's grant became is not told.

-- name: list_inventory :many
-- tenant: none (an organization's own)
SELECT c.organization_id, c.id, c.kind, c.status, c.status_reason, c.user_id, c.owner_id, m.name AS owner_name,
       c.owner_missing_at, c.purpose_id, p.text AS purpose, c.tenant_kind, c.tenant_id, c.team_name, c.scope,
       c.default_channel_id, c.allowed_channels, c.max_age, c.created_at, c.installed_at, c.last_used_at,
       c.last_validated_at, c.revoked_at, i.app_id, t.granted_at, t.issued_at, t.expires_at, t.reason, t.refused_at,
       t.status AS token_status, t.refresh IS NOT NULL AS rotates, k.key_id, k.master_version
  FROM connections AS c
  LEFT JOIN members AS m ON m.organization_id = c.organization_id AND m.member_id = c.owner_id
  LEFT JOIN purposes AS p ON p.organization_id = c.organization_id AND p.purpose_id = c.purpose_id
  LEFT JOIN installations AS i ON i.tenant_kind = c.tenant_kind AND i.tenant_id = c.tenant_id
   AND c.token_vault_key IS NOT NULL
  LEFT JOIN tokens AS t ON t.tenant_kind = c.tenant_kind AND t.tenant_id = c.tenant_id
   AND t.holder_kind = CASE c.kind WHEN 'personal' THEN 'connection' ELSE 'bot' END
   AND t.holder_id = CASE c.kind WHEN 'personal' THEN c.id ELSE '' END AND c.token_vault_key IS NOT NULL
  LEFT JOIN data_keys AS k ON k.tenant_kind = c.tenant_kind AND k.tenant_id = c.tenant_id
   AND k.purpose = CASE c.kind WHEN 'personal' THEN 'connection' ELSE 'bot' END
   AND k.connection_id = CASE c.kind WHEN 'personal' THEN c.id ELSE '' END AND k.state = 'active'
   AND c.token_vault_key IS NOT NULL
 WHERE c.installed_at IS NOT NULL
   AND c.organization_id = :organization_id  -- claim: C-365
   AND (c.kind > :kind OR (c.kind = :kind AND (c.created_at > :after_at
        OR (c.created_at = :after_at AND c.id > :after))))
 ORDER BY c.kind, c.created_at, c.id
 LIMIT :most;

-- name: list_credentials :many
-- tenant: tenant_kind, tenant_id
-- Tokens of the tenant, each with its own data key; of a connection's own token that one alone.
SELECT t.holder_kind, t.holder_id, t.generation, t.refresh IS NOT NULL AS rotates, t.scopes, t.granted_at, t.issued_at,
       t.expires_at, t.status, k.key_id, k.master_version
  FROM tokens AS t
  LEFT JOIN data_keys AS k ON k.tenant_kind = t.tenant_kind AND k.tenant_id = t.tenant_id AND k.state = 'active'
   AND k.purpose = t.holder_kind
   AND k.connection_id = CASE t.holder_kind WHEN 'connection' THEN t.holder_id ELSE '' END
 WHERE t.tenant_kind = :tenant_kind AND t.tenant_id = :tenant_id
   AND ((:connection_id = '' AND t.holder_kind <> 'connection') OR t.holder_id = :connection_id)
 ORDER BY t.holder_kind, t.holder_id;

-- name: find_webhook_credential :one
-- tenant: tenant_kind, tenant_id
SELECT i.installed_at, k.key_id, k.master_version
  FROM installations AS i
  LEFT JOIN data_keys AS k ON k.tenant_kind = i.tenant_kind AND k.tenant_id = i.tenant_id AND k.purpose = 'data'
   AND k.state = 'active'
 WHERE i.tenant_kind = :tenant_kind AND i.tenant_id = :tenant_id AND i.webhook IS NOT NULL;

-- name: list_organization_ids :many
-- tenant: none (for the operator, who looks at all)
SELECT organization_id FROM organizations WHERE organization_id > :after ORDER BY organization_id LIMIT :most;

-- name: validate_connections :exec
-- tenant: tenant_kind, tenant_id
-- alone: idempotent
UPDATE connections SET last_validated_at = :now
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND tenant_kind <> '' AND status = 'active';

-- name: set_connection_scopes :many
-- tenant: none (an organization's own)
UPDATE connections SET scope = :scope, updated_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id
   AND status IN ('active', 'needs_reconnect', 'suspended') AND scope <> :scope
RETURNING status;

-- name: list_aging :many
-- tenant: none (whose time is over soon)
-- Told of once: a quarter of its life before, and at most so long.
SELECT id, organization_id FROM connections
 WHERE max_age IS NOT NULL AND status = 'active' AND age_told_at IS NULL
   AND installed_at + max_age < :latest
   AND (max_age >= :long_age OR installed_at + max_age - max_age / 4 < :now)
 ORDER BY id
 LIMIT 100;

-- name: note_age_told :exec
-- tenant: none (an organization's own)
UPDATE connections SET age_told_at = :now
 WHERE organization_id = :organization_id AND id = :connection_id AND status = 'active' AND age_told_at IS NULL;
