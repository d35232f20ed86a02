CREATE TRIGGER main."chrononaut_todos_suppressed" AFTER INSERT ON "todos"
WHEN (SELECT suppressed FROM chrononaut_context)
 AND NEW."version" IS NOT NULL
BEGIN
    -- chrononaut generation 5, checksum b2883bf090f270f3
    -- No version: the first change that is captured records this state.
    UPDATE "todos" SET "version" = NULL
     WHERE "todos"."id" = NEW."id";
END;

CREATE TRIGGER main."chrononaut_todos_unrecorded_insert" AFTER INSERT ON "todos"
WHEN (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum f919c34db60a0800
    INSERT INTO "chrononaut_keys_todos" ("id")
    SELECT NEW."id"
     WHERE NOT EXISTS (SELECT 1 FROM "chrononaut_keys_todos" AS k WHERE k."id" = NEW."id");
    DELETE FROM chrononaut_unrecorded
     WHERE table_name = 'todos' AND key = '{"id":' || NEW."id" || '}' AND id = (SELECT max(id) FROM chrononaut_activity)
       AND (SELECT suppressed FROM chrononaut_context);
    INSERT INTO chrononaut_unrecorded (table_name, key, id, is_there)
    SELECT 'todos', '{"id":' || NEW."id" || '}', last.id, 1
      FROM (SELECT max(id) AS id FROM chrononaut_activity) AS last
     WHERE (SELECT suppressed FROM chrononaut_context);
END;

CREATE TRIGGER main."chrononaut_todos_unrecorded_delete" AFTER DELETE ON "todos"
WHEN (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum 87269e79bda27dcc
    DELETE FROM chrononaut_unrecorded
     WHERE table_name = 'todos' AND key = '{"id":' || OLD."id" || '}' AND id = (SELECT max(id) FROM chrononaut_activity)
       AND (SELECT suppressed FROM chrononaut_context);
    INSERT INTO chrononaut_unrecorded (table_name, key, id, is_there)
    SELECT 'todos', '{"id":' || OLD."id" || '}', last.id, 0
      FROM (SELECT max(id) AS id FROM chrononaut_activity) AS last
     WHERE (SELECT suppressed FROM chrononaut_context);
END;

CREATE TRIGGER main."chrononaut_todos_keep" AFTER UPDATE OF "version" ON "todos"
WHEN OLD."version" IS NOT NEW."version"
 AND NEW."version" IS NOT coalesce((SELECT iif(a.key = '{"id":' || NEW."id" || '}' AND a.table_name = 'todos', a.version, NULL) FROM chrononaut_activity AS a ORDER BY a.id DESC), (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = '{"id":' || NEW."id" || '}' ORDER BY a.version DESC), iif(coalesce(NEW."version" IN (coalesce(CAST(OLD."version" AS INTEGER), 0), coalesce(CAST(OLD."version" AS INTEGER), 0) + 1), 0), NEW."version", -1))
 AND NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum 84b9d866f5d13c9b
    -- A value in the version column says on which version the write is based.
    SELECT json_extract('{}', 'TM017: stale write to table main.todos: based on ' || coalesce('version ' || i.expected, 'no version')
               || ', the record is at version ' || i.actual || char(10) || '{"table_schema":"main","table_name":"todos","versions":["version"]' || ',"expected":' || coalesce(i.expected, 'null') || ',"actual":' || i.actual
               || ',"change":' || coalesce((SELECT a.id FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = i.key ORDER BY a.version DESC LIMIT 1), 'null')
               || ',"mine":[' || substr(i.mine, 2) || ']}')
      FROM (SELECT (SELECT '{"id":' || OLD."id" || '}') AS key, iif(typeof(NEW."version") = 'integer', NEW."version", NULL) AS expected,
                   coalesce(CAST(OLD."version" AS INTEGER), 0) AS actual, (SELECT '') AS mine
              FROM (SELECT NULL AS "title") AS new, (SELECT NULL AS "title") AS old
             WHERE OLD."version" IS NOT NEW."version"
               AND NOT coalesce(NEW."version" IN (coalesce(CAST(OLD."version" AS INTEGER), 0), coalesce(CAST(OLD."version" AS INTEGER), 0) + 1), 0)
               AND NOT (SELECT suppressed FROM chrononaut_context)
               -- Not what the triggers write into a row that history is ahead of.
               AND NOT coalesce(NEW."version" > coalesce(CAST(OLD."version" AS INTEGER), 0) AND NEW."version" <= (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = '{"id":' || NEW."id" || '}' ORDER BY a.version DESC), 0)
             LIMIT 1) AS i;
    -- The version is not the application's to change.
    UPDATE "todos" SET "version" = (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = '{"id":' || NEW."id" || '}' ORDER BY a.version DESC)
     WHERE "todos"."id" = NEW."id";
END;

CREATE TRIGGER main."chrononaut_todos_number_insert" AFTER INSERT ON "todos"
BEGIN
    -- chrononaut generation 5, checksum d2c300084d1a859f
    -- The version that the row has in history.
    UPDATE "todos"
       SET "version" = coalesce((SELECT iif(a.key = '{"id":' || NEW."id" || '}' AND a.table_name = 'todos', a.version, NULL) FROM chrononaut_activity AS a ORDER BY a.id DESC), (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = '{"id":' || NEW."id" || '}' ORDER BY a.version DESC))
     WHERE "todos"."id" = NEW."id"
       AND "version" IS NOT coalesce((SELECT iif(a.key = '{"id":' || NEW."id" || '}' AND a.table_name = 'todos', a.version, NULL) FROM chrononaut_activity AS a ORDER BY a.id DESC), iif((SELECT suppressed FROM chrononaut_context), NULL, (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = '{"id":' || NEW."id" || '}' ORDER BY a.version DESC)), "version");
END;

CREATE TRIGGER main."chrononaut_todos_number_update" AFTER UPDATE OF "id", "title", rowid, _rowid_, oid ON "todos"
BEGIN
    -- chrononaut generation 5, checksum faeb3062c0cf37dc
    -- The version that the row has in history: mostly the next one.
    UPDATE "todos"
       SET "version" = OLD."version" + 1
     WHERE "todos"."id" = NEW."id"
       AND "version" IS NOT OLD."version" + 1
       AND OLD."version" + 1 = (SELECT iif(a.key = '{"id":' || NEW."id" || '}' AND a.table_name = 'todos', a.version, NULL) FROM chrononaut_activity AS a ORDER BY a.id DESC);
    UPDATE "todos"
       SET "version" = coalesce((SELECT iif(a.key = '{"id":' || NEW."id" || '}' AND a.table_name = 'todos', a.version, NULL) FROM chrononaut_activity AS a ORDER BY a.id DESC), (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = '{"id":' || NEW."id" || '}' ORDER BY a.version DESC))
     WHERE changes() = 0
       AND "todos"."id" = NEW."id"
       AND "version" IS NOT coalesce((SELECT iif(a.key = '{"id":' || NEW."id" || '}' AND a.table_name = 'todos', a.version, NULL) FROM chrononaut_activity AS a ORDER BY a.id DESC), iif((SELECT suppressed FROM chrononaut_context), NULL, (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = '{"id":' || NEW."id" || '}' ORDER BY a.version DESC)), "version");
END;

CREATE TRIGGER main."chrononaut_todos_insert" AFTER INSERT ON "todos"
WHEN NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum d7252add5c6e2176
    -- A change that must say why, and does not.
    SELECT RAISE(ABORT, 'TM001: table todos is strict and the transaction carries no change information')
     WHERE (SELECT strict AND NOT attributed AND NOT suppressed FROM chrononaut_context);
    INSERT INTO "chrononaut_keys_todos" ("id")
    SELECT NEW."id"
     WHERE NOT EXISTS (SELECT 1 FROM "chrononaut_keys_todos" AS k WHERE k."id" = NEW."id");
    -- The row as it is in the table now: triggers of the application may have
    -- changed it again, which then is in history already.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT 'todos', i.last + 1, i.key, i.image || ',"version":' || (i.last + 1) || '}',
           c.user_info, (SELECT iif(json_extract(c.context, '$.operation') = 'restore' AND json_type(c.extra_info, '$.rationale') IS NOT NULL, json_set(x.extra_info, '$.restore.operation', 'insert'), x.extra_info)
              FROM (SELECT CASE WHEN c.records IS NULL AND i.hidden = '' THEN c.extra_info
                ELSE (SELECT '{' || group_concat(json_quote(e.name) || ':' || e.value, ',') || '}'
                        FROM (SELECT e.name, e.value, max(e.rank)
                                FROM (SELECT z.key AS name, coalesce(c.extra_info -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END) AS value, 0 AS rank FROM json_each(c.extra_info) AS z
                                      UNION ALL
                                      SELECT z.key, coalesce(x.value -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END), 1 + x.key
                                        FROM json_each(c.records) AS x, json_each(x.value, '$.extra_info') AS z
                                       WHERE x.value ->> '$.table_name' = 'todos' COLLATE NOCASE
                        AND coalesce(x.value ->> '$.table_schema', 'main') = 'main'
                        AND (SELECT count(*) FROM json_each(x.value, '$.key')) = 1
                        AND (SELECT y.atom FROM json_each(x.value, '$.key') AS y WHERE y.key = 'id' COLLATE NOCASE) IS CASE typeof(NEW."id") WHEN 'blob' THEN '\x' || lower(hex(NEW."id")) ELSE NEW."id" END
                                      UNION ALL
                                      SELECT 'hidden_cols_changed', '[' || substr(i.hidden, 2) || ']', 1e9 WHERE i.hidden <> '') AS e
                               GROUP BY e.name) AS e)
           END AS extra_info
                     LIMIT 1) AS x), iif(json_extract(c.context, '$.operation') = 'restore' AND json_type(c.extra_info, '$.rationale') IS NOT NULL, 'restore', 'insert'), c.transaction_id
      FROM (SELECT k.key, k.image, k.hidden, max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = k.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = k.key), -1)) AS last
              FROM (SELECT (SELECT '{"id":' || NEW."id" || '}') AS key,
                           (SELECT '{"id":' || r."id"
            || ',"title":' || iif(r."title" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."title")) || '"}', json_quote(r."title"))
                              FROM "todos" AS r WHERE r."id" = NEW."id") AS image,
                           (SELECT '') AS hidden
                      FROM (SELECT NULL AS "title") AS new, (SELECT NULL AS "title") AS r
                     LIMIT 1) AS k
             LIMIT 1) AS i, chrononaut_context AS c
     WHERE i.image IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM chrononaut_activity AS a
                        WHERE a.table_name = 'todos' AND a.key = i.key AND a.version = i.last
                          AND a.operation <> 'delete' AND a.data = i.image || ',"version":' || (i.last) || '}');
