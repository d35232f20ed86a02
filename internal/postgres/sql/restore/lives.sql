{{- define "arrival_at" -}}
{{if .Renamed}}SELECT a.version, a.previous_key FROM (({{end}}SELECT a.version, a.previous_key
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" .}}
               AND a.previous_key IS NOT NULL
               {{- if .Upper}} AND a.version < {{.Upper}}{{end}}
             ORDER BY a.version DESC LIMIT 1
{{- range .Renamed}})
            UNION ALL
            (SELECT a.version, {{schema}}.renamed_data(a.previous_key, {{literal .Now}}::jsonb)
              FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "renamed_is" ($.Of .)}}
               AND a.previous_key IS NOT NULL
               {{- if $.Upper}} AND a.version < {{$.Upper}}{{end}}
             ORDER BY a.version DESC LIMIT 1
{{- end}}
{{- if .Renamed}})) AS a ORDER BY a.version DESC LIMIT 1{{end}}
{{- end}}
-- The state that each record of $1 had at a point, and its changes since, in
-- order: the record that has, or had last, the key, back across changes of its
-- primary key.
WITH RECURSIVE asked AS MATERIALIZED (
    SELECT i.n, i.key, (i.item ->> 'before')::bigint AS before
      FROM {{template "restore_items" .}}
), life (n, key, before, upper, lower, previous_key) AS (
    SELECT k.n, k.key, k.before, NULL::integer, arrival.version, arrival.previous_key
      FROM asked AS k
      LEFT JOIN LATERAL ({{template "arrival_at" (.Is "key" "k.key")}}) AS arrival ON true
    UNION ALL
    SELECT l.n, l.previous_key, l.before, l.lower, arrival.version, arrival.previous_key
      FROM life AS l
      LEFT JOIN LATERAL ({{template "arrival_at" ((.Is "key" "l.previous_key").Below "l.lower")}}) AS arrival ON true
     WHERE l.previous_key IS NOT NULL
), targets AS MATERIALIZED (
    SELECT DISTINCT ON (l.n) l.n, a.version, a.id
      FROM life AS l
     CROSS JOIN LATERAL (
            -- OFFSET 0 keeps indexes on times and ids out of this: for every record
            -- they would find all that is older.
            SELECT a.version, a.id FROM (SELECT a.* FROM ({{template "life_rows" .}}) AS a OFFSET 0) AS a
             WHERE {{.Until}}
             ORDER BY a.version DESC, a.id DESC LIMIT 1) AS a
     ORDER BY l.n, a.version DESC, a.id DESC
)
SELECT l.n, a.id IS NOT DISTINCT FROM g.id,
       {{template "change" .}}
  FROM life AS l
  LEFT JOIN targets AS g ON g.n = l.n
 CROSS JOIN LATERAL (
       {{if .Mapped}}SELECT {{template "python_columns" .}} FROM ({{template "life_rows" .}}) AS a{{else}}{{template "life_rows" .}}{{end}}
       OFFSET 0) AS a
 WHERE g.id IS NULL OR a.version > g.version OR a.id = g.id OR a.version = g.version AND a.id > g.id
 ORDER BY l.n, a.version, a.id
