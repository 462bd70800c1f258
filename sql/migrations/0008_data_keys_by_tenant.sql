-- A purge looks for a tenant's keys, retired ones too, and must not read everybody's.
CREATE INDEX data_keys_tenant ON data_keys (tenant_kind, tenant_id);
