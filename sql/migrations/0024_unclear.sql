-- What became unclear just now is looked for at Slack each minute.
CREATE INDEX messages_unclear ON messages (updated_at, number) WHERE status = 'unclear';
