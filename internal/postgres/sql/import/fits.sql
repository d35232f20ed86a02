-- Whether the table's types can read a state: $1 is {"state": ..., "changed": ...}.
SELECT {{.KeySQL}} IS NOT NULL, ({{.ImageSQL}}) IS NOT NULL, (c.change ->> 'changed')::timestamptz IS NOT NULL
  FROM (SELECT $1::jsonb AS change) AS c
 CROSS JOIN LATERAL pg_catalog.jsonb_populate_record(NULL::{{.Qualified}}, c.change -> 'state') AS r
