-- One value per name: schema_version, database_id, primary_master_key, key_check:VERSION, brake_since.

-- name: get_meta :one
-- tenant: none (settings of the database itself)
-- alone: look-up
SELECT value FROM meta WHERE name = :name;

-- name: set_meta :exec
-- tenant: none (settings of the database itself)
INSERT INTO meta (name, value) VALUES (:name, :value)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: set_meta_once :exec
-- tenant: none (settings of the database itself)
INSERT INTO meta (name, value) VALUES (:name, :value)
    ON CONFLICT (name) DO NOTHING;
