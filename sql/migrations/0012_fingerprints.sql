-- A leaked token is found by a keyed hash of it, without being kept. NULL until it is sealed the next time, or until
-- `slackapp keys fingerprint` has filled it in.
ALTER TABLE tokens ADD COLUMN access_fingerprint BLOB CHECK (length(access_fingerprint) = 32);
ALTER TABLE tokens ADD COLUMN refresh_fingerprint BLOB CHECK (length(refresh_fingerprint) = 32);
CREATE INDEX tokens_access_fingerprint ON tokens (access_fingerprint) WHERE access_fingerprint IS NOT NULL;
CREATE INDEX tokens_refresh_fingerprint ON tokens (refresh_fingerprint) WHERE refresh_fingerprint IS NOT NULL;
CREATE INDEX tokens_without_fingerprint ON tokens (tenant_kind, tenant_id, holder_kind, holder_id)
 WHERE access_fingerprint IS NULL;
