-- The serving processes: seen lately, and which master keys each can unwrap with.

-- name: beat :exec
-- tenant: none (about processes)
INSERT INTO processes (process_id, started_at, seen_at, key_epoch, master_versions)
VALUES (:process_id, :now, :now, :key_epoch, :master_versions)
ON CONFLICT (process_id) DO UPDATE SET
       seen_at = excluded.seen_at, key_epoch = excluded.key_epoch, master_versions = excluded.master_versions;

-- name: live_processes :many
-- tenant: none (about processes)
SELECT process_id, seen_at, key_epoch, master_versions FROM processes
 WHERE seen_at BETWEEN :since AND :latest  -- claim: C-98
 ORDER BY process_id;

-- name: forget_process :exec
-- tenant: none (about processes)
DELETE FROM processes WHERE process_id = :process_id OR seen_at NOT BETWEEN :since AND :latest;

-- name: list_processes :many
-- tenant: none (about processes)
SELECT process_id FROM processes ORDER BY process_id;