END;

CREATE TRIGGER main."chrononaut_todos_update" AFTER UPDATE OF "id", "title", rowid, _rowid_, oid ON "todos"
WHEN EXISTS (SELECT 1 FROM chrononaut_missed WHERE table_name = 'todos')
 AND (SELECT (SELECT NEW."id" IS NOT OLD."id" COLLATE BINARY
        OR NEW."title" IS NOT OLD."title" COLLATE BINARY)
        FROM (SELECT NULL AS "title") AS new, (SELECT NULL AS "title") AS old)
BEGIN
    -- chrononaut generation 5, checksum 1659686a2cc015ba
    DELETE FROM chrononaut_missed WHERE table_name = 'todos';
    -- A value in the version column says on which version the write is based.
    SELECT json_extract('{}', 'TM017: stale write to table main.todos: based on ' || coalesce('version ' || i.expected, 'no version')
               || ', the record is at version ' || i.actual || char(10) || '{"table_schema":"main","table_name":"todos","versions":["version"]' || ',"expected":' || coalesce(i.expected, 'null') || ',"actual":' || i.actual
               || ',"change":' || coalesce((SELECT a.id FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = i.key ORDER BY a.version DESC LIMIT 1), 'null')
               || ',"mine":[' || substr(i.mine, 2) || ']}')
      FROM (SELECT (SELECT '{"id":' || OLD."id" || '}') AS key, iif(typeof(NEW."version") = 'integer', NEW."version", NULL) AS expected,
                   coalesce(CAST(OLD."version" AS INTEGER), 0) AS actual, (SELECT iif((NEW."id" IS NOT OLD."id" COLLATE BINARY OR typeof(NEW."id") <> typeof(OLD."id")), ',"id"', '')
            || iif((NEW."title" IS NOT OLD."title" COLLATE BINARY OR typeof(NEW."title") <> typeof(OLD."title")), ',"title"', '')) AS mine
              FROM (SELECT NULL AS "title") AS new, (SELECT NULL AS "title") AS old
             WHERE OLD."version" IS NOT NEW."version"
               AND NOT coalesce(NEW."version" IN (coalesce(CAST(OLD."version" AS INTEGER), 0), coalesce(CAST(OLD."version" AS INTEGER), 0) + 1), 0)
               AND NOT (SELECT suppressed FROM chrononaut_context)
             LIMIT 1) AS i;
    -- A change that must say why, and does not.
    SELECT RAISE(ABORT, 'TM001: table todos is strict and the transaction carries no change information')
     WHERE (SELECT strict AND NOT attributed AND NOT suppressed FROM chrononaut_context);
    -- The state before the first recorded change of a row that was there before
    -- tracking began.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation)
    SELECT 'todos', i.version, i.key, i.image || ',"version":' || (i.version) || '}',
           '{"user_id":null,"remote_addr":null}', 'baseline'
      FROM (SELECT (SELECT '{"id":' || OLD."id" || '}') AS key,
                   (SELECT coalesce(CAST(OLD."version" AS INTEGER), 0)) AS version,
                   (SELECT '{"id":' || OLD."id"
            || ',"title":' || iif(OLD."title" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."title")) || '"}', json_quote(OLD."title"))) AS image
              FROM (SELECT NULL AS "title") AS old
             WHERE NOT (SELECT suppressed FROM chrononaut_context)
               AND (SELECT max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = (SELECT '{"id":' || OLD."id" || '}')), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = (SELECT '{"id":' || OLD."id" || '}')), -1))) < 0
             LIMIT 1) AS i;
    INSERT INTO "chrononaut_keys_todos" ("id")
    SELECT NEW."id"
     WHERE NOT EXISTS (SELECT 1 FROM "chrononaut_keys_todos" AS k WHERE k."id" = NEW."id");
    DELETE FROM chrononaut_unrecorded
     WHERE table_name = 'todos' AND key = '{"id":' || OLD."id" || '}' AND id = (SELECT max(id) FROM chrononaut_activity)
       AND (SELECT suppressed FROM chrononaut_context);
    INSERT INTO chrononaut_unrecorded (table_name, key, id, is_there)
    SELECT 'todos', '{"id":' || OLD."id" || '}', last.id, 0
      FROM (SELECT max(id) AS id FROM chrononaut_activity) AS last
     WHERE (SELECT suppressed FROM chrononaut_context);
    DELETE FROM chrononaut_unrecorded
     WHERE table_name = 'todos' AND key = '{"id":' || NEW."id" || '}' AND id = (SELECT max(id) FROM chrononaut_activity)
       AND (SELECT suppressed FROM chrononaut_context);
    INSERT INTO chrononaut_unrecorded (table_name, key, id, is_there)
    SELECT 'todos', '{"id":' || NEW."id" || '}', last.id, 1
      FROM (SELECT max(id) AS id FROM chrononaut_activity) AS last
     WHERE (SELECT suppressed FROM chrononaut_context);
    -- The row as it is in the table now: triggers of the application may have
    -- changed it again, which then is in history already.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id, previous_key)
    SELECT 'todos', i.version, i.key, i.image || ',"version":' || (i.version) || '}',
           c.user_info, (SELECT iif(json_extract(c.context, '$.operation') = 'restore' AND json_type(c.extra_info, '$.rationale') IS NOT NULL, json_set(x.extra_info, '$.restore.operation', 'update'), x.extra_info)
              FROM (SELECT CASE WHEN c.records IS NULL AND i.hidden = '' THEN c.extra_info
                ELSE (SELECT '{' || group_concat(json_quote(e.name) || ':' || e.value, ',') || '}'
                        FROM (SELECT e.name, e.value, max(e.rank)
                                FROM (SELECT z.key AS name, coalesce(c.extra_info -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END) AS value, 0 AS rank FROM json_each(c.extra_info) AS z
                                      UNION ALL
                                      SELECT z.key, coalesce(x.value -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END), 1 + x.key
                                        FROM json_each(c.records) AS x, json_each(x.value, '$.extra_info') AS z
                                       WHERE x.value ->> '$.table_name' = 'todos' COLLATE NOCASE
                        AND coalesce(x.value ->> '$.table_schema', 'main') = 'main'
                        AND (SELECT count(*) FROM json_each(x.value, '$.key')) = 1
                        AND (SELECT y.atom FROM json_each(x.value, '$.key') AS y WHERE y.key = 'id' COLLATE NOCASE) IS CASE typeof(NEW."id") WHEN 'blob' THEN '\x' || lower(hex(NEW."id")) ELSE NEW."id" END
                                      UNION ALL
                                      SELECT 'hidden_cols_changed', '[' || substr(i.hidden, 2) || ']', 1e9 WHERE i.hidden <> '') AS e
                               GROUP BY e.name) AS e)
           END AS extra_info
                     LIMIT 1) AS x), iif(json_extract(c.context, '$.operation') = 'restore' AND json_type(c.extra_info, '$.rationale') IS NOT NULL, 'restore', 'update'), c.transaction_id, nullif(i.old_key, i.key)
      FROM (SELECT k.*, 1 + max(k.row_version, max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = k.old_key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = k.old_key), -1)), iif(k.key = k.old_key, -1, max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = k.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = k.key), -1)))) AS version
              FROM (SELECT (SELECT '{"id":' || NEW."id" || '}') AS key,
                           (SELECT '{"id":' || OLD."id" || '}') AS old_key,
                           (SELECT coalesce(CAST(OLD."version" AS INTEGER), 0)) AS row_version,
                           (SELECT '{"id":' || r."id"
            || ',"title":' || iif(r."title" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."title")) || '"}', json_quote(r."title"))
                              FROM "todos" AS r WHERE r."id" = NEW."id") AS image,
                           (SELECT '') AS hidden
                      FROM (SELECT NULL AS "title") AS new, (SELECT NULL AS "title") AS old, (SELECT NULL AS "title") AS r
                     LIMIT 1) AS k
             LIMIT 1) AS i, chrononaut_context AS c
     WHERE NOT c.suppressed
       AND i.image IS NOT NULL
       AND (i.hidden <> '' OR i.key <> i.old_key
            OR NOT EXISTS (SELECT 1 FROM chrononaut_activity AS a
                            WHERE a.table_name = 'todos' AND a.key = i.key
                              AND a.version = max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = i.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = i.key), -1))
                              AND a.operation <> 'delete' AND a.data = i.image || ',"version":' || (a.version) || '}'));
