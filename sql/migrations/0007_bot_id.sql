-- Messages of our own may name the bot by this id alone. Slack tells it later than the install: '' until then.
ALTER TABLE installations ADD COLUMN bot_id TEXT NOT NULL DEFAULT '';
