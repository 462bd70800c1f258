-- What the host is told of is sent to it, too. What was written before was never waited for.
ALTER TABLE host_events ADD COLUMN state TEXT NOT NULL DEFAULT 'unsent'
      CHECK (state IN ('waiting', 'delivered', 'given_up', 'unsent'));
ALTER TABLE host_events ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host_events ADD COLUMN next_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host_events ADD COLUMN answer_status INTEGER NOT NULL DEFAULT 0; -- HTTP status of the last attempt; 0: none came
ALTER TABLE host_events ADD COLUMN lease_owner TEXT NOT NULL DEFAULT '';
ALTER TABLE host_events ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;
CREATE INDEX host_events_waiting ON host_events (connection_id, number) WHERE state = 'waiting';
CREATE INDEX host_events_waiting_since ON host_events (at, number) WHERE state = 'waiting';
CREATE INDEX host_events_given_up ON host_events (number) WHERE state = 'given_up';
