-- What bringing rows back needs to know of the table $1.$2, as one JSON document.
WITH target AS (
    SELECT pg_catalog.to_regclass(pg_catalog.quote_ident($1::text) || '.' || pg_catalog.quote_ident($2::text))::pg_catalog.oid AS oid
), keys AS (
    SELECT c.oid, c.conname, c.conrelid, c.confrelid,
           pg_catalog.jsonb_build_object(
               'name', c.conname, 'deferrable', c.condeferrable, 'on_delete', c.confdeltype, 'on_update', c.confupdtype, 'match_full', c.confmatchtype = 'f',
               'table', pg_catalog.jsonb_build_object('schema', n.nspname, 'name', r.relname),
               'columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place)
                             FROM pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k (attnum, place)
                             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum),
               'parent', pg_catalog.jsonb_build_object('schema', fn.nspname, 'name', f.relname),
               'parent_columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place)
                                    FROM pg_catalog.unnest(c.confkey) WITH ORDINALITY AS k (attnum, place)
                                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.confrelid AND a.attnum = k.attnum)) AS document
      FROM target AS t
      JOIN pg_catalog.pg_constraint AS c ON c.contype = 'f' AND c.conparentid = 0 AND t.oid IN (c.conrelid, c.confrelid)
      JOIN pg_catalog.pg_class AS r ON r.oid = c.conrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
      JOIN pg_catalog.pg_class AS f ON f.oid = c.confrelid
      JOIN pg_catalog.pg_namespace AS fn ON fn.oid = f.relnamespace
)
SELECT pg_catalog.jsonb_build_object(
    'columns', (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                           'name', a.attname, 'not_null', a.attnotnull OR y.typnotnull,
                           'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'type_default', y.typdefault IS NOT NULL,
                           'identity', a.attidentity, 'generated', a.attgenerated <> '',
                           -- Values of these types are equal only when their texts are.
                           'exact', CASE WHEN a.atttypid IN ('pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype, 'pg_catalog.int8'::pg_catalog.regtype) THEN 'integer'
                                         WHEN a.atttypid IN ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype) THEN
                                              CASE WHEN o.collisdeterministic THEN 'text' ELSE '' END
                                         WHEN a.atttypid IN ('pg_catalog.uuid'::pg_catalog.regtype, 'pg_catalog.date'::pg_catalog.regtype, 'pg_catalog.bool'::pg_catalog.regtype) THEN y.typname
                                         ELSE '' END,
                           'scaled', CASE WHEN y.typbasetype = 0 THEN a.atttypid = 'pg_catalog.numeric'::pg_catalog.regtype AND a.atttypmod < 0
                                          ELSE y.typbasetype = 'pg_catalog.numeric'::pg_catalog.regtype AND y.typtypmod < 0 END,
                           'loose', CASE WHEN y.typbasetype = 0 THEN a.atttypid ELSE y.typbasetype END NOT IN ('pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype),
                           -- A value that no row has. Columns are also checked by what they are longest.
                           'aside', CASE WHEN a.atttypid IN ('pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype, 'pg_catalog.int8'::pg_catalog.regtype) THEN
                                              pg_catalog.format('(SELECT coalesce(pg_catalog.max(x.%I), 0) + 1 FROM %I.%I AS x) + k.n', a.attname, n.nspname, r.relname)
                                         WHEN a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype THEN 'pg_catalog.gen_random_uuid()'
                                         WHEN a.atttypid IN ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype) AND a.atttypmod < 0 THEN 'pg_catalog.gen_random_uuid()::text'
                                         ELSE '' END) ORDER BY a.attnum)
                  FROM pg_catalog.pg_attribute AS a
                  JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
                  JOIN pg_catalog.pg_class AS r ON r.oid = a.attrelid
                  JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
                  LEFT JOIN pg_catalog.pg_collation AS o ON o.oid = a.attcollation
                  LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated = ''
                 WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'refers', (SELECT coalesce(pg_catalog.jsonb_agg(k.document ORDER BY k.conname), '[]') FROM keys AS k WHERE k.conrelid = t.oid),
    'referred', (SELECT coalesce(pg_catalog.jsonb_agg(k.document ORDER BY k.conname), '[]') FROM keys AS k WHERE k.confrelid = t.oid),
    'uniques', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                           'name', c.relname, 'immediate', i.indimmediate,
                           -- Not a column of older versions.
                           'nulls_equal', coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
                           'columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place)
                                                            FROM pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
                                                            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                                                           WHERE k.place <= i.indnkeyatts)) ORDER BY c.relname), '[]')
                  FROM pg_catalog.pg_index AS i
                  JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
                 WHERE i.indrelid = t.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL),
    'triggers', (SELECT coalesce(pg_catalog.jsonb_agg(g.tgname ORDER BY g.tgname), '[]')
                   FROM pg_catalog.pg_trigger AS g
                   JOIN pg_catalog.pg_proc AS f ON f.oid = g.tgfoid
                   JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
                  WHERE g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') AND n.nspname <> {{literal rawSchema}})
)::text
  FROM target AS t
 WHERE t.oid IS NOT NULL
