-- People of organizations, as the host names them. The newest token of the host decides on name and role.

-- name: find_member :one
-- tenant: none (an organization's own)
SELECT organization_id, member_id, name, role, issued_at, status FROM members
 WHERE organization_id = :organization_id AND member_id = :member_id;

-- name: list_members :many
-- tenant: none (an organization's own)
SELECT organization_id, member_id, name, role, issued_at, status FROM members
 WHERE organization_id = :organization_id
 ORDER BY member_id;

-- name: find_caller :one
-- tenant: none (an organization's own)
-- All that is asked of whoever calls, in one look.
SELECT o.name AS organization_name, o.named_at, o.removed_at, m.member_id, m.name, m.role, m.issued_at, m.status,
       EXISTS (
           SELECT 1 FROM host_switches AS s
            WHERE s.organization_id IN ('', :organization_id)  -- claim: C-153
           ) AS is_disabled
  FROM organizations AS o
  LEFT JOIN members AS m ON m.organization_id = o.organization_id AND m.member_id = :member_id
 WHERE o.organization_id = :organization_id;

-- name: note_member :exec
-- tenant: none (an organization's own)
-- alone: insert
-- Of two tokens of one second the lower role counts: a role that has fallen must not come back by an older word.
INSERT INTO members (organization_id, member_id, name, role, issued_at, created_at, updated_at)
VALUES (:organization_id, :member_id, :name, :role, :issued_at, :now, :now)
ON CONFLICT (organization_id, member_id) DO UPDATE SET
       name = CASE excluded.name WHEN '' THEN members.name ELSE excluded.name END, role = excluded.role,
       issued_at = excluded.issued_at, updated_at = excluded.updated_at
 WHERE excluded.issued_at > members.issued_at
    OR (excluded.issued_at = members.issued_at
        AND CASE excluded.role WHEN 'owner' THEN 1 WHEN 'admin' THEN 2 WHEN 'member' THEN 3 ELSE 4 END
            > CASE members.role WHEN 'owner' THEN 1 WHEN 'admin' THEN 2 WHEN 'member' THEN 3 ELSE 4 END
       );  -- claim: C-154

-- name: note_member_again :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
UPDATE members SET issued_at = :issued_at, updated_at = :now
 WHERE organization_id = :organization_id AND member_id = :member_id
   AND role = :role AND issued_at < :issued_at;

-- name: set_member_status :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
UPDATE members SET status = :member_status, updated_at = :now
 WHERE organization_id = :organization_id AND member_id = :member_id
   AND status = :expected_status;

-- name: blank_member :exec
-- tenant: none (an organization's own)
UPDATE members SET name = ''
 WHERE organization_id = :organization_id AND member_id = :member_id;

-- name: delete_members :exec
-- tenant: none (an organization's own)
DELETE FROM members WHERE organization_id = :organization_id;