END;

CREATE TRIGGER main."chrononaut_todos_short_update" AFTER UPDATE OF "id", "title", rowid, _rowid_, oid ON "todos"
BEGIN
    -- chrononaut generation 5, checksum 3f8a6f3291061dee
    -- The short way, for what is mostly the case: the key stays, history knows the
    -- row in the state before and nothing later, so that nobody has changed it
    -- meanwhile, and the context has nothing to say of single records. VALUES and no
    -- SELECT, because SQLite puts the rows of that aside first; what is not to be
    -- recorded says so.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    VALUES ('todos', OLD."version" + 1, '{"id":' || OLD."id" || '}',
            coalesce(CASE WHEN NEW."id" = OLD."id" COLLATE BINARY
                           AND NEW."version" IN (OLD."version", OLD."version" + 1)
                           AND OLD."version" = (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = '{"id":' || OLD."id" || '}' ORDER BY a.version DESC)
                           AND NOT EXISTS (SELECT 1 FROM chrononaut_activity AS a
                                            WHERE a.table_name = 'todos' AND a.previous_key = '{"id":' || OLD."id" || '}'
                                              AND a.version > OLD."version")
                          THEN (SELECT (SELECT (SELECT CASE WHEN (NEW."title" IS NOT OLD."title" COLLATE BINARY)
                                                    THEN json_object('id', NEW."id",
                'title', CASE WHEN NEW."title" < x'' THEN NEW."title" || '' WHEN NEW."title" IS NULL THEN NULL ELSE json('{"chrononaut:blob":"\\x' || lower(hex(NEW."title")) || '"}') END,
                'version', OLD."version" + 1) END)
                                          FROM (SELECT NULL AS "title") AS old)
                                  FROM (SELECT NULL AS "title") AS new) END, 'chrononaut:skip'),
            (SELECT short_user_info FROM chrononaut_context), (SELECT extra_info FROM chrononaut_context), 'update', (SELECT transaction_id FROM chrononaut_context));
    -- The rest is the next trigger's.
    INSERT INTO chrononaut_missed (table_name)
    SELECT 'todos'
     WHERE changes() = 0
       AND (SELECT (SELECT NEW."id" IS NOT OLD."id" COLLATE BINARY
        OR NEW."title" IS NOT OLD."title" COLLATE BINARY)
        FROM (SELECT NULL AS "title") AS new, (SELECT NULL AS "title") AS old);
