{{- /*
The conversion of the layout of Python chrononaut up to 0.2. There, row n of a
record in the table TABLE_history has the state before the change from version
n to n+1, and says who made that change, when and why. The state after the last
change is the live row. A record without a live row was deleted by the change
that its last row describes.

The key of a record is k1, k2, … in the types of the table's columns.

A converted deletion takes a version of its own, which Python chrononaut does
not know: it numbers the rows of a key that is inserted again as if there were
none. They are converted to versions as many higher as there are deletions
before them. Their mark, the id of imported, has Python's version.
*/ -}}
{{- define "converted"}}a.extra_info #>> '{imported,from}' = {{literal .Source}}{{end -}}
{{- define "foreign"}}a.extra_info #>> '{imported,from}' IS DISTINCT FROM {{literal .Source}}{{end -}}
{{- /* The first of the values that the tables p0, p1 … of the chain have. */ -}}
{{- define "chain_live"}}coalesce({{range $i, $t := .Chain}}{{if $t.LiveVersion}}p{{$i}}.version, {{end}}{{end}}NULL)::integer{{end -}}
{{- define "chain_live_created"}}coalesce({{range $i, $t := .Chain}}{{if $t.LiveCreated}}p{{$i}}.created, {{end}}{{end}}NULL)::timestamptz{{end -}}
{{- define "chain_created"}}coalesce({{range $i, $t := .Chain}}{{if $t.HistoryCreated}}p{{$i}}.created, {{end}}{{end}}NULL)::timestamptz{{end -}}
{{- define "chain_changed"}}coalesce({{range $i, $t := .Chain}}{{if $t.HistoryChanged}}p{{$i}}.changed, {{end}}{{end}}NULL)::timestamptz{{end -}}
{{- define "chain_info"}}coalesce({{range $i, $t := .Chain}}{{if $t.HistoryInfo}}p{{$i}}.info, {{end}}{{end}}NULL)::jsonb{{end -}}
{{- /* Farther tables first: the nearest has the say. */ -}}
{{- define "chain_image"}}{{range .Parents}}coalesce(p{{.Place}}.image, '{}') || {{end}}p0.image{{end -}}
{{- define "history_columns"}}
               {{if .HistoryChanged}}r.changed::timestamptz AS changed, {{end -}}
               {{- /* SQLAlchemy writes None as a JSON null: what is no object says nothing. */ -}}
               {{if .HistoryInfo}}CASE WHEN pg_catalog.jsonb_typeof(r.change_info::jsonb) = 'object' THEN r.change_info::jsonb END AS info, {{end -}}
               {{if .HistoryCreated}}r.{{ident .Created}}::timestamptz AS created, {{end -}}
               {{.HistoryImage}} AS image
{{- end -}}
{{- define "live_columns"}}
               {{if .LiveVersion}}r.version AS version, {{end -}}
               {{if .LiveCreated}}r.{{ident .Created}}::timestamptz AS created, {{end -}}
               {{.LiveImage}} AS image
{{- end -}}

