-- Everything that tracking needs to know of one table, as one JSON document;
-- no row when there is no such table. $1 is the schema, or empty for the
-- search path, $2 the table. Its functions are found by the hash of the
-- table's name in theirs: see FunctionName.
WITH target AS MATERIALIZED (
    SELECT c.oid, c.relname, n.nspname, c.relkind, c.relpersistence, c.relispartition, c.reltuples,
           -- What the names of its functions have in them; computed once, not for each function there is.
           '_' || pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(
                      pg_catalog.convert_to(n.nspname, 'UTF8') || pg_catalog.decode('00', 'hex') || pg_catalog.convert_to(c.relname, 'UTF8')), 'hex'), 8) || '_' AS mark
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.oid = pg_catalog.to_regclass(CASE WHEN $1::text = '' THEN pg_catalog.quote_ident($2::text)
                                               ELSE pg_catalog.quote_ident($1::text) || '.' || pg_catalog.quote_ident($2::text) END)
), attributes AS (
    SELECT a.attname, a.attnum, a.atttypid, a.attgenerated,
           pg_catalog.row_number() OVER (ORDER BY a.attnum) AS ordinal,
           {{schema}}.key_type(a.atttypid, a.atttypmod) AS key_type,
           -- The type as it can be written under any search path.
           (SELECT CASE WHEN n.nspname = 'pg_catalog' THEN pg_catalog.format_type(a.atttypid, a.atttypmod)
                        ELSE pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(b.typname)
                             || coalesce(pg_catalog.substring(pg_catalog.format_type(a.atttypid, a.atttypmod), '[(].*[)]'), '') END
              FROM pg_catalog.pg_type AS b
              JOIN pg_catalog.pg_namespace AS n ON n.oid = b.typnamespace
             WHERE b.oid = a.atttypid) AS full_type,
           (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname)
              FROM pg_catalog.pg_collation AS c
              JOIN pg_catalog.pg_namespace AS n ON n.oid = c.collnamespace
              JOIN pg_catalog.pg_type AS b ON b.oid = a.atttypid
             WHERE c.oid = a.attcollation AND a.attcollation <> b.typcollation) AS collation,
           CASE WHEN a.attgenerated = 'v' THEN
                (SELECT pg_catalog.pg_get_expr(f.adbin, f.adrelid) FROM pg_catalog.pg_attrdef AS f WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum) END AS expression,
           pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
           {{schema}}.column_form(a.atttypid) AS form,
           {{schema}}.depends_on_settings(a.atttypid) AS pinned,
           {{schema}}.type_name(a.atttypid) AS type_name, {{schema}}.type_name({{schema}}.base_type(a.atttypid)) AS base_type,
           (SELECT coalesce(pg_catalog.jsonb_agg(g.attname), '[]')
              FROM pg_catalog.pg_depend AS d
              JOIN pg_catalog.pg_attrdef AS f ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
              JOIN pg_catalog.pg_attribute AS g ON g.attrelid = f.adrelid AND g.attnum = f.adnum AND g.attgenerated = 's'
             WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid
               AND d.refobjsubid = a.attnum AND g.attnum <> a.attnum) AS feeds
      FROM pg_catalog.pg_attribute AS a, target AS t
     WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
), tree AS (
    -- The table itself and, for a partitioned one, all its partitions.
    SELECT t.oid AS relid, 0 AS level FROM target AS t
    UNION
    SELECT p.relid::oid, p.level FROM target AS t, pg_catalog.pg_partition_tree(t.oid) AS p
     WHERE t.relkind = 'p'
)
SELECT pg_catalog.jsonb_build_object(
    'schema', t.nspname,
    'name', t.relname,
    'kind', t.relkind,
    'persistence', t.relpersistence,
    'is_partition', t.relispartition,
    'rows', greatest(t.reltuples, 0),
    'has_children', t.relkind <> 'p' AND EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = t.oid),
    'is_child', NOT t.relispartition AND EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = t.oid),
    'key', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.position)
              FROM pg_catalog.pg_index AS i,
                   LATERAL pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
              JOIN attributes AS a ON a.attnum = k.attnum
             WHERE i.indrelid = t.oid AND i.indisprimary AND k.position <= i.indnkeyatts),
    'columns', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                           'name', a.attname, 'attnum', a.attnum, 'ordinal', a.ordinal, 'type', a.type,
                           'type_name', a.type_name, 'base_type', a.base_type, 'form', a.form, 'pinned', a.pinned, 'generated', a.attgenerated <> '',
                           'virtual', a.attgenerated = 'v', 'feeds', a.feeds,
                           'key_type', a.key_type, 'full_type', a.full_type, 'collation', coalesce(a.collation, ''), 'expression', coalesce(a.expression, ''),
                           'missing', EXISTS (SELECT FROM tree AS s JOIN pg_catalog.pg_attribute AS m ON m.attrelid = s.relid
                                               WHERE m.attname = a.attname AND m.atthasmissing)) ORDER BY a.attnum)
                  FROM attributes AS a),
    'tables', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                          'schema', n.nspname, 'name', c.relname, 'level', s.level, 'kind', c.relkind,
                          'triggers', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                                                  'name', g.tgname, 'enabled', g.tgenabled, 'type', g.tgtype,
                                                  'conditional', g.tgqual IS NOT NULL OR g.tgattr::text <> '',
                                                  -- The definition has no E before a text with a backslash.
                                                  'of_partition', g.tgqual IS NOT NULL AND pg_catalog.strpos(pg_catalog.pg_get_triggerdef(g.oid),
                                                      ' WHEN ((pg_partition_root(''' || pg_catalog.replace(pg_catalog.replace(c.oid::pg_catalog.regclass::text, '''', ''''''),
                                                          pg_catalog.chr(92), pg_catalog.repeat(pg_catalog.chr(92), CASE pg_catalog.current_setting('standard_conforming_strings') WHEN 'on' THEN 1 ELSE 2 END))
                                                      || '''::regclass) IS NOT NULL)) ') > 0,
                                                  'old_rows', coalesce(g.tgoldtable, ''), 'new_rows', coalesce(g.tgnewtable, ''),
                                                  'function_schema', fn.nspname, 'function', f.proname) ORDER BY g.tgname), '[]')
                                         FROM pg_catalog.pg_trigger AS g
                                         JOIN pg_catalog.pg_proc AS f ON f.oid = g.tgfoid
                                         JOIN pg_catalog.pg_namespace AS fn ON fn.oid = f.pronamespace
                                        -- PostgreSQL 14 says of the clones on partitions that they are internal.
                                        WHERE g.tgrelid = c.oid AND (NOT g.tgisinternal OR fn.nspname = {{literal rawSchema}}))) ORDER BY s.level, n.nspname, c.relname)
                 FROM tree AS s
                 JOIN pg_catalog.pg_class AS c ON c.oid = s.relid
                 JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace),
    'functions', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                             'name', f.proname, 'source', f.prosrc, 'definer', f.prosecdef,
                             'config', pg_catalog.to_jsonb(coalesce(f.proconfig, '{}')),
                             'comment', pg_catalog.obj_description(f.oid, 'pg_proc'))), '[]')
                    FROM pg_catalog.pg_proc AS f
                    JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
                   WHERE n.nspname = {{literal rawSchema}} AND pg_catalog.strpos(f.proname, t.mark) > 0)
