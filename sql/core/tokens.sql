-- One row for the bot, one per user, and one per connection. The columns `access` and `refresh` are sealed. After a
-- purge the generations of a tenant that comes back begin anew, so that the time of the grant belongs to every
-- compare-and-swap.

-- name: find_token :one
-- tenant: tenant_kind, tenant_id
-- alone: look-up
SELECT tenant_kind, tenant_id, holder_kind, holder_id, generation, access, refresh, scopes, granted_at, issued_at,
       expires_at, due_at, status, lease_owner, reason, refused_since, refused_at, paused_until, contradicted, provider
  FROM tokens
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id  -- claim: C-34
   AND holder_kind = :holder_kind  -- claim: C-109
   AND holder_id = :holder_id;  -- claim: C-34

-- name: list_tokens :many
-- tenant: tenant_kind, tenant_id
SELECT tenant_kind, tenant_id, holder_kind, holder_id, generation, access, refresh, scopes, granted_at, issued_at,
       expires_at, due_at, status, lease_owner, reason, refused_since, refused_at, paused_until, contradicted, provider
  FROM tokens
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id
 ORDER BY holder_kind, holder_id;

-- name: save_token :exec
-- tenant: tenant_kind, tenant_id
INSERT INTO tokens (tenant_kind, tenant_id, holder_kind, holder_id, provider, generation, access, refresh,
       access_fingerprint, refresh_fingerprint, scopes, granted_at, issued_at, expires_at, due_at, status)
VALUES (:tenant_kind, :tenant_id, :holder_kind, :holder_id, :provider, :generation, :access, :refresh,
       :access_fingerprint, :refresh_fingerprint, :scopes, :now, :now, :expires_at, :due_at, 'live')
ON CONFLICT (tenant_kind, tenant_id, holder_kind, holder_id) DO UPDATE SET
       provider = excluded.provider, generation = excluded.generation,
       access = excluded.access, refresh = excluded.refresh,
       access_fingerprint = excluded.access_fingerprint, refresh_fingerprint = excluded.refresh_fingerprint,
       scopes = excluded.scopes, granted_at = excluded.granted_at, issued_at = excluded.issued_at,
       expires_at = excluded.expires_at, due_at = excluded.due_at,
       status = 'live', freeze = '', freeze_at = 0, lease_owner = '', lease_until = 0, reason = '',
       refused_since = NULL, refused_at = 0, paused_until = 0, contradicted = 0;

-- name: take_lease :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE tokens SET lease_owner = :owner, lease_until = :until
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation  -- claim: C-41
   AND granted_at = :granted_at  -- claim: C-41
   AND status = 'live'  -- claim: C-38, C-41
   AND lease_until NOT BETWEEN :steady AND :latest;  -- claim: C-41, C-98

-- name: lend_lease :exec
-- tenant: tenant_kind, tenant_id
-- For a Bolt app that refreshes by itself. Whoever begins anew may have what it held, for no longer than before; and
-- whoever let a lease run out comes after others for as long as one lasts, because it may not mean to refresh at all.
-- The clock is the one that nobody sets: a lease that ends later than any is of an earlier boot.
UPDATE tokens SET lease_owner = :owner,
       lease_until = CASE WHEN lease_until BETWEEN :steady AND :latest THEN lease_until ELSE :until END
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at
   AND status = 'live'
   AND (lease_until NOT BETWEEN :steady AND :latest OR (lease_owner = :owner AND :begins = 1))  -- claim: C-105
   AND NOT (lease_owner = :owner AND lease_until < :steady AND lease_until >= :steady - (:until - :steady));

-- name: set_lease_end :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- The owner stays when the lease ends: that marks a refresh whose outcome nobody knows, as a crash does.
UPDATE tokens SET lease_until = :until
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND lease_owner = :owner;

-- name: renew_lease :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- Before each call: whoever was stopped past the end of the lease finds another one's there, and does not call.
UPDATE tokens SET lease_until = :until
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation  -- claim: C-42
   AND granted_at = :granted_at
   AND status = 'live'  -- claim: C-42
   AND lease_owner = :owner;  -- claim: C-42

-- name: release_lease :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE tokens SET lease_owner = '', lease_until = 0
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND lease_owner = :owner;

