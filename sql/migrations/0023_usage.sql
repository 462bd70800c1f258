-- How much an organization uses, day by day: numbers, and nothing of what was used.
CREATE TABLE host_usage (
    organization_id TEXT    NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    day             INTEGER NOT NULL,                   -- days since 1970-01-01, UTC
    action          TEXT    NOT NULL CHECK (action IN ('connect_begun', 'connect_completed', 'connect_failed',
                    'slack_call')),
    number          INTEGER NOT NULL CHECK (number > 0),
    PRIMARY KEY (organization_id, day, action)
) STRICT, WITHOUT ROWID;
CREATE INDEX host_usage_day ON host_usage (day);
