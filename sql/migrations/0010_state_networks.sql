-- Which network began, as a keyed hash: one of them must not take all the places there are.
ALTER TABLE oauth_states ADD COLUMN network BLOB CHECK (length(network) = 16);
CREATE INDEX oauth_states_network ON oauth_states (network, expires_at) WHERE network IS NOT NULL;
