-- What is looked for often must be found without reading all that is there.

-- The few rows that wait for a person, beside all that were done.
CREATE INDEX inbox_given_up ON inbox (received_at) WHERE state IN ('dead', 'unclear');

CREATE INDEX installations_status ON installations (status);
CREATE INDEX tokens_status ON tokens (status);
