-- Which items of $1 are at another version than theirs, in their order: whether
-- there is a row, its version, and what has happened since theirs to the first
-- $2 of them.
SELECT s.n, s.found, s.present, CASE WHEN s.place <= $2::bigint
                                     THEN {{schema}}.changes_since({{literal .Schema}}, {{literal .Name}}, {{schema}}.normalize_key({{literal .Schema}}, {{literal .Name}}, s.key), s.version)::text END
  FROM (SELECT k.n, k.key, k.version, t.found IS NOT NULL AS found, coalesce(t.version, 0) AS present, pg_catalog.row_number() OVER (ORDER BY k.n) AS place
          FROM (SELECT i.n, i.key, (i.item ->> 'version')::integer AS version{{range $i, $c := .Table.KeyColumns}}, {{$.Table.ValueIn $c "i.key"}} AS k{{$i}}{{end}}
                  FROM {{template "restore_items" .}}
                OFFSET 0) AS k
          LEFT JOIN LATERAL (SELECT true AS found, t.{{ident .Table.VersionColumn}} AS version
                               FROM {{.Table.Qualified}} AS t
                              WHERE {{template "restore_match" .}}) AS t ON true
         WHERE t.found IS NULL OR coalesce(t.version, 0) <> k.version) AS s
 ORDER BY s.n