END;

CREATE TRIGGER main."chrononaut_todos_replaced_update" AFTER UPDATE OF "id", rowid, _rowid_, oid ON "todos"
WHEN EXISTS (SELECT 1 FROM chrononaut_replaced WHERE table_name = 'todos')
 AND NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum 53fd70e56fece59b
    -- Rows that had to go for this one (OR REPLACE) have fired no trigger, unless
    -- recursive_triggers is on. First their state, if history does not know it. What
    -- was noted last of a row counts: max() says so for the columns beside it.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation)
    SELECT 'todos', coalesce(p.version, 0), p.key, p.data || ',"version":' || (coalesce(p.version, 0)) || '}',
           '{"user_id":null,"remote_addr":null}', 'baseline'
      FROM chrononaut_replaced AS p, (SELECT NULL AS "title") AS new
     WHERE p.table_name = 'todos'
       AND +p.cause IN ((SELECT 'rowid ' || NEW."id"))
       AND (p.key = '{"id":' || NEW."id" || '}'
            OR NOT EXISTS (SELECT 1 FROM "todos" AS r WHERE "id" = (json_extract(p.key, '$."id"')) AND '{"id":' || r."id" || '}' = p.key))
               AND p.key <> (SELECT '{"id":' || OLD."id" || '}')
       AND max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = p.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = p.key), -1)) < 0
     GROUP BY p.key HAVING max(p.rowid);
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT 'todos', i.version, i.key, i.data || ',"version":' || (i.version) || '}',
           c.user_info, c.extra_info, 'delete', c.transaction_id
      FROM (SELECT p.key, p.data, 1 + max(coalesce(p.version, 0), max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = p.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = p.key), -1))) AS version
              FROM chrononaut_replaced AS p, (SELECT NULL AS "title") AS new
             WHERE p.table_name = 'todos'
               AND +p.cause IN ((SELECT 'rowid ' || NEW."id"))
               AND (p.key = '{"id":' || NEW."id" || '}'
            OR NOT EXISTS (SELECT 1 FROM "todos" AS r WHERE "id" = (json_extract(p.key, '$."id"')) AND '{"id":' || r."id" || '}' = p.key))
               AND p.key <> (SELECT '{"id":' || OLD."id" || '}')
             GROUP BY p.key HAVING max(p.rowid)
             LIMIT -1) AS i, chrononaut_context AS c;
    DELETE FROM chrononaut_replaced
     WHERE table_name = 'todos';
