-- What ends in the queue alone has failed, and the host is told of it: what took its process with it each time, and what
-- the operator drops. What a purge ends there has failed with its tenant.
DROP TRIGGER outbox_ended;
CREATE TRIGGER outbox_ended AFTER UPDATE OF state ON outbox
  WHEN NEW.state = 'dead' OR (OLD.state = 'unclear' AND NEW.state = 'done')
BEGIN
    INSERT INTO host_events (number, organization_id, connection_id, message_id, type, at, detail, state)
    SELECT CASE WHEN newest.number >= NEW.finished_at * 1000 THEN newest.number + 1 ELSE NEW.finished_at * 1000 END,
           m.organization_id, m.connection_id, m.id, 'message.failed', NEW.finished_at,
           CASE NEW.result WHEN 'purged' THEN 'revoked' ELSE 'dropped' END, 'waiting'
      FROM (SELECT coalesce((SELECT number FROM host_events ORDER BY number DESC LIMIT 1), 0) AS number) AS newest
      JOIN messages AS m ON m.id = NEW.event_id
       AND m.status IN ('scheduled', 'queued', 'sending', 'unclear')  -- claim: C-286
     ORDER BY m.number;
    UPDATE messages SET status = 'failed', body = NULL, updated_at = NEW.finished_at,
           reason = CASE NEW.result WHEN 'purged' THEN 'revoked' ELSE 'dropped' END
     WHERE id = NEW.event_id AND status IN ('scheduled', 'queued', 'sending', 'unclear');
END;