-- name: postpone_refresh :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
UPDATE tokens SET due_at = :due_at, lease_owner = '', lease_until = 0
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at
   AND lease_owner = :owner;

-- name: replace_pair :exec
-- tenant: tenant_kind, tenant_id
-- Compare-and-swap: a refresh that comes back after a re-install, a purge or another refresh changes nothing. One that
-- comes back late, but first, counts even when its lease has run out: its pair is the one that Slack gave. A pause goes
-- on: a call must show that the new pair serves.
UPDATE tokens SET generation = :generation + 1, access = :access, refresh = :refresh,
       access_fingerprint = :access_fingerprint, refresh_fingerprint = :refresh_fingerprint, scopes = :scopes,
       issued_at = :now, expires_at = :expires_at, due_at = :due_at, status = 'live', lease_owner = '', lease_until = 0
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation  -- claim: C-43
   AND granted_at = :granted_at  -- claim: C-43
   AND status <> 'dead';  -- claim: C-43

-- name: reseal_token :exec
-- tenant: tenant_kind, tenant_id
UPDATE tokens SET access = coalesce(:access, access), refresh = coalesce(:refresh, refresh)
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at;

-- name: set_fingerprints :exec
-- tenant: tenant_kind, tenant_id
UPDATE tokens SET access_fingerprint = :access_fingerprint, refresh_fingerprint = :refresh_fingerprint
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at;  -- claim: C-110

-- name: fill_fingerprints :exec
-- tenant: tenant_kind, tenant_id
-- alone: compare-and-swap
-- Not over those of a pair that came in the same generation, after the one before was opened for this.
UPDATE tokens SET access_fingerprint = :access_fingerprint, refresh_fingerprint = :refresh_fingerprint
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at
   AND access_fingerprint IS NULL;  -- claim: C-110

-- name: tokens_by_fingerprint :many
-- tenant: none (whose a leaked token is, is what is asked)
SELECT tenant_kind, tenant_id, holder_kind, holder_id FROM tokens
 WHERE access_fingerprint = :fingerprint OR refresh_fingerprint = :fingerprint
 ORDER BY tenant_kind, tenant_id, holder_kind, holder_id;

-- name: tokens_without_fingerprint :many
-- tenant: none (the operator fills in those of every tenant)
SELECT tenant_kind, tenant_id, holder_kind, holder_id FROM tokens
 WHERE access_fingerprint IS NULL
   AND (tenant_kind, tenant_id, holder_kind, holder_id) > (:tenant_kind, :tenant_id, :holder_kind, :holder_id)
 ORDER BY tenant_kind, tenant_id, holder_kind, holder_id
 LIMIT :most;

-- name: count_without_fingerprint :one
-- tenant: none (the operator fills in those of every tenant)
SELECT count(*) AS found FROM tokens WHERE access_fingerprint IS NULL;

-- name: mark_refresh_refused :exec
-- tenant: tenant_kind, tenant_id
UPDATE tokens SET status = 'refresh_refused', reason = :reason, lease_owner = '', lease_until = 0
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at
   AND lease_owner = :owner;

-- name: mark_token_dead :exec
-- tenant: tenant_kind, tenant_id
UPDATE tokens SET status = 'dead', reason = :reason, refused_since = NULL, lease_owner = '', lease_until = 0
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at
   AND status <> 'dead';

-- name: pause_token :exec
-- tenant: tenant_kind, tenant_id
UPDATE tokens SET reason = :reason, refused_since = :refused_since, refused_at = :refused_at,
       paused_until = :paused_until, contradicted = :contradicted
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at
   AND status <> 'dead';

-- name: resume_token :exec
-- tenant: tenant_kind, tenant_id
UPDATE tokens SET reason = CASE status WHEN 'live' THEN '' ELSE reason END, refused_since = NULL, refused_at = 0,
       paused_until = 0, contradicted = 0
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at
   AND refused_since IS NOT NULL;

-- name: clear_pauses :exec
-- tenant: none (the operator has looked, and has every tenant asked about again)
UPDATE tokens SET paused_until = 0 WHERE refused_since IS NOT NULL;