END;

CREATE TRIGGER main."chrononaut_todos_replaced_insert" AFTER INSERT ON "todos"
WHEN EXISTS (SELECT 1 FROM chrononaut_replaced WHERE table_name = 'todos')
 AND NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum aceca1fa90c3eb69
    -- Rows that had to go for this one (OR REPLACE) have fired no trigger, unless
    -- recursive_triggers is on. First their state, if history does not know it. What
    -- was noted last of a row counts: max() says so for the columns beside it.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation)
    SELECT 'todos', coalesce(p.version, 0), p.key, p.data || ',"version":' || (coalesce(p.version, 0)) || '}',
           '{"user_id":null,"remote_addr":null}', 'baseline'
      FROM chrononaut_replaced AS p, (SELECT NULL AS "title") AS new
     WHERE p.table_name = 'todos'
       AND +p.cause IN ((SELECT 'rowid ' || NEW."id"))
       AND (p.key = '{"id":' || NEW."id" || '}'
            OR NOT EXISTS (SELECT 1 FROM "todos" AS r WHERE "id" = (json_extract(p.key, '$."id"')) AND '{"id":' || r."id" || '}' = p.key))
       AND max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = p.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = p.key), -1)) < 0
     GROUP BY p.key HAVING max(p.rowid);
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT 'todos', i.version, i.key, i.data || ',"version":' || (i.version) || '}',
           c.user_info, c.extra_info, 'delete', c.transaction_id
      FROM (SELECT p.key, p.data, 1 + max(coalesce(p.version, 0), max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = p.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = p.key), -1))) AS version
              FROM chrononaut_replaced AS p, (SELECT NULL AS "title") AS new
             WHERE p.table_name = 'todos'
               AND +p.cause IN ((SELECT 'rowid ' || NEW."id"))
               AND (p.key = '{"id":' || NEW."id" || '}'
            OR NOT EXISTS (SELECT 1 FROM "todos" AS r WHERE "id" = (json_extract(p.key, '$."id"')) AND '{"id":' || r."id" || '}' = p.key))
             GROUP BY p.key HAVING max(p.rowid)
             LIMIT -1) AS i, chrononaut_context AS c;
    DELETE FROM chrononaut_replaced
     WHERE table_name = 'todos';
