-- A state leads to one provider, and to no other one's callback. What was begun before leads to Slack.
ALTER TABLE oauth_states ADD COLUMN provider TEXT NOT NULL DEFAULT 'slack' CHECK (provider <> '');
