-- Channels that a connection names in its settings, and to which nothing can be posted now, as Slack has told.
CREATE TABLE channel_states (
    connection_id   TEXT    NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    organization_id TEXT    NOT NULL,
    tenant_kind     TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id       TEXT    NOT NULL,
    channel_id      TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('archived', 'deleted', 'left')),
    noted_at        INTEGER NOT NULL,
    PRIMARY KEY (connection_id, channel_id)
) STRICT;
CREATE INDEX channel_states_tenant ON channel_states (tenant_kind, tenant_id, channel_id);
