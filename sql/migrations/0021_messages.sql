-- Messages that organizations post: what was accepted, what became of it, and what it says while it waits. No foreign key
-- to the tenant: ids, statuses and times outlive a purge.
CREATE TABLE messages (
    number          INTEGER NOT NULL PRIMARY KEY,       -- grows in the order in which they were accepted
    id              TEXT    NOT NULL UNIQUE CHECK (length(id) = 24),
    organization_id TEXT    NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    connection_id   TEXT    NOT NULL,
    tenant_kind     TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id       TEXT    NOT NULL,
    type            TEXT    NOT NULL CHECK (type IN ('message', 'reply', 'update', 'delete')),
    status          TEXT    NOT NULL CHECK (status IN ('scheduled', 'queued', 'sending', 'sent', 'failed', 'parked',
                    'unclear', 'canceled')),
    reason          TEXT    NOT NULL DEFAULT '' CHECK (reason IN ('', 'needs_reconnect', 'suspended', 'revoked',
                    'expired', 'channel', 'content', 'scope', 'policy', 'thread', 'target', 'refused', 'interrupted',
                    'answer_lost', 'restored', 'dropped')),
    slack_error     TEXT    NOT NULL DEFAULT '',        -- Slack's own code
    internal_message_id TEXT NOT NULL DEFAULT '',       -- the host's own
    target_id       TEXT    NOT NULL DEFAULT '',        -- the message that it answers, updates or deletes
    channel_id      TEXT    NOT NULL DEFAULT '',
    message_ts      TEXT    NOT NULL DEFAULT '',
    thread_ts       TEXT    NOT NULL DEFAULT '',
    permalink       TEXT    NOT NULL DEFAULT '',
    sender_id       TEXT    NOT NULL DEFAULT '',        -- the member; '' for the host itself
    purpose_id      TEXT    NOT NULL DEFAULT '',
    body            BLOB    CHECK (length(body) BETWEEN 98 AND 262144),
    send_at         INTEGER,                            -- NULL: at once
    queued_at       INTEGER NOT NULL,                   -- its place among those of its channel
    parked_at       INTEGER,
    sent_at         INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    trace_id        TEXT    NOT NULL DEFAULT '',
    CHECK (body IS NULL OR status NOT IN ('sent', 'failed', 'canceled')),
    CHECK ((status = 'parked') = (parked_at IS NOT NULL)),
    CHECK (status <> 'scheduled' OR send_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX messages_internal ON messages (organization_id, internal_message_id)
 WHERE internal_message_id <> '';
CREATE INDEX messages_organization ON messages (organization_id, number);
CREATE INDEX messages_queued ON messages (tenant_kind, tenant_id, channel_id, queued_at, number)
 WHERE status = 'queued';
CREATE INDEX messages_parked ON messages (parked_at, number) WHERE status = 'parked';
CREATE INDEX messages_waiting ON messages (connection_id, number) WHERE status IN ('scheduled', 'queued', 'parked');
CREATE INDEX messages_kept ON messages (tenant_kind, tenant_id, id) WHERE channel_id <> '';
CREATE INDEX messages_bodies ON messages (tenant_kind, tenant_id, id) WHERE body IS NOT NULL;

CREATE TRIGGER messages_change_as_allowed BEFORE UPDATE OF status ON messages
  WHEN OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN (
       'scheduled queued', 'scheduled parked', 'scheduled failed', 'scheduled canceled', 'scheduled unclear',
       'queued sending', 'queued parked', 'queued failed', 'queued canceled', 'queued unclear',
       'sending queued', 'sending sent', 'sending failed', 'sending parked', 'sending unclear',
       'parked queued', 'parked failed', 'parked canceled', 'parked unclear',
       'unclear queued', 'unclear sent', 'unclear failed')
BEGIN
    SELECT RAISE(ABORT, 'a message does not change so');
END;

-- Of each channel the message whose turn it is, and each scheduled one until its time: a queue as `queue.sql` says.
CREATE TABLE outbox (
    event_id    TEXT    NOT NULL,                       -- the message's id
    kind        TEXT    NOT NULL CHECK (kind IN ('event', 'job')),
    tenant_kind TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id   TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    named       TEXT    NOT NULL DEFAULT '',
    body        BLOB,                                   -- always NULL: the message has it
    removes     INTEGER NOT NULL DEFAULT 0 CHECK (removes IN (0, 1)),
    state       TEXT    NOT NULL CHECK (state IN ('ready', 'running', 'calling', 'unclear', 'dead', 'done')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    event_time  INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    lease_owner TEXT    NOT NULL DEFAULT '',
    lease_until INTEGER NOT NULL DEFAULT 0,
    finished_at INTEGER,
    result      TEXT    NOT NULL DEFAULT '',
    trace_id    TEXT    NOT NULL DEFAULT '',
    channel_id  TEXT    NOT NULL DEFAULT '',            -- whose turn it is; '' for one that is scheduled
    PRIMARY KEY (event_id, tenant_kind, tenant_id)
) STRICT;
CREATE INDEX outbox_due ON outbox (tenant_kind, tenant_id, removes, next_at, event_id)
 WHERE state IN ('ready', 'running', 'calling');
CREATE INDEX outbox_held ON outbox (lease_until) WHERE state IN ('running', 'calling');
CREATE INDEX outbox_given_up ON outbox (tenant_kind, tenant_id, received_at) WHERE state IN ('dead', 'unclear');
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE state = 'done';
CREATE INDEX outbox_bodies ON outbox (tenant_kind, tenant_id, event_id) WHERE body IS NOT NULL;
CREATE INDEX outbox_channel ON outbox (tenant_kind, tenant_id, channel_id)
 WHERE state IN ('ready', 'running', 'calling');

-- Whatever marks a row of the queue, its end after a crash, too: the message says the same in the same commit.
CREATE TRIGGER outbox_calls AFTER UPDATE OF state ON outbox WHEN NEW.state = 'calling' AND OLD.state <> 'calling'
BEGIN
    UPDATE messages SET status = 'sending' WHERE id = NEW.event_id AND status = 'queued';
END;
CREATE TRIGGER outbox_called_nothing AFTER UPDATE OF state ON outbox
  WHEN OLD.state = 'calling' AND NEW.state IN ('ready', 'running')
BEGIN
    UPDATE messages SET status = 'queued' WHERE id = NEW.event_id AND status = 'sending';
END;
CREATE TRIGGER outbox_unclear AFTER UPDATE OF state ON outbox WHEN NEW.state = 'unclear'
BEGIN
    UPDATE messages SET status = 'unclear', updated_at = NEW.finished_at,
           reason = CASE status WHEN 'sending' THEN 'interrupted' ELSE 'restored' END
     WHERE id = NEW.event_id AND status IN ('scheduled', 'queued', 'sending');
END;
CREATE TRIGGER outbox_retried AFTER UPDATE OF state ON outbox
  WHEN OLD.state IN ('unclear', 'dead') AND NEW.state = 'ready'
BEGIN
    UPDATE messages SET status = 'queued', reason = '' WHERE id = NEW.event_id AND status = 'unclear';
END;
CREATE TRIGGER outbox_ended AFTER UPDATE OF state ON outbox
  WHEN NEW.state = 'dead' OR (OLD.state = 'unclear' AND NEW.state = 'done')
BEGIN
    UPDATE messages SET status = 'failed', reason = 'dropped', body = NULL, updated_at = NEW.finished_at
     WHERE id = NEW.event_id AND status IN ('queued', 'sending', 'unclear');
END;

-- When the next message may go to a channel, or with an empty channel to any of the tenant, in milliseconds.
CREATE TABLE send_rates (
    tenant_kind TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id   TEXT    NOT NULL,
    channel_id  TEXT    NOT NULL,
    free_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_kind, tenant_id, channel_id)
) STRICT;
CREATE INDEX send_rates_age ON send_rates (free_at);

-- An event of the host may be about a message.
ALTER TABLE host_events ADD COLUMN message_id TEXT NOT NULL DEFAULT '';
