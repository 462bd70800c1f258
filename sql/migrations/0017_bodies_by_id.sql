-- A tenant's bodies are read in portions, one after the other by their ids.
DROP INDEX inbox_tenant;
CREATE INDEX inbox_bodies ON inbox (tenant_kind, tenant_id, event_id) WHERE body IS NOT NULL;
