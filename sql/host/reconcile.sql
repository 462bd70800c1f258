-- What is compared with Slack, and what is nobody's.

-- name: list_shadow_installations :many
-- tenant: none (for the operator, and the host)
-- Installations of which no organization holds anything, and nothing over them either; behind that id.
SELECT i.tenant_kind, i.tenant_id, CASE i.tenant_kind WHEN 'E' THEN i.enterprise_name ELSE i.team_name END AS name,
       i.status, i.installed_at, i.last_used_at
  FROM installations AS i
 WHERE i.tenant_id > :after
   AND NOT EXISTS (
       SELECT 1 FROM connections AS c
        WHERE c.tenant_kind = i.tenant_kind AND c.tenant_id = i.tenant_id  -- claim: C-390
          AND c.status IN ('active', 'needs_reconnect', 'suspended')
       )
   AND NOT EXISTS (
       SELECT 1 FROM connections AS c
        WHERE c.tenant_kind = 'E' AND c.tenant_id = i.enterprise_id  -- claim: C-390
          AND c.status IN ('active', 'needs_reconnect', 'suspended')
       )
 ORDER BY i.tenant_id, i.tenant_kind
 LIMIT :most;
