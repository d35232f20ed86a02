-- The first change after one that took the key of each item of $1 from its
-- record, and the key that it gave it. Records that exchange their keys have one
-- version in common.
SELECT i.n, d.id, d.version, d.key::text
  FROM {{template "restore_items" .}}
 CROSS JOIN LATERAL (
       SELECT a.id, a.version, a.key FROM (
           SELECT a.id, a.version, a.key
             FROM {{schema}}.chrononaut_activity AS a
            WHERE {{template "is" (.Is "previous_key" "i.key")}}
              AND a.previous_key IS NOT NULL
{{- range .Renamed}}
            UNION ALL
           SELECT a.id, a.version, {{schema}}.renamed_data(a.key, {{literal .Now}}::jsonb)
             FROM {{schema}}.chrononaut_activity AS a
            WHERE {{template "renamed_is" (($.Is "previous_key" "i.key").Of .)}}
              AND a.previous_key IS NOT NULL
{{- end}}) AS a
        WHERE a.id > (i.item ->> 'after')::bigint AND a.version > (i.item ->> 'version')::integer
        ORDER BY a.id LIMIT 1) AS d