{{- /* Converts the next $1 records, or all when $1 is NULL. */ -}}
{{- define "chunk" -}}
WITH keys AS MATERIALIZED (
    SELECT *
      FROM ((SELECT {{.LiveKeys}}
               FROM {{.Main.Live}} AS r
              WHERE {{.PastLive}}
{{- if .Update}}
                -- History does not know it, or only until its deletion.
                AND coalesce((SELECT a.operation = 'delete' AND {{template "converted" .}}
                                FROM {{schema}}.chrononaut_activity AS a
                               WHERE {{.AboutLive}}
                               ORDER BY a.version DESC LIMIT 1), true)
{{- end}}
              ORDER BY {{.KeyNames}}
              LIMIT $1::bigint)
            UNION
            (SELECT DISTINCT {{.HistoryKeys}}
               FROM {{.Main.History}} AS r
              WHERE {{.PastHistory}}
{{- if .Update}}
                -- The change that a row describes is not in history.
                AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                                 WHERE {{.AboutHistory}} AND a.version > coalesce(r.version, 0)
                                   AND CASE WHEN {{template "converted" .}} THEN a.extra_info #>> '{imported,id}' = (coalesce(r.version, 0) + 1)::text
                                            ELSE a.version = coalesce(r.version, 0) + 1 END)
{{- end}}
{{- if .FromText}}
                AND r.changed >= {{literal .FromText}}::timestamptz
{{- end}}
              ORDER BY {{.KeyNames}}
              LIMIT $1::bigint)) AS k
     ORDER BY {{.Keys "k"}}
     LIMIT $1::bigint
), main_old AS (
    SELECT k.*, coalesce(r.version, 0) AS v,
           {{- template "history_columns" .Main}}
      FROM keys AS k
      JOIN {{.Main.History}} AS r ON {{.OfHistory}}
), old AS (
    SELECT {{.Keys "p0"}}, p0.v, {{template "chain_changed" .}} AS changed, {{template "chain_info" .}} AS info,
           {{template "chain_created" .}} AS created, {{template "chain_image" .}} AS image
      FROM main_old AS p0
{{- range .Parents}}
      LEFT JOIN LATERAL (
        SELECT {{template "history_columns" .ConvertTable}}
          FROM (SELECT {{$.Keys "p0"}}) AS k
          JOIN {{.History}} AS r ON {{$.OfParent .ConvertTable}}
         WHERE r.version = p0.v
         LIMIT 1) AS p{{.Place}} ON true
{{- end}}
), main_live AS (
    SELECT k.*, {{template "live_columns" .Main}}
      FROM keys AS k
      JOIN {{.Main.Live}} AS r ON {{.OfLive}}
), live AS (
    SELECT {{.Keys "p0"}}, {{template "chain_live" .}} AS version, {{template "chain_live_created" .}} AS created, {{template "chain_image" .}} AS image
      FROM main_live AS p0
{{- range .Parents}}
      LEFT JOIN LATERAL (
        SELECT {{template "live_columns" .ConvertTable}}
          FROM (SELECT {{$.Keys "p0"}}) AS k
          JOIN {{.Live}} AS r ON {{$.OfParent .ConvertTable}}) AS p{{.Place}} ON true
{{- end}}
), last AS (
    SELECT DISTINCT ON ({{.Keys "o"}}) o.*
      FROM old AS o
     ORDER BY {{.Keys "o"}}, o.v DESC
), own AS (
    -- Records that history knows from elsewhere, under the versions that would be converted.
    SELECT {{.Keys "k"}}
      FROM keys AS k
      LEFT JOIN last AS l ON {{.Same "l" "k"}}
     WHERE EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                    WHERE {{.About "k"}}
                      AND a.version <= coalesce(l.v, 2147483647)
                      AND {{template "foreign" .}})
), deleted AS (
    -- The versions of the deletions that were converted before, and whether
    -- capture goes on from there.
    SELECT {{.Keys "k"}},
           pg_catalog.array_agg(a.version ORDER BY a.version) FILTER (WHERE a.operation = 'delete' AND {{template "converted" .}}) AS versions,
           pg_catalog.bool_or({{template "foreign" .}}) AS captured
      FROM keys AS k
      JOIN {{schema}}.chrononaut_activity AS a ON {{.About "k"}}
     GROUP BY {{.Keys "k"}}
    HAVING pg_catalog.bool_or(a.operation = 'delete' AND {{template "converted" .}})
), states AS (
    SELECT {{.Keys "o"}}, o.v, o.changed, o.info, o.created, o.image, false AS gone, false AS live FROM old AS o
    UNION ALL
    -- The live row comes after all the others, whatever its version says.
    SELECT {{.Keys "n"}}, CASE WHEN l.v IS NULL THEN coalesce(n.version, 0) ELSE greatest(coalesce(n.version, 0), l.v + 1) END,
           NULL, NULL, n.created, n.image, false, true
      FROM live AS n
      LEFT JOIN last AS l ON {{.Same "l" "n"}}
     WHERE NOT EXISTS (SELECT FROM deleted AS d WHERE {{.Same "d" "n"}} AND d.captured)
{{- if not .SeedCompatible}}
    UNION ALL
    SELECT {{.Keys "l"}}, l.v + 1, NULL, NULL, l.created, l.image, true, false
      FROM last AS l
     WHERE NOT EXISTS (SELECT FROM live AS n WHERE {{.Same "n" "l"}})
{{- end}}
), placed AS (
    SELECT s.*,
           (SELECT pg_catalog.count(*)
              FROM pg_catalog.unnest(d.versions) WITH ORDINALITY AS x (version, place)
             -- A deletion is not after itself.
             WHERE x.version - x.place + 1 <= CASE WHEN s.gone THEN s.v - 1 ELSE s.v END)::integer AS deletions
      FROM states AS s
      LEFT JOIN deleted AS d ON {{.Same "d" "s"}}
), ordered AS (
    SELECT s.*,
           pg_catalog.lag(s.v) OVER up AS before,
           s.deletions > pg_catalog.lag(s.deletions) OVER up AS again,
           pg_catalog.lag(s.changed) OVER up AS made,
           pg_catalog.lag(s.info) OVER up AS made_info,
           pg_catalog.max(s.changed) OVER (up ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest,
           pg_catalog.min(s.changed) OVER record AS earliest,
           pg_catalog.min(s.created) OVER record AS born,
           pg_catalog.bool_or(s.live) OVER record AS alive
      FROM placed AS s
     WHERE NOT EXISTS (SELECT FROM own WHERE {{.Same "own" "s"}})
    WINDOW record AS (PARTITION BY {{.Keys "s"}}),
           up AS (PARTITION BY {{.Keys "s"}} ORDER BY s.v, s.changed)
), told AS (
    SELECT o.*,
{{- if .SeedCompatible}}
           coalesce(o.info, '{}') AS who,
           CASE WHEN o.before IS NULL THEN coalesce(least(o.earliest, CASE WHEN o.alive THEN coalesce(o.born, pg_catalog.now()) END), pg_catalog.now())
                ELSE coalesce(o.made, o.latest, o.earliest, pg_catalog.now()) END AS at,
{{- else}}
           CASE WHEN o.before = o.v - 1 AND NOT o.again THEN o.made_info END AS who,
           -- When a record came to be is not recorded: its creation column says
           -- it, or else it was before the first change.
           CASE WHEN o.before IS NULL THEN coalesce(least(o.born, o.earliest - '1 microsecond'::interval), pg_catalog.now())
                WHEN o.again THEN coalesce(greatest(o.created, o.latest + '1 microsecond'::interval), pg_catalog.now())
                ELSE coalesce(o.made, o.latest, o.earliest, pg_catalog.now()) END AS at,
{{- end}}
           CASE WHEN o.gone THEN 'delete'
                WHEN o.again THEN CASE WHEN o.created > o.latest THEN 'insert' ELSE 'baseline' END
                WHEN o.before IS NULL AND o.v = 0 AND o.born IS NOT NULL THEN 'insert'
                -- The change before it is not known.
                WHEN o.before IS DISTINCT FROM o.v - 1 THEN 'baseline'
                ELSE 'update' END AS operation
      FROM ordered AS o
), recorded AS (
    INSERT INTO {{schema}}.chrononaut_activity
           (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user)
    SELECT {{literal .Name}}, t.at, t.v + t.deletions, {{.KeyObject "t"}},
           t.image || pg_catalog.jsonb_build_object({{literal .VersionColumn}}, t.v + t.deletions, 'version', t.v + t.deletions),
{{- if .SeedCompatible}}
           t.who - 'extra', coalesce(t.who -> 'extra', '{}')
{{- else}}
           '{"user_id": null, "remote_addr": null}'::jsonb
               || CASE WHEN t.who ? 'user_id' THEN pg_catalog.jsonb_build_object('user_id', t.who -> 'user_id') ELSE '{}' END
               || CASE WHEN t.who ? 'remote_addr' THEN pg_catalog.jsonb_build_object('remote_addr', t.who -> 'remote_addr') ELSE '{}' END,
           coalesce(t.who - '{user_id,remote_addr,extra}'::text[], '{}')
               || CASE WHEN pg_catalog.jsonb_typeof(t.who -> 'extra') = 'object' THEN t.who -> 'extra' ELSE '{}' END
{{- end}}
               || pg_catalog.jsonb_build_object('imported', pg_catalog.jsonb_build_object('from', {{literal .Source}}, 'id', t.v::text)),
           t.operation, {{literal .Schema}},
           -- The transaction and the role of the change are not known.
           NULL, NULL
      FROM told AS t
     ORDER BY {{.Keys "t"}}, t.v
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT pg_catalog.count(*) FROM keys),
       (SELECT pg_catalog.count(*) FROM told),
       (SELECT pg_catalog.count(*) FROM recorded),
       (SELECT pg_catalog.count(*) FROM own),
       (SELECT {{.KeyTexts "k"}}::text FROM keys AS k ORDER BY {{.Keys "k"}} OFFSET greatest((SELECT pg_catalog.count(*) FROM keys) - 1, 0) LIMIT 1)
{{end -}}

{{- /* How many records there are. */ -}}
{{- define "count" -}}
SELECT pg_catalog.count(*)
  FROM (SELECT {{.LiveKeys}} FROM {{.Main.Live}} AS r UNION SELECT {{.HistoryKeys}} FROM {{.Main.History}} AS r) AS k
{{end -}}

{{- /* What is there, and what looks wrong. */ -}}
{{- define "inspect" -}}
WITH old AS (
    SELECT {{.HistoryKeys}}, r.version, {{if .Main.HistoryChanged}}r.changed IS NULL{{else}}false{{end}} AS timeless
      FROM {{.Main.History}} AS r
), ordered AS (
    SELECT o.*, pg_catalog.lag(coalesce(o.version, 0)) OVER (PARTITION BY {{.Keys "o"}} ORDER BY coalesce(o.version, 0)) AS before
      FROM old AS o
), last AS (
    SELECT {{.Keys "o"}}, pg_catalog.max(coalesce(o.version, 0)) AS v FROM old AS o GROUP BY {{.Keys "o"}}
), live AS (
    SELECT {{.LiveKeys}}, {{if .Main.LiveVersion}}r.version{{else}}NULL::integer{{end}} AS version FROM {{.Main.Live}} AS r
), both_sides AS (
    SELECT l.v, n.version, n.k1 IS NOT NULL AS alive, l.k1 IS NOT NULL AS changed
      FROM last AS l
      FULL JOIN live AS n ON {{.Same "n" "l"}}
)
SELECT (SELECT pg_catalog.count(*) FROM both_sides),
       (SELECT pg_catalog.count(*) FROM old),
       (SELECT pg_catalog.count(*) FROM both_sides AS b WHERE NOT b.alive),
       (SELECT pg_catalog.count(*) FROM both_sides AS b WHERE NOT b.changed),
       (SELECT pg_catalog.count(*) FROM ordered AS o WHERE coalesce(o.version, 0) > coalesce(o.before, -1) + 1)
           + {{if .Main.LiveVersion}}(SELECT pg_catalog.count(*) FROM both_sides AS b WHERE b.alive AND b.changed AND b.version > b.v + 1){{else}}0{{end}},
       (SELECT pg_catalog.count(*) FROM ordered AS o WHERE coalesce(o.version, 0) = o.before),
       (SELECT pg_catalog.count(*) FROM old AS o WHERE o.version IS NULL),
       (SELECT pg_catalog.count(*) FROM old AS o WHERE o.timeless),
       {{if .Main.LiveVersion}}(SELECT pg_catalog.count(*) FROM both_sides AS b WHERE b.alive AND b.changed AND coalesce(b.version, 0) <= b.v){{else}}0::bigint{{end}}
{{end -}}

{{- /* Whether Python has written history of the table, or has converted it, without a schema. */ -}}
{{- define "python" -}}
SELECT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                WHERE a.table_schema IS NULL AND a.table_name = {{literal .Name}} AND a.operation IS NULL)
{{end -}}

