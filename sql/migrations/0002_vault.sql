-- Who serves, and with which master keys: a rotation goes on only when every live process can read the new one.
CREATE TABLE processes (
    process_id      TEXT    NOT NULL PRIMARY KEY,
    started_at      INTEGER NOT NULL,
    seen_at         INTEGER NOT NULL,
    key_epoch       INTEGER NOT NULL,
    master_versions TEXT    NOT NULL                   -- what it can unwrap with: '1,2'
) STRICT;

-- Where the audit begins after old rows were cut: the last row that is gone, signed.
CREATE TABLE audit_checkpoint (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    id    INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    chain BLOB    NOT NULL CHECK (length(chain) = 32),
    mac   BLOB    NOT NULL CHECK (length(mac) = 32)
) STRICT;

CREATE TRIGGER audit_rows_are_cut_behind_a_checkpoint BEFORE DELETE ON audit
WHEN OLD.id > coalesce((SELECT id FROM audit_checkpoint), 0)
BEGIN
    SELECT RAISE(ABORT, 'audit rows are cut behind a checkpoint only');
END;

CREATE TRIGGER audit_rows_are_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'audit rows are not replaced');
END;
