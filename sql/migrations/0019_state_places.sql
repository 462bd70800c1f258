-- A state has a place among those of its network, from 0 on: how many there are is seen at one of them, and not counted.
ALTER TABLE oauth_states ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
UPDATE oauth_states SET place = placed.place
  FROM (SELECT id, row_number() OVER (PARTITION BY network ORDER BY id) - 1 AS place
          FROM oauth_states
         WHERE network IS NOT NULL) AS placed
 WHERE oauth_states.id = placed.id;
DROP INDEX oauth_states_network;
CREATE UNIQUE INDEX oauth_states_network ON oauth_states (network, place) WHERE network IS NOT NULL;
