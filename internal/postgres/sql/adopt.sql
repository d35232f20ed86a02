{{- /* What there is of a history table that Python chrononaut made. */ -}}
{{define "shape" -}}
-- The table, as one JSON document; no row when there is none.
SELECT pg_catalog.jsonb_build_object(
    'kind', c.relkind,
    'inherits', EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE c.oid IN (i.inhparent, i.inhrelid)),
    'owned', pg_catalog.pg_has_role(c.relowner, 'USAGE'),
    'key', (SELECT pg_catalog.array_agg(a.attname ORDER BY a.attnum)
              FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::smallint[])
             WHERE i.indrelid = c.oid AND i.indisprimary),
    'columns', (SELECT pg_catalog.jsonb_object_agg(a.attname, pg_catalog.jsonb_build_object(
                    'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'required', a.attnotnull,
                    'default', coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), CASE WHEN a.attidentity <> '' THEN 'identity' END)))
                  FROM pg_catalog.pg_attribute AS a
                  LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'indexes', (SELECT coalesce(pg_catalog.jsonb_object_agg(x.relname, i.indisvalid AND i.indisready), '{}')
                  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
                 WHERE i.indrelid = c.oid),
    'rows', greatest(c.reltuples, 0))::text
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = {{literal rawSchema}} AND c.relname = 'chrononaut_activity'
{{- end}}
{{define "elsewhere" -}}
-- Other schemas that have such a table.
SELECT coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(n.nspname), ', ' ORDER BY n.nspname), '')
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relname = 'chrononaut_activity' AND c.relkind IN ('r', 'p')
{{- end}}
{{define "names" -}}
-- The tables that rows without a schema name, found by steps along an index,
-- and for each one of its newest rows.
WITH RECURSIVE names (name) AS (
    (SELECT a.table_name FROM {{schema}}.chrononaut_activity AS a WHERE a.table_schema IS NULL ORDER BY a.table_name LIMIT 1)
    UNION ALL
    SELECT (SELECT a.table_name FROM {{schema}}.chrononaut_activity AS a
             WHERE a.table_schema IS NULL AND a.table_name > n.name ORDER BY a.table_name LIMIT 1)
      FROM names AS n WHERE n.name IS NOT NULL
)
SELECT n.name, newest.key::text,
       pg_catalog.to_jsonb(ARRAY(SELECT pg_catalog.jsonb_object_keys(newest.data)))::text,
       -- Text that looks like a member of a Python enum, by attribute.
       coalesce((SELECT pg_catalog.jsonb_object_agg(m.attribute, m.members) FROM (
           SELECT e.key AS attribute, pg_catalog.jsonb_agg(DISTINCT e.value) AS members
             FROM (SELECT a.data FROM {{schema}}.chrononaut_activity AS a
                    WHERE a.table_schema IS NULL AND a.table_name = n.name ORDER BY a.id DESC LIMIT 1000) AS a,
                  LATERAL pg_catalog.jsonb_each_text(a.data) AS e
            WHERE e.value ~ '^[A-Za-z_][A-Za-z_0-9]*\.[A-Za-z_][A-Za-z_0-9]*$'
            GROUP BY e.key) AS m), '{}')::text
  FROM names AS n,
       LATERAL (SELECT a.key, a.data FROM {{schema}}.chrononaut_activity AS a
                 WHERE a.table_schema IS NULL AND a.table_name = n.name ORDER BY a.id DESC LIMIT 1) AS newest
 WHERE n.name IS NOT NULL
 ORDER BY n.name
{{- end}}
{{define "tables" -}}
-- The tables of a name ($1), those of the search path first.
SELECT n.nspname, pg_catalog.pg_table_is_visible(c.oid)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relname = $1::text AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
   AND NOT pg_catalog.starts_with(n.nspname, 'pg_') AND n.nspname <> 'information_schema'
 ORDER BY pg_catalog.pg_table_is_visible(c.oid) DESC, n.nspname
{{- end}}
{{define "parents" -}}
-- The table that the primary key of one ($1, $2) refers to with its own.
SELECT n.nspname, p.relname
  FROM pg_catalog.pg_constraint AS f
  JOIN pg_catalog.pg_class AS p ON p.oid = f.confrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.relnamespace
  JOIN pg_catalog.pg_index AS k ON k.indrelid = f.conrelid AND k.indisprimary
  JOIN pg_catalog.pg_index AS pk ON pk.indrelid = f.confrelid AND pk.indisprimary
 WHERE f.conrelid = pg_catalog.to_regclass(pg_catalog.quote_ident($1::text) || '.' || pg_catalog.quote_ident($2::text))
   AND f.contype = 'f' AND f.confrelid <> f.conrelid
   AND f.conkey @> k.indkey::smallint[] AND f.conkey <@ k.indkey::smallint[]
   AND f.confkey @> pk.indkey::smallint[] AND f.confkey <@ pk.indkey::smallint[]
 ORDER BY n.nspname, p.relname
{{- end}}
