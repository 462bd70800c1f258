-- Tickets, which a host asks for and a member's browser uses once, and the sessions that they become. Both are found by
-- the hash of a secret, and count while the member has the role that they were made for.

-- name: add_ticket :exec
-- tenant: none (an organization's own)
-- alone: insert
INSERT INTO host_tickets (ticket_hash, organization_id, member_id, role, host_key_id, expires_at)
SELECT :ticket_hash, organization_id, member_id, role, :host_key_id, :expires_at
  FROM members
 WHERE organization_id = :organization_id AND member_id = :member_id AND role = :role
   AND status = 'active';  -- claim: C-155

-- name: use_ticket :one
-- tenant: none (by a secret that only the host was given)
-- alone: compare-and-swap
UPDATE host_tickets SET used_at = :now
 WHERE ticket_hash = :ticket_hash
   AND used_at IS NULL  -- claim: C-155
   AND expires_at BETWEEN :now AND :latest  -- claim: C-155
   AND EXISTS (
       SELECT 1 FROM members AS m
        WHERE m.organization_id = host_tickets.organization_id AND m.member_id = host_tickets.member_id
          AND m.role = host_tickets.role AND m.status = 'active'
       )  -- claim: C-155
RETURNING organization_id, member_id, role, host_key_id;

-- name: sweep_tickets :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM host_tickets WHERE expires_at < :before OR expires_at > :latest;

-- name: end_tickets_under_key :exec
-- tenant: none (opened under a key that the host has retired)
DELETE FROM host_tickets WHERE host_key_id = :host_key_id;

-- name: end_tickets_of_member :exec
-- tenant: none (an organization's own)
DELETE FROM host_tickets WHERE organization_id = :organization_id AND member_id = :member_id;

-- name: end_tickets_of_organization :exec
-- tenant: none (an organization's own)
-- alone: idempotent
DELETE FROM host_tickets WHERE organization_id = :organization_id;

-- name: end_tickets_of_other_roles :exec
-- tenant: none (an organization's own)
DELETE FROM host_tickets
 WHERE organization_id = :organization_id AND member_id = :member_id
   AND role <> :role;

-- name: end_all_tickets :exec
-- tenant: none (in a copy that becomes the database again)
DELETE FROM host_tickets;

-- name: add_session :exec
-- tenant: none (an organization's own)
-- alone: insert
INSERT INTO host_sessions (session_hash, organization_id, member_id, role, host_key_id, created_at, seen_at,
       expires_at)
SELECT :session_hash, organization_id, member_id, role, :host_key_id, :now, :now, :expires_at
  FROM members
 WHERE organization_id = :organization_id AND member_id = :member_id AND role = :role
   AND status = 'active';  -- claim: C-155

-- name: find_session :one
-- tenant: none (by a secret that only this browser was given)
SELECT s.organization_id, s.member_id, s.role, s.host_key_id, s.created_at, s.seen_at, s.expires_at
  FROM host_sessions AS s
  JOIN members AS m ON m.organization_id = s.organization_id AND m.member_id = s.member_id
 WHERE s.session_hash = :session_hash
   AND s.expires_at BETWEEN :now AND :latest  -- claim: C-155
   AND s.seen_at BETWEEN :idle_since AND :latest  -- claim: C-155
   AND m.role = s.role AND m.status = 'active';  -- claim: C-155

-- name: touch_session :exec
-- tenant: none (by a secret that only this browser was given)
-- alone: compare-and-swap
UPDATE host_sessions SET seen_at = :now
 WHERE session_hash = :session_hash
   AND seen_at = :seen_at;

-- name: end_session :exec
-- tenant: none (by a secret that only this browser was given)
-- alone: idempotent
DELETE FROM host_sessions WHERE session_hash = :session_hash;

-- name: sweep_sessions :exec
-- tenant: none (by age only)
-- alone: idempotent
DELETE FROM host_sessions WHERE expires_at < :before OR expires_at > :latest;

-- name: end_sessions_under_key :exec
-- tenant: none (opened under a key that the host has retired)
DELETE FROM host_sessions WHERE host_key_id = :host_key_id;

-- name: end_sessions_of_member :exec
-- tenant: none (an organization's own)
DELETE FROM host_sessions WHERE organization_id = :organization_id AND member_id = :member_id;

-- name: end_sessions_of_organization :exec
-- tenant: none (an organization's own)
-- alone: idempotent
DELETE FROM host_sessions WHERE organization_id = :organization_id;

-- name: end_sessions_of_other_roles :exec
-- tenant: none (an organization's own)
DELETE FROM host_sessions
 WHERE organization_id = :organization_id AND member_id = :member_id
   AND role <> :role;

-- name: end_all_sessions :exec
-- tenant: none (in a copy that becomes the database again)
DELETE FROM host_sessions;
