-- Addresses that people keep: the name in clear, the address sealed.
CREATE TABLE bookmarks (
    tenant_kind TEXT    NOT NULL CHECK (tenant_kind IN ('T', 'E')),
    tenant_id   TEXT    NOT NULL,
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    url         BLOB    NOT NULL CHECK (length(url) BETWEEN 98 AND 4194),
    made_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_kind, tenant_id, name)
) STRICT;