{{- /*
Compares the tables with what history has, without the SQL that converts: the
values are read back out of history, one column at a time, and compared as text.
*/ -}}
{{- /* A value as history has it, as text: d is data, p the record read from it. */ -}}
{{- define "stored"}}CASE WHEN pg_catalog.jsonb_typeof(a.data -> {{literal .Name}}) = 'object' AND a.data -> {{literal .Name}} ? 'chrononaut:text'
                         THEN a.data -> {{literal .Name}} ->> 'chrononaut:text' ELSE s{{.Place}}.{{ident .Name}}::text END{{end -}}
{{- define "plain_data"}}(SELECT coalesce(pg_catalog.jsonb_object_agg(e.key, e.value), '{}') FROM pg_catalog.jsonb_each(a.data) AS e
                           WHERE NOT (pg_catalog.jsonb_typeof(e.value) = 'object' AND e.value ? 'chrononaut:text')){{end -}}
{{- define "verify" -}}
WITH main_old AS MATERIALIZED (
    SELECT {{.HistoryKeys}}, coalesce(r.version, 0) AS v, r AS p0,
           {{if .Main.HistoryChanged}}r.changed::timestamptz{{else}}NULL::timestamptz{{end}} AS changed,
           {{if .Main.HistoryInfo}}CASE WHEN pg_catalog.jsonb_typeof(r.change_info::jsonb) = 'object' THEN r.change_info::jsonb END{{else}}NULL::jsonb{{end}} AS info
      FROM {{.Main.History}} AS r
), old AS (
    SELECT {{.Keys "k"}}, k.v, ARRAY[{{range $i, $c := .Compared}}{{if $i}}, {{end}}{{if $c.Place}}(p{{$c.Place}}).{{else}}(k.p0).{{end}}{{ident $c.Name}}::text{{end}}]::text[] AS state,
           coalesce(k.changed{{range .Parents}}{{if .HistoryChanged}}, (p{{.Place}}).changed::timestamptz{{end}}{{end}}) AS changed,
           coalesce(k.info{{range .Parents}}{{if .HistoryInfo}}, (p{{.Place}}).change_info::jsonb{{end}}{{end}}) AS info
      FROM main_old AS k
{{- range .Parents}}
      LEFT JOIN {{.History}} AS p{{.Place}} ON {{$.Joined .}} AND p{{.Place}}.version = k.v
{{- end}}
), compared AS (
    SELECT o.v, o.state, o.changed, o.info, a.id, a.extra_info #>> '{imported,from}' AS source,
           ARRAY[{{range $i, $c := .Compared}}{{if $i}}, {{end}}{{template "stored" $c}}{{end}}]::text[] AS stored,
           next.id AS next_id, next.changed AS next_changed, next.user_info AS next_user, next.extra_info AS next_extra,
           a.user_info AS own_user, a.extra_info AS own_extra
      FROM old AS o
      LEFT JOIN LATERAL (
        SELECT a.* FROM {{schema}}.chrononaut_activity AS a
         WHERE {{.About "o"}} AND a.version >= o.v
           AND CASE WHEN {{template "converted" .}} THEN a.extra_info #>> '{imported,id}' = o.v::text AND a.operation <> 'delete'
                    ELSE a.version = o.v END
         ORDER BY a.version LIMIT 1) AS a ON true
{{- range $i, $t := .Chain}}
      LEFT JOIN LATERAL pg_catalog.jsonb_populate_record(NULL::{{$t.History}}, {{template "plain_data"}}) AS s{{$i}} ON true
{{- end}}
      LEFT JOIN LATERAL (
        SELECT a.* FROM {{schema}}.chrononaut_activity AS a
         WHERE {{.About "o"}} AND a.version > o.v
           AND {{template "converted" .}} AND a.extra_info #>> '{imported,id}' = (o.v + 1)::text
         ORDER BY a.version LIMIT 1) AS next ON true
), live AS (
    SELECT {{.LiveKeys}} FROM {{.Main.Live}} AS r
), unseen AS (
    SELECT pg_catalog.count(*) AS n FROM live AS k
     -- A row that history has as deleted was inserted again unseen.
     WHERE coalesce((SELECT a.operation FROM {{schema}}.chrononaut_activity AS a
                      WHERE {{.About "k"}}
                      ORDER BY a.version DESC LIMIT 1), 'delete') IN ('delete', 'truncate')
), undeleted AS (
    SELECT pg_catalog.count(*) AS n
      FROM (SELECT {{.Keys "o"}}, pg_catalog.max(o.v) AS v FROM old AS o GROUP BY {{.Keys "o"}}) AS k
     WHERE NOT EXISTS (SELECT FROM live AS n WHERE {{.Same "n" "k"}})
       AND coalesce((SELECT a.operation FROM {{schema}}.chrononaut_activity AS a
                      WHERE {{.About "k"}}
                      ORDER BY a.version DESC LIMIT 1), 'insert') NOT IN ('delete', 'truncate')
)
SELECT pg_catalog.count(*),
       pg_catalog.count(*) FILTER (WHERE c.id IS NULL),
       pg_catalog.count(*) FILTER (WHERE c.stored IS DISTINCT FROM c.state AND c.id IS NOT NULL),
       pg_catalog.count(*) FILTER (WHERE c.id IS NOT NULL AND c.source IS NOT DISTINCT FROM {{literal .Source}}
{{- if .SeedCompatible}}
           AND (c.own_user IS DISTINCT FROM coalesce(c.info, '{}') - 'extra')
{{- else}}
           AND (c.next_id IS NOT NULL AND (c.changed IS NOT NULL AND c.next_changed <> c.changed
                OR c.next_user ->> 'user_id' IS DISTINCT FROM c.info ->> 'user_id'
                OR c.next_user ->> 'remote_addr' IS DISTINCT FROM c.info ->> 'remote_addr'
                OR NOT c.next_extra @> CASE WHEN pg_catalog.jsonb_typeof(c.info -> 'extra') = 'object' THEN c.info -> 'extra' ELSE '{}' END))
{{- end}}),
       (SELECT n FROM unseen),
       {{if .SeedCompatible}}0::bigint{{else}}(SELECT n FROM undeleted){{end}},
       coalesce(pg_catalog.sum(pg_catalog.hashtextextended(c.state::text, 0)::numeric), 0)::text,
       coalesce(pg_catalog.sum(pg_catalog.hashtextextended(c.stored::text, 0)::numeric) FILTER (WHERE c.id IS NOT NULL), 0)::text
  FROM compared AS c
{{end -}}

{{- /* How far a conversion in chunks is. */ -}}
{{- define "place" -}}
SELECT s.value::text FROM {{schema}}.chrononaut_setting AS s WHERE s.name = $1::text FOR UPDATE
{{end -}}
{{- define "save_place" -}}
INSERT INTO {{schema}}.chrononaut_setting (name, value) VALUES ($1::text, $2::jsonb)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
{{end -}}
{{- define "forget_place" -}}
DELETE FROM {{schema}}.chrononaut_setting AS s WHERE s.name = $1::text
{{end -}}
