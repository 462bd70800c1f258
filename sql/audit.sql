-- What happened, who caused it, for which tenant. Ids only: no secret, no content. Rows are added and never changed.

-- name: last_audit :one
-- tenant: none (the chain runs over all rows)
SELECT id, chain FROM audit ORDER BY id DESC LIMIT 1;

-- name: add_audit :exec
-- tenant: tenant_kind, tenant_id
INSERT INTO audit (id, at, event, actor, tenant_kind, tenant_id, request_id, result, detail, chain)
VALUES (:id, :at, :event, :actor, :tenant_kind, :tenant_id, :request_id, :result, :detail, :chain);
