-- Reviews of what an organization holds, and what was said of each connection.

-- name: add_review :exec
-- tenant: none (an organization's own)
INSERT INTO reviews (id, organization_id, opened_by, opened_at, due_at, remind_at)
VALUES (:review_id, :organization_id, :opened_by, :now, :due_at, :remind_at);

-- name: add_review_items :exec
-- tenant: none (an organization's own)
-- All that it holds at that moment.
INSERT INTO review_items (review_id, connection_id)
SELECT :review_id, id FROM connections
 WHERE organization_id = :organization_id AND kind IN ('workspace', 'personal')
   AND status IN ('active', 'needs_reconnect', 'suspended');

-- name: find_review :one
-- tenant: none (an organization's own)
SELECT * FROM reviews
 WHERE organization_id = :organization_id AND id = :review_id;

-- name: find_open_review :one
-- tenant: none (an organization's own)
SELECT * FROM reviews
 WHERE organization_id = :organization_id AND closed_at IS NULL;

-- name: list_reviews :many
-- tenant: none (an organization's own)
-- The newest first, behind the one with that time and id.
SELECT * FROM reviews
 WHERE organization_id = :organization_id
   AND (opened_at < :before_at OR (opened_at = :before_at AND id < :before_id))
 ORDER BY opened_at DESC, id DESC
 LIMIT :most;

-- name: list_reminders :many
-- tenant: none (whose time has come)
SELECT * FROM reviews
 WHERE remind_at IS NOT NULL AND remind_at <= :now
 ORDER BY remind_at, id
 LIMIT 100;

-- name: list_overdue_reviews :many
-- tenant: none (whose time is over)
SELECT * FROM reviews
 WHERE closed_at IS NULL AND due_at < :now
 ORDER BY due_at, id
 LIMIT 100;

-- name: set_reminder :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
UPDATE reviews SET remind_at = :remind_at
 WHERE organization_id = :organization_id AND id = :review_id
   AND closed_at IS NULL AND remind_at = :expected_at;

-- name: close_review :exec
-- tenant: none (an organization's own)
-- alone: compare-and-swap
UPDATE reviews SET closed_at = :now, closed_by = :closed_by, remind_at = NULL
 WHERE organization_id = :organization_id AND id = :review_id
   AND closed_at IS NULL;

-- name: count_decisions :many
-- tenant: none (of a review, which is an organization's own)
SELECT decision, count(*) AS found FROM review_items
 WHERE review_id = :review_id
 GROUP BY decision
 ORDER BY decision;

-- name: find_review_item :one
-- tenant: none (of a review, which is an organization's own)
SELECT * FROM review_items
 WHERE review_id = :review_id AND connection_id = :connection_id;

-- name: list_review_items :many
-- tenant: none (of a review, which is an organization's own)
SELECT * FROM review_items
 WHERE review_id = :review_id AND connection_id > :after
 ORDER BY connection_id
 LIMIT :most;

-- name: list_open_items :many
-- tenant: none (of a review, which is an organization's own)
SELECT * FROM review_items
 WHERE review_id = :review_id AND decision = 'open'
 ORDER BY connection_id;

-- name: decide_review_item :exec
-- tenant: none (of a review, which is an organization's own)
UPDATE review_items
   SET decision = :decision, note = :text, decided_by = :decided_by, decided_at = :now
 WHERE review_id = :review_id AND connection_id = :connection_id
   AND decision = :expected;

-- name: end_review_items :exec
-- tenant: none (a connection's, which has ended)
UPDATE review_items SET decision = 'ended', decided_at = :now
 WHERE connection_id = :connection_id
   AND decision = 'open';

-- name: erase_reviews :exec
-- tenant: none (an organization's own)
DELETE FROM reviews WHERE organization_id = :organization_id;