END;

CREATE TRIGGER main."chrononaut_todos_delete" AFTER DELETE ON "todos"
WHEN NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum dc2e2dcfedbff36d
    -- A change that must say why, and does not.
    SELECT RAISE(ABORT, 'TM001: table todos is strict and the transaction carries no change information')
     WHERE (SELECT strict AND NOT attributed AND NOT suppressed FROM chrononaut_context);
    -- The state before the first recorded change of a row that was there before
    -- tracking began.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation)
    SELECT 'todos', i.version, i.key, i.image || ',"version":' || (i.version) || '}',
           '{"user_id":null,"remote_addr":null}', 'baseline'
      FROM (SELECT (SELECT '{"id":' || OLD."id" || '}') AS key,
                   (SELECT coalesce(CAST(OLD."version" AS INTEGER), 0)) AS version,
                   (SELECT '{"id":' || OLD."id"
            || ',"title":' || iif(OLD."title" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."title")) || '"}', json_quote(OLD."title"))) AS image
              FROM (SELECT NULL AS "title") AS old
             WHERE NOT (SELECT suppressed FROM chrononaut_context)
               AND (SELECT max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = (SELECT '{"id":' || OLD."id" || '}')), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = (SELECT '{"id":' || OLD."id" || '}')), -1))) < 0
             LIMIT 1) AS i;
    -- Unless a trigger of the application has put the row back.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT 'todos', i.version, i.key, i.image || ',"version":' || (i.version) || '}',
           c.user_info, CASE WHEN c.records IS NULL AND i.hidden = '' THEN c.extra_info
                ELSE (SELECT '{' || group_concat(json_quote(e.name) || ':' || e.value, ',') || '}'
                        FROM (SELECT e.name, e.value, max(e.rank)
                                FROM (SELECT z.key AS name, coalesce(c.extra_info -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END) AS value, 0 AS rank FROM json_each(c.extra_info) AS z
                                      UNION ALL
                                      SELECT z.key, coalesce(x.value -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END), 1 + x.key
                                        FROM json_each(c.records) AS x, json_each(x.value, '$.extra_info') AS z
                                       WHERE x.value ->> '$.table_name' = 'todos' COLLATE NOCASE
                        AND coalesce(x.value ->> '$.table_schema', 'main') = 'main'
                        AND (SELECT count(*) FROM json_each(x.value, '$.key')) = 1
                        AND (SELECT y.atom FROM json_each(x.value, '$.key') AS y WHERE y.key = 'id' COLLATE NOCASE) IS CASE typeof(OLD."id") WHEN 'blob' THEN '\x' || lower(hex(OLD."id")) ELSE OLD."id" END
                                      UNION ALL
                                      SELECT 'hidden_cols_changed', '[' || substr(i.hidden, 2) || ']', 1e9 WHERE i.hidden <> '') AS e
                               GROUP BY e.name) AS e)
           END, 'delete', c.transaction_id
      FROM (SELECT k.*, 1 + max(k.row_version, max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.key = k.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'todos' AND a.previous_key = k.key), -1))) AS version
              FROM (SELECT (SELECT '{"id":' || OLD."id" || '}') AS key,
                           (SELECT coalesce(CAST(OLD."version" AS INTEGER), 0)) AS row_version,
                           (SELECT '{"id":' || OLD."id"
            || ',"title":' || iif(OLD."title" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."title")) || '"}', json_quote(OLD."title"))) AS image,
                           '' AS hidden
                      FROM (SELECT NULL AS "title") AS old
                     LIMIT 1) AS k
             LIMIT 1) AS i, chrononaut_context AS c
     WHERE NOT EXISTS (SELECT 1 FROM "todos" AS r WHERE r."id" = OLD."id");
    DELETE FROM chrononaut_replaced
     WHERE table_name = 'todos' AND key = '{"id":' || OLD."id" || '}';
