-- Tokens that are stopped one by one, whatever the others of their tenant do: frozen, or being ended.

-- name: freeze_token :exec
-- tenant: tenant_kind, tenant_id
UPDATE tokens SET freeze = :freeze, freeze_at = :now
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND freeze = :expected;

-- name: find_token_freeze :one
-- tenant: tenant_kind, tenant_id
SELECT freeze, freeze_at FROM tokens
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id;

-- name: find_fingerprint :one
-- tenant: tenant_kind, tenant_id
SELECT access_fingerprint FROM tokens
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at;

-- name: ending_tokens :many
-- tenant: none (whatever was begun is finished, whosever it is)
SELECT tenant_kind, tenant_id, holder_kind, holder_id FROM tokens
 WHERE freeze = 'ending'
   AND (tenant_kind > :tenant_kind OR (tenant_kind = :tenant_kind AND (tenant_id > :tenant_id
        OR (tenant_id = :tenant_id AND (holder_kind > :holder_kind
            OR (holder_kind = :holder_kind AND holder_id > :holder_id))))))
 ORDER BY tenant_kind, tenant_id, holder_kind, holder_id
 LIMIT :most;
