-- The versions of one model ($1), and of each record's last one the live row.
-- Rails writes times in UTC, whichever of the two types the column has.
SELECT v.item_id::text, v.created_at::timestamp AT TIME ZONE 'UTC', pg_catalog.to_json(v)::text, pg_catalog.to_json(t)::text
  FROM (SELECT s.*, pg_catalog.lead(s.id) OVER (PARTITION BY s.item_id ORDER BY s.created_at, s.id) IS NULL AS chrononaut_last
          FROM {{.Source}} AS s
         WHERE s.item_type = $1::text) AS v
  LEFT JOIN {{.Qualified}} AS t ON v.chrononaut_last AND t.{{ident .KeyColumn}}::text = v.item_id::text
 ORDER BY v.item_id, v.created_at, v.id