END;

CREATE TRIGGER main."chrononaut_todos_note_insert" BEFORE INSERT ON "todos"
WHEN NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum 7d4486eeab2579a0
    -- Rows that this one excludes. If it is put in their place (OR REPLACE), the
    -- insert trigger finds them here; nothing else tells it about them.
    -- What others have left.
    DELETE FROM chrononaut_replaced
     WHERE table_name = 'todos';
    INSERT INTO chrononaut_replaced (table_name, cause, key, version, data, statement)
    SELECT 'todos', i.cause, i.key, i.version, i.data, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
      FROM (SELECT (SELECT 'rowid ' || NEW."id") AS cause,
                   (SELECT '{"id":' || r."id" || '}' FROM "todos" AS r WHERE r."id" = NEW."id") AS key,
                   (SELECT r."version" FROM "todos" AS r WHERE r."id" = NEW."id") AS version,
                   (SELECT (SELECT '{"id":' || p."id"
            || ',"title":' || iif(p."title" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."title")) || '"}', json_quote(p."title"))
                              FROM "todos" AS p WHERE p."id" = r."id")
                      FROM "todos" AS r WHERE r."id" = NEW."id") AS data
              FROM (SELECT NULL AS "title") AS new, (SELECT NULL AS "title") AS r, (SELECT NULL AS "title") AS p
             WHERE EXISTS (SELECT 1 FROM "todos" AS r WHERE r."id" = NEW."id")
             LIMIT 1) AS i
     WHERE i.key IS NOT NULL;
