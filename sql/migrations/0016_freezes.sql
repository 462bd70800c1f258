-- An operator's decision that no token is opened: of a tenant, or of nobody named, which is of everybody. It is about
-- ids, so that no purge ends it and no new install.
CREATE TABLE freezes (
    tenant_kind  TEXT    NOT NULL DEFAULT '' CHECK (tenant_kind IN ('', 'T', 'E')),
    tenant_id    TEXT    NOT NULL DEFAULT '',
    organization TEXT    NOT NULL DEFAULT '',
    frozen_at    INTEGER NOT NULL,
    actor        TEXT    NOT NULL,
    request_id   TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_kind, tenant_id, organization),
    CHECK ((tenant_kind = '') = (tenant_id = ''))
) STRICT;
