{{- /* Whether a change is about the table, under its present name or an older one. */ -}}
{{- define "about" -}}
(a.table_schema = $1::text AND a.table_name = $2::text{{with .Read.Own}} AND ({{.}}){{end}}
{{- range .Read.Renamed}}
            OR a.table_schema = {{literal .Schema}} AND a.table_name = {{literal .Name}}{{with .Bounds}} AND ({{.}}){{end}}
{{- end}})
{{- end -}}
-- Where the last state that history has of each key of a table differs from
-- the table. $1 and $2 are the table's names in history, $3 tells whether
-- values are wanted, $4 is the greatest number of differences.
WITH latest AS (
    -- Keys have the present names of their columns.
    SELECT DISTINCT ON (key) {{.Read.MappedKey "a.key"}} AS key, a.table_schema, a.table_name, a.version, a.id, a.data, a.extra_info ? 'imported' AS imported,
           a.operation IS DISTINCT FROM 'delete' AND a.operation IS DISTINCT FROM 'truncate' AS alive
      FROM {{.Schema}}.chrononaut_activity AS a
     WHERE {{template "about" .}}
       -- Not what happened to the table itself: tracking, holds.
       AND a.key <> '{}'
     ORDER BY key, a.version DESC, a.id DESC
), parted AS (
    -- A change of the primary key takes its old value from the record, unless
    -- the key was given to another record since: at the same version where
    -- records exchanged their keys.
    SELECT DISTINCT ON (key) {{.Read.MappedKey "a.previous_key"}} AS key, a.version, a.id
      FROM {{.Schema}}.chrononaut_activity AS a
     WHERE {{template "about" .}} AND a.previous_key IS NOT NULL
     ORDER BY key, a.version DESC, a.id DESC
), replayed AS MATERIALIZED (
    -- States too have the present names, without what was recorded of a column
    -- before it was hidden or left out.
    SELECT a.key, a.version, {{.Read.MappedKey "a.data"}} - {{.Excluded}} AS data, a.imported
      FROM latest AS a
      LEFT JOIN parted AS p ON p.key = a.key
     WHERE a.alive AND (p.id IS NULL OR a.version >= p.version OR a.id > p.id)
), live AS MATERIALIZED (
    SELECT {{.Key}} AS key,
           t.{{.VersionColumn}} AS version,
           {{.Image}} AS image
      FROM {{.Table}} AS t
), compared AS (
    SELECT coalesce(h.key, l.key) AS key, h.data, l.image, h.version AS history_version, v.version AS live_version,
           CASE WHEN h.key IS NULL THEN 'unrecorded' WHEN l.key IS NULL THEN 'missing' ELSE 'changed' END AS kind,
           CASE WHEN h.key IS NULL OR l.key IS NULL OR h.data - {{.VersionKeys}} = l.image THEN '{}'::text[]
                ELSE pg_catalog.array_remove(ARRAY[
{{- range $i, $c := .Columns}}{{if $i}},{{end}}
                    CASE WHEN h.data -> {{$c.Literal}} IS NOT DISTINCT FROM l.image -> {{$c.Literal}} THEN NULL
                         WHEN NOT h.data ? {{$c.Literal}} AND l.image -> {{$c.Literal}} = 'null'::jsonb THEN NULL
                         WHEN h.data ? {{$c.Literal}} AND {{$c.Image}} IS NOT DISTINCT FROM nullif(l.image -> {{$c.Literal}}, 'null'::jsonb) THEN NULL
                         ELSE {{$c.Literal}} END
{{- end}}]::text[], NULL) END
           || CASE WHEN h.version <> v.version THEN ARRAY[{{.VersionLiteral}}]::text[] ELSE '{}'::text[] END AS columns
      FROM replayed AS h
      FULL JOIN live AS l ON l.key = h.key,
           -- A row that was not written since history began has no version: it
           -- is at 0, or where an import has brought it.
           LATERAL (SELECT coalesce(l.version, CASE WHEN h.imported THEN h.version ELSE 0 END) AS version) AS v,
           -- History's values in the columns' present types.
           LATERAL (SELECT {{range $i, $c := .Columns}}{{if $i}},
                           {{end}}{{$c.Value}}{{end}}) AS r
)
SELECT pg_catalog.jsonb_build_object('kind', c.kind, 'key', c.key, 'columns', c.columns)::text,
       CASE WHEN $3::boolean THEN (c.data || pg_catalog.jsonb_build_object({{.VersionLiteral}}, c.history_version))::text END,
       CASE WHEN $3::boolean THEN (c.image || pg_catalog.jsonb_build_object({{.VersionLiteral}}, c.live_version))::text END
  FROM compared AS c
 WHERE c.kind <> 'changed' OR pg_catalog.cardinality(c.columns) > 0
 ORDER BY c.key
 LIMIT $4::bigint