END;

CREATE TRIGGER main."chrononaut_todos_note_update" BEFORE UPDATE OF "id", rowid, _rowid_, oid ON "todos"
WHEN NOT (SELECT suppressed FROM chrononaut_context)
 AND (SELECT (SELECT NEW."id" IS NOT OLD."id" COLLATE BINARY)
        FROM (SELECT NULL AS "title") AS new, (SELECT NULL AS "title") AS old)
BEGIN
    -- chrononaut generation 5, checksum ceacf8b65eb3f8a5
    -- Other rows that the new values exclude: see the trigger for INSERT.
    -- What others have left.
    DELETE FROM chrononaut_replaced
     WHERE table_name = 'todos';
    INSERT INTO chrononaut_replaced (table_name, cause, key, version, data, statement)
    SELECT 'todos', i.cause, i.key, i.version, i.data, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
      FROM (SELECT (SELECT 'rowid ' || NEW."id") AS cause,
                   (SELECT '{"id":' || r."id" || '}' FROM "todos" AS r WHERE r."id" = NEW."id" AND NOT (r."id" = OLD."id")) AS key,
                   (SELECT r."version" FROM "todos" AS r WHERE r."id" = NEW."id" AND NOT (r."id" = OLD."id")) AS version,
                   (SELECT (SELECT '{"id":' || p."id"
            || ',"title":' || iif(p."title" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."title")) || '"}', json_quote(p."title"))
                              FROM "todos" AS p WHERE p."id" = r."id")
                      FROM "todos" AS r WHERE r."id" = NEW."id" AND NOT (r."id" = OLD."id")) AS data
              FROM (SELECT NULL AS "title") AS new, (SELECT NULL AS "title") AS r, (SELECT NULL AS "title") AS p
             WHERE EXISTS (SELECT 1 FROM "todos" AS r WHERE r."id" = NEW."id" AND NOT (r."id" = OLD."id"))
             LIMIT 1) AS i
     WHERE i.key IS NOT NULL;
END;

