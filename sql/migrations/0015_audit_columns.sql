-- A column for each fact, and no text that holds several. Columns are only added: rows do not change. What is there keeps
-- format 1, and the chain value that covers it as it was written; what comes is format 2. NULL: there is no number.
ALTER TABLE audit ADD COLUMN format INTEGER NOT NULL DEFAULT 1 CHECK (format IN (1, 2));
ALTER TABLE audit ADD COLUMN actor_id     TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN organization TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN trace_id     TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN connection   TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN holder_kind  TEXT NOT NULL DEFAULT '';      -- 'bot' has no id; '' is nobody
ALTER TABLE audit ADD COLUMN holder_id    TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN record_kind  TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN record_id    TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN generation   INTEGER;
ALTER TABLE audit ADD COLUMN key_id       INTEGER;
ALTER TABLE audit ADD COLUMN count        INTEGER;
ALTER TABLE audit ADD COLUMN capability   TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN method       TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN channel      TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN purpose      TEXT NOT NULL DEFAULT '';
