-- The holds on states of records, given with the number of an item and what is done
-- with it: inserted, or not.
SELECT s.n, {{schema}}.hold_document(h)::text
  FROM pg_catalog.jsonb_to_recordset($1::jsonb) AS s (n integer, state jsonb, inserted boolean)
 CROSS JOIN LATERAL (
       SELECT pg_catalog.min(c.hold_id) AS id
         FROM {{schema}}.chrononaut_hold_shape AS f
        CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.jsonb_object_agg(n, s.state -> n), '{}') AS match FROM pg_catalog.unnest(f.columns) AS n) AS w
         JOIN {{schema}}.chrononaut_hold_scope AS c
           ON c.record_hash = pg_catalog.jsonb_hash_extended(w.match, pg_catalog.hashtextextended({{literal .Schema}} || '.' || {{literal .Name}}, 0))
          AND c.match = w.match AND c.table_schema || '' = {{literal .Schema}} AND c.table_name || '' = {{literal .Name}}
          AND NOT c.past AND NOT (c.allow_insert AND s.inserted)
        WHERE f.table_schema = {{literal .Schema}} AND f.table_name = {{literal .Name}}) AS first
  JOIN {{schema}}.chrononaut_hold AS h ON h.id = first.id
