-- What an organization's tokens were used for is read by the organization, and by the connection's methods. Nothing is
-- indexed of what serves no organization.
CREATE INDEX audit_uses ON audit (organization, id) WHERE organization <> '' AND capability <> '';
CREATE INDEX audit_methods ON audit (organization, connection, method, id)
 WHERE organization <> '' AND connection <> '' AND capability <> '';
ALTER TABLE connections ADD COLUMN revoked_at INTEGER;                   -- NULL: it was not
UPDATE connections SET revoked_at = updated_at WHERE status = 'revoked';
ALTER TABLE connections ADD COLUMN age_told_at INTEGER;                  -- that it gets too old; NULL: not yet
