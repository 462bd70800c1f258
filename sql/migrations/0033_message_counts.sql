-- How many messages of an organization came to what, day by day: numbers and closed words, and nothing of what was said
-- or where. Whatever changes a status counts it, in the same commit.
CREATE TABLE message_counts (
    organization_id TEXT    NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    day             INTEGER NOT NULL,                   -- days since 1970-01-01, UTC
    status          TEXT    NOT NULL CHECK (status IN ('sent', 'failed', 'parked', 'unclear', 'canceled')),
    reason          TEXT    NOT NULL,
    number          INTEGER NOT NULL CHECK (number > 0),
    PRIMARY KEY (organization_id, day, status, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_counts_day ON message_counts (day);

INSERT INTO message_counts (organization_id, day, status, reason, number)
SELECT organization_id, updated_at / 86400, status, reason, count(*) FROM messages
 WHERE status IN ('sent', 'failed', 'parked', 'unclear', 'canceled')
 GROUP BY organization_id, updated_at / 86400, status, reason;

CREATE TRIGGER messages_counted AFTER UPDATE OF status ON messages
  WHEN OLD.status <> NEW.status
   AND NEW.status IN ('sent', 'failed', 'parked', 'unclear', 'canceled')  -- claim: C-330
BEGIN
    INSERT INTO message_counts (organization_id, day, status, reason, number)
    VALUES (NEW.organization_id, NEW.updated_at / 86400, NEW.status, NEW.reason, 1)
        ON CONFLICT (organization_id, day, status, reason) DO UPDATE SET number = message_counts.number + 1;
END;