-- name: paused_tenants :many
-- tenant: none (the scheduler looks after every tenant)
-- A pause that ends later than the longest one would was left by a clock that has been set back since.
SELECT t.tenant_kind, t.tenant_id
  FROM tokens AS t
  JOIN installations AS i ON i.tenant_kind = t.tenant_kind AND i.tenant_id = t.tenant_id
 WHERE t.refused_since IS NOT NULL
   AND (t.paused_until <= :now OR t.paused_until > :latest)
   AND i.status IN ('active', 'needs_reinstall')
   AND NOT EXISTS (SELECT 1 FROM freezes AS f
        WHERE f.tenant_kind IN ('', i.tenant_kind) AND f.tenant_id IN ('', i.tenant_id))
 GROUP BY t.tenant_kind, t.tenant_id
 ORDER BY min(t.paused_until), t.tenant_kind, t.tenant_id
 LIMIT :most;

-- name: count_paused :one
-- tenant: none (for the metrics)
SELECT count(*) AS found FROM tokens WHERE refused_since IS NOT NULL;

-- name: delete_token :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM tokens
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id;

-- name: delete_user_tokens :exec
-- tenant: tenant_kind, tenant_id
DELETE FROM tokens
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = 'user';

-- name: has_long_lived :one
-- tenant: none (asked when an answer of Slack does not name its tenant)
SELECT 1 AS found FROM tokens WHERE status = 'live' AND refresh IS NULL LIMIT 1;

-- name: count_tokens :one
-- tenant: tenant_kind, tenant_id
SELECT count(*) AS found FROM tokens
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id;

-- name: due_tokens :many
-- tenant: none (the scheduler looks after every tenant)
SELECT tenant_kind, tenant_id, holder_kind, holder_id, generation, access, refresh, scopes, granted_at, issued_at,
       expires_at, due_at, status, lease_owner, reason, refused_since, refused_at, paused_until, contradicted, provider
  FROM (
       SELECT t.*, row_number() OVER (PARTITION BY t.tenant_kind, t.tenant_id
                                      ORDER BY t.due_at, t.holder_kind, t.holder_id) AS turn
         FROM tokens AS t
         JOIN installations AS i ON i.tenant_kind = t.tenant_kind AND i.tenant_id = t.tenant_id
        WHERE t.status = 'live'
          AND t.provider = :provider
          AND t.due_at <= :now
          AND t.freeze = ''
          AND t.lease_until NOT BETWEEN :steady AND :latest  -- claim: C-41
          AND i.status = 'active'  -- claim: C-40
          AND NOT EXISTS (SELECT 1 FROM freezes AS f
               WHERE f.tenant_kind IN ('', i.tenant_kind) AND f.tenant_id IN ('', i.tenant_id))  -- claim: C-118
       ) AS due
 ORDER BY turn, due_at, tenant_kind, tenant_id, holder_kind, holder_id
 LIMIT :most;

-- name: bring_tokens_forward :exec
-- tenant: none (a clock is wrong for every tenant)
UPDATE tokens SET due_at = :now
 WHERE status = 'live'
   AND due_at > :now
   AND (issued_at > :latest OR (due_at > expires_at AND due_at > :longest));  -- claim: C-98

-- name: long_lived_tokens :many
-- tenant: none (the operator exchanges those of every tenant)
SELECT t.tenant_kind, t.tenant_id, t.holder_kind, t.holder_id, t.generation, t.access, t.refresh, t.scopes,
       t.granted_at, t.issued_at, t.expires_at, t.due_at, t.status, t.lease_owner, t.reason, t.refused_since,
       t.refused_at, t.paused_until, t.contradicted, t.provider
  FROM tokens AS t
  JOIN installations AS i ON i.tenant_kind = t.tenant_kind AND i.tenant_id = t.tenant_id
 WHERE t.status = 'live'
   AND t.refresh IS NULL
   AND i.status = 'active'
 ORDER BY t.tenant_kind, t.tenant_id, t.holder_kind, t.holder_id;

-- name: count_tokens_by_status :many
-- tenant: none (for the metrics)
SELECT status, count(*) AS found FROM tokens GROUP BY status ORDER BY status;

-- name: set_token_scopes :exec
-- tenant: tenant_kind, tenant_id
UPDATE tokens SET scopes = :scopes
 WHERE tenant_kind = :tenant_kind AND tenant_id = :tenant_id AND holder_kind = :holder_kind AND holder_id = :holder_id
   AND generation = :generation AND granted_at = :granted_at
   AND scopes <> :scopes;
