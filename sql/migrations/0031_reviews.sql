-- Reviews: an organization's owners and admins say of each connection whether it is still needed. Kept as evidence.
CREATE TABLE reviews (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 24),
    organization_id TEXT    NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    opened_by       TEXT    NOT NULL DEFAULT '',        -- the member; '' for the host or an operator
    opened_at       INTEGER NOT NULL,
    due_at          INTEGER NOT NULL CHECK (due_at > opened_at),
    remind_at       INTEGER,                            -- NULL: nobody is reminded any more
    closed_by       TEXT    NOT NULL DEFAULT '',        -- the member; '' for all others
    closed_at       INTEGER,                            -- NULL: is open
    CHECK (closed_at IS NULL OR remind_at IS NULL)
) STRICT;
CREATE INDEX reviews_organization ON reviews (organization_id, opened_at, id);
CREATE UNIQUE INDEX reviews_open ON reviews (organization_id) WHERE closed_at IS NULL;
CREATE INDEX reviews_due ON reviews (due_at, id) WHERE closed_at IS NULL;
CREATE INDEX reviews_reminded ON reviews (remind_at, id) WHERE remind_at IS NOT NULL;

CREATE TABLE review_items (
    review_id     TEXT    NOT NULL REFERENCES reviews (id) ON DELETE CASCADE,
    connection_id TEXT    NOT NULL,
    decision      TEXT    NOT NULL DEFAULT 'open' CHECK (decision IN ('open', 'attested', 'revoked', 'unattested', 'ended')),
    note          TEXT    NOT NULL DEFAULT '',
    decided_by    TEXT    NOT NULL DEFAULT '',          -- the member
    decided_at    INTEGER,
    PRIMARY KEY (review_id, connection_id),
    CHECK ((decision IN ('attested', 'revoked')) = (decided_by <> ''))
) STRICT;
CREATE INDEX review_items_connection ON review_items (connection_id, review_id) WHERE decision = 'open';

-- Since when a connection waits for what nobody has said of it in a review; NULL: it does not.
ALTER TABLE connections ADD COLUMN unattested_at INTEGER;
