CREATE TABLE "chrononaut_keys_todos" ("id" INTEGER PRIMARY KEY);

CREATE TEMP VIEW "todos" AS SELECT k."id" AS "id",
       (SELECT CASE json_type(a.data, '$."title"') WHEN 'object' THEN CASE WHEN json_extract(a.data, '$."title"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(a.data, '$."title"."chrononaut:blob"'), 3)) ELSE CASE json_extract(a.data, '$."title"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END WHEN 'integer' THEN CAST(json_extract(a.data, '$."title"') AS TEXT) WHEN 'real' THEN CAST(json_extract(a.data, '$."title"') AS TEXT) ELSE json_extract(a.data, '$."title"') END UNION ALL SELECT r."title" FROM main."todos" AS r WHERE 0) COLLATE "NOCASE" AS "title",
       (SELECT CASE json_type(a.data, '$."due"') WHEN 'object' THEN CASE WHEN json_extract(a.data, '$."due"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(a.data, '$."due"."chrononaut:blob"'), 3)) ELSE CASE json_extract(a.data, '$."due"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END WHEN 'text' THEN iif(CAST(CAST(json_extract(a.data, '$."due"') AS NUMERIC) AS TEXT) = json_extract(a.data, '$."due"'), CAST(json_extract(a.data, '$."due"') AS NUMERIC), json_extract(a.data, '$."due"')) ELSE json_extract(a.data, '$."due"') END UNION ALL SELECT r."due" FROM main."todos" AS r WHERE 0) AS "due",
       (SELECT CASE json_type(a.data, '$."version"') WHEN 'object' THEN CASE WHEN json_extract(a.data, '$."version"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(a.data, '$."version"."chrononaut:blob"'), 3)) ELSE CASE json_extract(a.data, '$."version"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END WHEN 'text' THEN iif(CAST(CAST(json_extract(a.data, '$."version"') AS NUMERIC) AS TEXT) = json_extract(a.data, '$."version"'), CAST(json_extract(a.data, '$."version"') AS NUMERIC), json_extract(a.data, '$."version"')) ELSE json_extract(a.data, '$."version"') END UNION ALL SELECT r."version" FROM main."todos" AS r WHERE 0) AS "version"
  FROM main."chrononaut_keys_todos" AS k
 CROSS JOIN main.chrononaut_activity AS a
    ON a.id = (SELECT b.id FROM main.chrononaut_activity AS b
          WHERE b.table_name = 'todos' AND b.key = '{"id":' || k."id" || '}' AND b.id <= 42
          ORDER BY b.version DESC LIMIT 1)
 WHERE a.operation NOT IN ('delete', 'truncate');

CREATE TABLE "chrononaut_keys_Odd ""name""" (chrononaut_key TEXT PRIMARY KEY NOT NULL, "b" NUMERIC COLLATE "RTRIM", "a'" BLOB) WITHOUT ROWID;

CREATE TEMP VIEW "Odd ""name""" AS SELECT k."b" AS "b",
       k."a'" AS "a'",
       (SELECT r."secret" FROM main."Odd ""name""" AS r WHERE 0) AS "secret",
       CASE json_type(a.data, '$."note"') WHEN 'object' THEN CASE WHEN json_extract(a.data, '$."note"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(a.data, '$."note"."chrononaut:blob"'), 3)) ELSE CASE json_extract(a.data, '$."note"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(a.data, '$."note"') END AS "note",
       (SELECT CASE json_type(a.data, '$."revision"') WHEN 'object' THEN CASE WHEN json_extract(a.data, '$."revision"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(a.data, '$."revision"."chrononaut:blob"'), 3)) ELSE CASE json_extract(a.data, '$."revision"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END WHEN 'text' THEN iif(CAST(CAST(json_extract(a.data, '$."revision"') AS NUMERIC) AS TEXT) = json_extract(a.data, '$."revision"'), CAST(json_extract(a.data, '$."revision"') AS NUMERIC), json_extract(a.data, '$."revision"')) ELSE json_extract(a.data, '$."revision"') END UNION ALL SELECT r."revision" FROM main."Odd ""name""" AS r WHERE 0) AS "revision"
  FROM main."chrononaut_keys_Odd ""name""" AS k
 CROSS JOIN main.chrononaut_activity AS a
    ON a.id = (SELECT CASE WHEN i.mark <= i.last THEN i.last
                 WHEN i.mark < 0 OR NOT (SELECT u.is_there FROM main.chrononaut_unrecorded AS u
                                          WHERE u.table_name = 'Odd "name"' AND u.key = k.chrononaut_key AND u.id = i.mark) THEN NULL
                 ELSE coalesce((SELECT n.id
                                  FROM (SELECT b.id, b.operation FROM main.chrononaut_activity AS b
                                         WHERE b.table_name = 'Odd "name"' AND b.key = k.chrononaut_key AND b.id > 42
                                         ORDER BY b.version LIMIT 1) AS n
                                 WHERE n.operation = 'baseline' AND n.id < 99
                                   AND NOT EXISTS (SELECT 1 FROM main.chrononaut_unrecorded AS u
                                                    WHERE u.table_name = 'Odd "name"' AND u.key = k.chrononaut_key AND u.id > 42 AND u.id < n.id)),
                               json_extract('{}', 'TM011: the state of a row of Odd "name" is not recorded' || substr(k.chrononaut_key, 1, 0)))
            END
           FROM (SELECT coalesce((SELECT c.id
           FROM (SELECT * FROM (SELECT b.id, b.version FROM main.chrononaut_activity AS b
                                 WHERE b.table_name = 'Odd "name"' AND b.key = k.chrononaut_key AND b.id <= 42
                                 ORDER BY b.version DESC LIMIT 1)
                 UNION ALL
                 SELECT * FROM (SELECT b.id, b.version FROM main.chrononaut_activity AS b
                                 WHERE b.table_name = 'Odd "name"' AND b.previous_key = k.chrononaut_key AND b.previous_key IS NOT NULL AND b.id <= 42
                                 ORDER BY b.version DESC LIMIT 1)) AS c
          ORDER BY c.version DESC, c.id DESC LIMIT 1), -1) AS last,
                        coalesce((SELECT max(u.id) FROM main.chrononaut_unrecorded AS u
                                   WHERE u.table_name = 'Odd "name"' AND u.key = k.chrononaut_key AND u.id <= 42), -1) AS mark) AS i)
 WHERE a.operation NOT IN ('delete', 'truncate')
   AND a.key = k.chrononaut_key;

