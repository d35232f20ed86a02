{{- /* A state is read through the table's own types; columns that it does not have stay out. */ -}}
{{define "row" -}}
{{.KeySQL}} AS key,
           ({{.ImageSQL}})
           - ARRAY(SELECT n FROM pg_catalog.unnest({{textArray .Columns}}) AS n WHERE NOT c.change -> 'state' ? n)
{{- end -}}
-- Records a chunk of changes that another tool recorded: $1 is a JSON array of
-- them, $2 the tool. The version of a change is its number within its record; so
-- a change that is there already is found under its version.
WITH incoming AS MATERIALIZED (
    SELECT c.n, c.change, (c.change ->> 'version')::integer AS version,
           {{template "row" .}} || coalesce(c.change -> 'kept', '{}') AS image
      FROM pg_catalog.jsonb_array_elements($1::jsonb) WITH ORDINALITY AS c (change, n)
     CROSS JOIN LATERAL pg_catalog.jsonb_populate_record(NULL::{{.Qualified}}, c.change -> 'state') AS r
), records AS MATERIALIZED (
    -- What history has last of each record, once for all of its changes.
    SELECT k.key, a.id, a.extra_info
           {{- if .Python}}, ({{schema}}.python_last({{literal .Schema}}, {{literal .Name}}, k.key)).id AS python{{end}}
      FROM (SELECT DISTINCT i.key FROM incoming AS i) AS k
      LEFT JOIN {{schema}}.chrononaut_activity AS a
             ON a.id = {{schema}}.last_change({{literal .Schema}}, {{literal .Name}}, k.key)
), found AS MATERIALIZED (
    SELECT i.*,
           CASE WHEN there.id IS NOT NULL AND there.extra_info #>> '{imported,from}' = $2::text
                     AND there.extra_info #>> '{imported,id}' = i.change #>> '{extra_info,imported,id}' THEN 'known'
                -- Another history than this one.
                WHEN there.id IS NOT NULL OR last.extra_info #>> '{imported,from}' IS DISTINCT FROM $2::text AND last.id IS NOT NULL
                     {{- if .Python}} OR last.python IS NOT NULL{{end}} THEN 'own'
                ELSE 'new' END AS status
      FROM incoming AS i
      JOIN records AS last ON last.key = i.key
      LEFT JOIN LATERAL (
           SELECT a.id, a.extra_info
             FROM {{schema}}.chrononaut_activity AS a
            WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                  = pg_catalog.jsonb_hash_extended(i.key, pg_catalog.hashtextextended({{literal .Schema}} || '.' || {{literal .Name}}, 0))
              AND a.key = i.key AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}}
              AND a.version = i.version
            ORDER BY a.id LIMIT 1) AS there ON true
), placed AS MATERIALIZED (
    -- Where the past of a record is not as it was imported, its end is not either.
    SELECT f.n, f.change, f.version, f.key, f.image,
           CASE WHEN f.status = 'new' AND bool_or(f.status = 'own') OVER (PARTITION BY f.key ORDER BY f.n) THEN 'own'
                ELSE f.status END AS status
      FROM found AS f
), recorded AS (
    INSERT INTO {{schema}}.chrononaut_activity
           (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user)
    SELECT {{literal .Name}}, (p.change ->> 'changed')::timestamptz, p.version, p.key,
           p.image || pg_catalog.jsonb_build_object({{literal .VersionColumn}}, p.version{{if .VersionKey}}, 'version', p.version{{end}}),
           p.change -> 'user_info', p.change -> 'extra_info', p.change ->> 'operation', {{literal .Schema}},
           -- The transaction and the role of the change are not known.
           NULL, NULL
      FROM placed AS p
     WHERE p.status = 'new'
     ORDER BY p.n
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT pg_catalog.count(*) FROM recorded),
       pg_catalog.count(*) FILTER (WHERE p.status = 'new'),
       pg_catalog.count(*) FILTER (WHERE p.status = 'known'),
       pg_catalog.count(*) FILTER (WHERE p.status = 'own'),
       pg_catalog.bool_or(p.status = 'own') FILTER (WHERE p.key = (SELECT i.key FROM incoming AS i ORDER BY i.n DESC LIMIT 1))
  FROM placed AS p
