-- States of installs under way. A row holds hashes only: a stolen database yields no usable state.

-- name: add_state :exec
-- tenant: none (a state exists before any tenant is known)
-- alone: insert
-- Rows are swept from the old end only, and ids have hardly a gap, nor have places in a network: when the row :limit
-- places back, or the one before that place, has not expired, there are :limit unexpired states; and so with :share.
-- One that expires later than any can was made by a clock that was ahead.
INSERT INTO oauth_states (id_hash, session_hash, purpose, provider, expires_at, network, place)
SELECT :id_hash, :session_hash, :purpose, :provider, :expires_at, :network,
       coalesce((SELECT max(place) FROM oauth_states WHERE network = :network) + 1, 0)
 WHERE NOT EXISTS (
       SELECT 1 FROM oauth_states
        WHERE id = (SELECT max(id) FROM oauth_states WHERE id <= (SELECT max(id) FROM oauth_states) - :limit + 1)
          AND expires_at BETWEEN :now AND :latest  -- claim: C-98
       )
   AND NOT EXISTS (
       SELECT 1 FROM oauth_states
        WHERE network = :network
          AND place = (SELECT max(place) FROM oauth_states WHERE network = :network AND place <= (
                       SELECT max(place) FROM oauth_states WHERE network = :network) - :share + 1)
          AND expires_at BETWEEN :now AND :latest  -- claim: C-98
       );  -- claim: C-72

-- name: consume_state :one
-- tenant: none (a state exists before any tenant is known)
-- alone: compare-and-swap
UPDATE oauth_states SET used_at = :now
 WHERE id_hash = :id_hash
   AND used_at IS NULL  -- claim: C-03
   AND session_hash = :session_hash  -- claim: C-04
   AND purpose = :purpose  -- claim: C-05
   AND provider = :provider  -- claim: C-05
   AND expires_at >= :now  -- claim: C-02
RETURNING id;

-- name: give_state_back :exec
-- tenant: none (the tenant is not known before the exchange is over)
-- alone: compare-and-swap
UPDATE oauth_states SET used_at = NULL
 WHERE id_hash = :id_hash
   AND outcome = '';

-- name: mark_lost_exchanges :exec
-- tenant: none (the tenant is not known before the exchange is over)
-- A time ahead of the clock is one that was noted before the clock was set back.
UPDATE oauth_states SET outcome = 'failed'
 WHERE used_at IS NOT NULL
   AND outcome = ''
   AND purpose <> 'bolt'
   AND (used_at < :before OR used_at > :latest);

-- name: finish_state :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE oauth_states SET outcome = :outcome, tenant_kind = :tenant_kind, tenant_id = :tenant_id
 WHERE id_hash = :id_hash
   AND used_at IS NOT NULL;

-- name: last_installed :one
-- tenant: none (found by the browser that finished it)
SELECT tenant_kind, tenant_id FROM oauth_states
 WHERE session_hash = :session_hash
   AND used_at >= :since
   AND outcome = 'installed'
 ORDER BY used_at DESC, id DESC
 LIMIT 1;

-- name: has_open_exchange :one
-- tenant: none (the tenant is not known before the exchange is over)
SELECT 1 AS found FROM oauth_states
 WHERE used_at IS NOT NULL
   AND outcome = ''  -- claim: C-54
   AND purpose <> 'bolt'
   AND used_at BETWEEN :since + 1 AND :since + 120  -- claim: C-98
 LIMIT 1;

-- name: end_unused_states :exec
-- tenant: none (in a copy that becomes the database again)
UPDATE oauth_states SET expires_at = :before
 WHERE used_at IS NULL
   AND expires_at > :before;

-- name: sweep_states :exec
-- tenant: none (a state exists before any tenant is known)
-- alone: idempotent
DELETE FROM oauth_states
 WHERE id < (SELECT min(id) FROM oauth_states) + 1000
   AND expires_at < :before;
