-- What was counted, by metric and labels.

-- name: add_to_counter :exec
-- tenant: none (a tenant is a keyed hash among the labels)
-- alone: insert
-- Where a metric has all the series that it may have, whatever comes new goes to the labels of the rest.
INSERT INTO counters (name, labels, value)
SELECT :name,
       CASE WHEN EXISTS (SELECT 1 FROM counters WHERE name = :name AND labels = :labels)
              OR (SELECT count(*) FROM counters WHERE name = :name) < :max_series
            THEN :labels ELSE :overflow_labels END,
       :amount
 WHERE true
ON CONFLICT (name, labels) DO UPDATE SET value = counters.value + excluded.value;

-- name: list_counters :many
-- tenant: none (for the operator's metrics)
SELECT name, labels, value FROM counters ORDER BY name, labels;