, 'key_deferred', EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = t.oid AND k.contype = 'p' AND k.condeferred)
, 'deferrable', EXISTS (SELECT FROM pg_catalog.pg_constraint AS f WHERE f.conrelid = t.oid AND f.contype = 'f' AND f.condeferrable)
, 'period', coalesce((
        SELECT pg_catalog.jsonb_build_object('registered', true, 'built', p.built IS NOT NULL,
                   'comment', pg_catalog.obj_description(r.relation, 'pg_class'),
                   'open', CASE WHEN r.relation IS NULL OR NOT pg_catalog.has_table_privilege(r.relation, 'SELECT') THEN 0 ELSE {{schema}}.period_open(p.table_schema, p.table_name) END,
                   'trigger', (SELECT g.tgenabled
                                 FROM pg_catalog.pg_trigger AS g
                                 JOIN pg_catalog.pg_proc AS f ON f.oid = g.tgfoid
                                 JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
                                WHERE g.tgrelid = {{literal (print schema ".chrononaut_activity")}}::pg_catalog.regclass
                                  AND g.tgname = p.follow_function AND f.proname = p.follow_function AND n.nspname = {{literal rawSchema}}))
          FROM {{schema}}.chrononaut_period AS p
         CROSS JOIN LATERAL (SELECT pg_catalog.to_regclass({{literal schema}} || '.' || pg_catalog.quote_ident(p.period_table)) AS relation) AS r
         WHERE p.table_schema = t.nspname AND p.table_name = t.relname), '{}')
, 'past', pg_catalog.jsonb_build_object(
        'schema', coalesce((SELECT s.past_schema FROM {{schema}}.chrononaut_past_schema AS s WHERE s.table_schema = t.nspname), ''),
        'comment', coalesce((SELECT pg_catalog.obj_description(pg_catalog.to_regclass(pg_catalog.quote_ident(s.past_schema) || '.' || pg_catalog.quote_ident(t.relname)), 'pg_class')
                      FROM {{schema}}.chrononaut_past_schema AS s WHERE s.table_schema = t.nspname), ''),
        'keys', coalesce((SELECT pg_catalog.obj_description(pg_catalog.to_regclass({{literal schema}} || '.' || pg_catalog.quote_ident(p.keys_table)), 'pg_class')
                   FROM {{schema}}.chrononaut_past AS p WHERE p.table_schema = t.nspname AND p.table_name = t.relname AND NOT p.unplaced), ''),
        'covered', {{schema}}.past_covers(t.nspname),
        -- Whether this role can make the view.
        'allowed', coalesce((SELECT pg_catalog.has_schema_privilege(n.oid, 'CREATE') AND pg_catalog.has_schema_privilege(u.oid, 'CREATE')
                               FROM {{schema}}.chrononaut_past_schema AS s
                               JOIN pg_catalog.pg_namespace AS n ON n.nspname = s.past_schema
                               JOIN pg_catalog.pg_namespace AS u ON u.nspname = s.untracked_schema
                              WHERE s.table_schema = t.nspname),
                            pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')),
        'shared', {{schema}}.past_shared(t.nspname, t.relname),
        'policy', {{schema}}.past_policy(t.oid))
)::text
  FROM target AS t
