-- Holds that are not released and of which something is missing in what the triggers
-- look for.
SELECT CAST(h.id AS TEXT)
  FROM main.chrononaut_hold AS h
 WHERE h.released IS NULL
   AND (h.guards IS NOT (SELECT count(*) FROM main.chrononaut_guard AS g WHERE g.kind IN ('hold', 'past') AND g.id = h.id)
        OR EXISTS (SELECT 1 FROM main.chrononaut_guard AS g
                    WHERE g.kind = 'hold' AND g.id = h.id
                      AND NOT EXISTS (SELECT 1 FROM main.chrononaut_guarded AS c WHERE c.table_name = g.table_name AND c.columns = g.columns)))
 ORDER BY h.id
