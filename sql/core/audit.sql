-- What happened, who caused it, for which tenant. Ids only: no secret, no content. Rows are added and never changed.

-- name: last_audit :one
-- tenant: none (the chain runs over all rows)
-- alone: audit head
SELECT id, chain FROM audit ORDER BY id DESC LIMIT 1;

-- name: add_audit :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
INSERT INTO audit (id, at, format, event, actor, actor_id, organization, request_id, trace_id, tenant_kind, tenant_id,
       connection, holder_kind, holder_id, record_kind, record_id, generation, key_id, count, capability, method,
       channel, purpose, result, detail, chain)
VALUES (:id, :at, :format, :event, :actor, :actor_id, :organization, :request_id, :trace_id, :tenant_kind, :tenant_id,
       :connection, :holder_kind, :holder_id, :record_kind, :record_id, :generation, :key_id, :count, :capability,
       :method, :channel, :purpose, :result, :detail, :chain);

-- name: add_read :exec
-- tenant: tenant_kind, tenant_id
-- alone: insert
-- The row without which nothing is opened: none is written unless all of this holds at that very moment. It is asked of
-- the token itself: the row has a word of the audit in place of an id that is none. A webhook has no generation.
INSERT INTO audit (id, at, format, event, actor, actor_id, organization, request_id, trace_id, tenant_kind, tenant_id,
       connection, holder_kind, holder_id, record_kind, record_id, generation, key_id, count, capability, method,
       channel, purpose, result, detail, chain)
SELECT :id, :at, :format, :event, :actor, :actor_id, :organization, :request_id, :trace_id, :tenant_kind, :tenant_id,
       :connection, :holder_kind, :holder_id, :record_kind, :record_id, :generation, :key_id, :count, :capability,
       :method, :channel, :purpose, :result, :detail, :chain
 WHERE EXISTS (SELECT 1 FROM installations AS i
        WHERE i.tenant_kind = :asked_tenant_kind AND i.tenant_id = :asked_tenant_id AND i.status = :status)  -- claim: C-40
   AND (:asked_generation IS NULL OR EXISTS (SELECT 1 FROM tokens AS t
        WHERE t.tenant_kind = :asked_tenant_kind AND t.tenant_id = :asked_tenant_id
          AND t.holder_kind = :asked_holder_kind AND t.holder_id = :asked_holder_id
          AND t.generation = :asked_generation AND t.granted_at = :granted_at AND t.status <> 'dead'  -- claim: C-114
          AND (t.freeze = '' OR :works_frozen = 1)))  -- claim: C-343
   AND (:works_frozen = 1 OR NOT EXISTS (SELECT 1 FROM freezes AS f
        WHERE f.tenant_kind IN ('', :asked_tenant_kind) AND f.tenant_id IN ('', :asked_tenant_id)));  -- claim: C-119

-- name: audit_page :many
-- tenant: none (the chain runs over all rows)
SELECT id, at, format, event, actor, actor_id, organization, request_id, trace_id, tenant_kind, tenant_id,
       connection, holder_kind, holder_id, record_kind, record_id, generation, key_id, count, capability, method,
       channel, purpose, result, detail, chain
  FROM audit
 WHERE id >= :first
 ORDER BY id
 LIMIT :limit;

-- name: audit_numbers :many
-- tenant: none (the chain runs over all rows)
SELECT id FROM audit WHERE id >= :first ORDER BY id LIMIT :limit;

-- name: audit_tail :many
-- tenant: none (the operator looks at all, or names one)
SELECT id
  FROM audit
 WHERE (:tenant_id = '' OR tenant_id = :tenant_id)
   AND (:event = '' OR event = :event)
   AND (:holder = '' OR holder_kind = :holder OR holder_id = :holder)
   AND (:capability = '' OR capability = :capability)
   AND (:method = '' OR method = :method)
   AND at >= :since
 ORDER BY id DESC
 LIMIT :limit;

-- name: audit_row :one
-- tenant: none (the chain runs over all rows)
SELECT id, chain FROM audit WHERE id = :id;

-- name: last_to_cut :one
-- tenant: none (by age only)
-- Only what is older than every row that stays, at most 1,000 at once, and never the last row.
SELECT id, at, chain FROM audit
 WHERE id < (SELECT coalesce(min(id), (SELECT max(id) FROM audit)) FROM audit WHERE at >= :before)
   AND id < (SELECT min(id) FROM audit) + 1000
 ORDER BY id DESC
 LIMIT 1;

-- name: get_checkpoint :one
-- tenant: none (the chain runs over all rows)
SELECT id, at, chain, mac FROM audit_checkpoint;

-- name: set_checkpoint :exec
-- tenant: none (the chain runs over all rows)
INSERT INTO audit_checkpoint (one, id, at, chain, mac) VALUES (1, :id, :at, :chain, :mac)
    ON CONFLICT (one) DO UPDATE SET id = excluded.id, at = excluded.at, chain = excluded.chain, mac = excluded.mac;

-- name: cut_audit :exec
-- tenant: none (by age only)
DELETE FROM audit WHERE id <= :id;
