-- A message may go out by the grant's incoming webhook, which posts to one channel.
ALTER TABLE connections ADD COLUMN delivery TEXT NOT NULL DEFAULT 'bot' CHECK (delivery IN ('bot', 'webhook'));
ALTER TABLE connections ADD COLUMN webhook_channel_id TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN delivery TEXT NOT NULL DEFAULT 'bot' CHECK (delivery IN ('bot', 'webhook'));
