-- What people answer to messages, by whom and when, where the organization wishes to know: no text of theirs.
ALTER TABLE organizations ADD COLUMN tracks_replies INTEGER NOT NULL DEFAULT 0 CHECK (tracks_replies IN (0, 1));
CREATE TABLE message_replies (
    message_id      TEXT    NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    organization_id TEXT    NOT NULL,
    tenant_kind     TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id       TEXT    NOT NULL,
    type            TEXT    NOT NULL CHECK (type IN ('reply', 'reaction')),
    author_id       TEXT    NOT NULL,
    reaction        TEXT    NOT NULL DEFAULT '',        -- its name; '' for a reply
    message_ts      TEXT    NOT NULL DEFAULT '',        -- of a reply; '' for a reaction
    noted_at        INTEGER NOT NULL,
    PRIMARY KEY (message_id, type, author_id, reaction, message_ts)
) STRICT;
CREATE INDEX message_replies_tenant ON message_replies (tenant_kind, tenant_id, message_id);
CREATE INDEX message_replies_organization ON message_replies (organization_id, message_id);
CREATE INDEX message_replies_age ON message_replies (noted_at, message_id);
-- A message by its place at Slack.
CREATE INDEX messages_place ON messages (tenant_kind, tenant_id, channel_id, message_ts)
 WHERE message_ts <> '' AND type IN ('message', 'reply');
