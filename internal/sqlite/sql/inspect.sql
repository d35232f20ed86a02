-- What the catalog says of the table ?1, as one JSON document.
SELECT json_object(
    'name', s.name,
    'kind', l.type,
    'sql', s.sql,
    'strict', l.strict,
    'without_rowid', l.wr,
    -- The tables that foreign keys write to when a row of this one is deleted.
    'acts', json((WITH RECURSIVE acting (child, parent) AS MATERIALIZED (
                      SELECT o.name, f."table" FROM pragma_table_list AS o JOIN pragma_foreign_key_list(o.name, 'main') AS f
                       WHERE o.schema = 'main' AND o.type = 'table' AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT')),
                  reached (name) AS (
                      SELECT a.child FROM acting AS a WHERE a.parent = ?1 COLLATE NOCASE
                       UNION
                      SELECT a.child FROM reached AS r JOIN acting AS a ON a.parent = r.name COLLATE NOCASE)
                  SELECT iif(count(*), 'true', 'false') FROM reached AS r
                   WHERE r.name = ?1 COLLATE NOCASE
                      OR EXISTS (SELECT 1 FROM main.sqlite_schema AS t
                                  WHERE t.type = 'trigger' AND t.tbl_name = r.name COLLATE NOCASE AND substr(t.name, 1, 11) <> 'chrononaut_'))),
    'columns', json((SELECT json_group_array(json_object(
                                'name', c.name, 'type', c.type, 'not_null', c."notnull",
                                'default', c.dflt_value, 'key', c.pk, 'hidden', c.hidden))
                       FROM (SELECT * FROM pragma_table_xinfo(s.name, 'main') ORDER BY cid) AS c)),
    'indexes', json((SELECT json_group_array(json_object(
                                'name', i.name, 'origin', i.origin, 'partial', i.partial,
                                'sql', (SELECT x.sql FROM main.sqlite_schema AS x WHERE x.type = 'index' AND x.name = i.name),
                                'columns', json((SELECT json_group_array(json_object('name', k.name, 'collation', k.coll))
                                                   FROM (SELECT * FROM pragma_index_xinfo(i.name, 'main') WHERE key ORDER BY seqno) AS k))))
                       FROM (SELECT * FROM pragma_index_list(s.name, 'main') WHERE "unique" ORDER BY name) AS i)),
    'triggers', json((SELECT json_group_array(json_object('name', t.name, 'position', t.rowid, 'sql', t.sql))
                        FROM (SELECT rowid, * FROM main.sqlite_schema
                               WHERE type = 'trigger' AND tbl_name = s.name COLLATE NOCASE ORDER BY rowid) AS t)))
  FROM main.sqlite_schema AS s
  JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = s.name
 WHERE s.type IN ('table', 'view') AND s.name = ?1 COLLATE NOCASE
