-- The keys that the transactions ?1 changed up to the time ?2.
SELECT a.key FROM main.chrononaut_activity AS a
 WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key <> '{}' AND a.changed <= ?2
   AND a.transaction_id IN (SELECT CAST(e.value AS INTEGER) FROM json_each(?1) AS e)
UNION
SELECT a.previous_key FROM main.chrononaut_activity AS a
 WHERE a.table_name = {{literal .Table.HistoryName}} AND a.previous_key IS NOT NULL AND a.changed <= ?2
   AND a.transaction_id IN (SELECT CAST(e.value AS INTEGER) FROM json_each(?1) AS e)
