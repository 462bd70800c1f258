-- Uses of an organization's tokens: rows of the audit, read by their columns. No other table holds any.

-- name: find_connection_of_bot :one
-- tenant: tenant_kind, tenant_id
-- alone: look-up
-- For whom the tenant's own token is kept: the one organization that holds it.
SELECT organization_id, id FROM connections
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
   AND kind = 'workspace' AND status IN ('active', 'needs_reconnect', 'suspended');

-- name: find_connection_of_holder :one
-- tenant: tenant_kind, tenant_id
-- alone: look-up
SELECT organization_id, id FROM connections
 WHERE id = :connection_id AND tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: list_token_uses :many
-- tenant: none (an organization's own)
-- The newest first, behind that number.
SELECT id, at, event, actor, actor_id, tenant_id, connection, holder_kind, record_kind, key_id, capability, method,
       channel, purpose, result, request_id, trace_id
  FROM audit
 WHERE capability <> '' AND organization <> ''
   AND organization = :organization_id  -- claim: C-362
   AND id < :before
   AND (:connection_id = '' OR connection = :connection_id)
   AND (:capability = '' OR capability = :capability)
   AND (:method = '' OR method = :method)
   AND (:purpose = '' OR purpose = :purpose)
   AND (:trace_id = '' OR trace_id = :trace_id OR (trace_id = '' AND request_id = :trace_id))
   AND at >= :since AND at < :until
 ORDER BY id DESC
 LIMIT :most;

-- name: last_uses_by_method :many
-- tenant: none (an organization's own)
-- Of a connection: each method once, with the row of its last use. It looks for one method behind the other, and reads
-- no more rows than there are methods.
WITH RECURSIVE used AS (
       SELECT min(method) AS method FROM audit
        WHERE organization = :organization_id AND organization <> '' AND connection = :connection_id
          AND connection <> '' AND capability <> ''
        UNION ALL
       SELECT (SELECT min(a.method) FROM audit AS a
                WHERE a.organization = :organization_id AND a.organization <> '' AND a.connection = :connection_id
                  AND a.connection <> '' AND a.capability <> '' AND a.method > used.method)
         FROM used WHERE used.method IS NOT NULL
       )
SELECT a.id, a.at, a.actor, a.actor_id, a.capability, a.method, a.channel, a.purpose, a.result
  FROM used JOIN audit AS a ON a.id = (
       SELECT max(b.id) FROM audit AS b
        WHERE b.organization = :organization_id AND b.organization <> '' AND b.connection = :connection_id
          AND b.connection <> '' AND b.capability <> '' AND b.method = used.method
       )
 ORDER BY a.id DESC;
