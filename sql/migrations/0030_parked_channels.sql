-- Of a channel in which something is parked nothing else goes out: asked at each acceptance, and nearly always for none.
CREATE INDEX messages_parked_channel ON messages (tenant_kind, tenant_id, channel_id, connection_id)
 WHERE status = 'parked';
