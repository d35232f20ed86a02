CREATE TRIGGER main."chrononaut_Odd ""name""_suppressed" AFTER INSERT ON "Odd ""name"""
WHEN (SELECT suppressed FROM chrononaut_context)
 AND NEW."revision" IS NOT NULL
BEGIN
    -- chrononaut generation 5, checksum bfa946eae0146f50
    -- No version: the first change that is captured records this state.
    UPDATE "Odd ""name""" SET "revision" = NULL
     WHERE "Odd ""name"""."b" = NEW."b" AND "Odd ""name"""."a'" = NEW."a'";
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_unrecorded_insert" AFTER INSERT ON "Odd ""name"""
WHEN (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum 40ce28a7a341aa96
    INSERT INTO "chrononaut_keys_Odd ""name""" (chrononaut_key, "b", "a'")
    SELECT '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}', NEW."b", NEW."a'"
     WHERE NOT EXISTS (SELECT 1 FROM "chrononaut_keys_Odd ""name""" AS k WHERE k.chrononaut_key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}');
    DELETE FROM chrononaut_unrecorded
     WHERE table_name = 'Odd "name"' AND key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}' AND id = (SELECT max(id) FROM chrononaut_activity)
       AND (SELECT suppressed FROM chrononaut_context);
    INSERT INTO chrononaut_unrecorded (table_name, key, id, is_there)
    SELECT 'Odd "name"', '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}', last.id, 1
      FROM (SELECT max(id) AS id FROM chrononaut_activity) AS last
     WHERE (SELECT suppressed FROM chrononaut_context);
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_unrecorded_update" AFTER UPDATE OF "b", "a'", "secret", "note", "email" ON "Odd ""name"""
WHEN (SELECT suppressed FROM chrononaut_context)
 AND (SELECT (SELECT NEW."b" IS NOT OLD."b" COLLATE BINARY
        OR NEW."a'" IS NOT OLD."a'" COLLATE BINARY
        OR typeof(NEW."a'") <> typeof(OLD."a'")
        OR NEW."email" IS NOT OLD."email" COLLATE BINARY
        OR NEW."secret" IS NOT OLD."secret" COLLATE BINARY
        OR typeof(NEW."secret") <> typeof(OLD."secret"))
        FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS old)
BEGIN
    -- chrononaut generation 5, checksum 175f1fd21e274821
    INSERT INTO "chrononaut_keys_Odd ""name""" (chrononaut_key, "b", "a'")
    SELECT '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}', NEW."b", NEW."a'"
     WHERE NOT EXISTS (SELECT 1 FROM "chrononaut_keys_Odd ""name""" AS k WHERE k.chrononaut_key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}');
    DELETE FROM chrononaut_unrecorded
     WHERE table_name = 'Odd "name"' AND key = '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}' AND id = (SELECT max(id) FROM chrononaut_activity)
       AND (SELECT suppressed FROM chrononaut_context);
    INSERT INTO chrononaut_unrecorded (table_name, key, id, is_there)
    SELECT 'Odd "name"', '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}', last.id, 0
      FROM (SELECT max(id) AS id FROM chrononaut_activity) AS last
     WHERE (SELECT suppressed FROM chrononaut_context);
    DELETE FROM chrononaut_unrecorded
     WHERE table_name = 'Odd "name"' AND key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}' AND id = (SELECT max(id) FROM chrononaut_activity)
       AND (SELECT suppressed FROM chrononaut_context);
    INSERT INTO chrononaut_unrecorded (table_name, key, id, is_there)
    SELECT 'Odd "name"', '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}', last.id, 1
      FROM (SELECT max(id) AS id FROM chrononaut_activity) AS last
     WHERE (SELECT suppressed FROM chrononaut_context);
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_unrecorded_delete" AFTER DELETE ON "Odd ""name"""
WHEN (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum 4b7a18cdaa6caf2e
    DELETE FROM chrononaut_unrecorded
     WHERE table_name = 'Odd "name"' AND key = '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}' AND id = (SELECT max(id) FROM chrononaut_activity)
       AND (SELECT suppressed FROM chrononaut_context);
    INSERT INTO chrononaut_unrecorded (table_name, key, id, is_there)
    SELECT 'Odd "name"', '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}', last.id, 0
      FROM (SELECT max(id) AS id FROM chrononaut_activity) AS last
     WHERE (SELECT suppressed FROM chrononaut_context);
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_keep" AFTER UPDATE OF "revision" ON "Odd ""name"""
WHEN NOT (SELECT suppressed FROM chrononaut_context)
 AND OLD."revision" IS NOT NEW."revision"
 AND NOT (SELECT (SELECT NEW."b" IS NOT OLD."b" COLLATE BINARY
        OR NEW."a'" IS NOT OLD."a'" COLLATE BINARY
        OR typeof(NEW."a'") <> typeof(OLD."a'")
        OR NEW."email" IS NOT OLD."email" COLLATE BINARY
        OR NEW."secret" IS NOT OLD."secret" COLLATE BINARY
        OR typeof(NEW."secret") <> typeof(OLD."secret"))
        FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS old)
 AND NEW."revision" IS NOT coalesce((SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}' ORDER BY a.version DESC), iif(coalesce(NEW."revision" IN (coalesce(CAST(OLD."revision" AS INTEGER), 0), coalesce(CAST(OLD."revision" AS INTEGER), 0) + 1), 0), NEW."revision", -1))
BEGIN
    -- chrononaut generation 5, checksum 351775bc797351ab
    -- A value in the version column says on which version the write is based.
    SELECT json_extract('{}', 'TM017: stale write to table main."Odd ""name""": based on ' || coalesce('version ' || i.expected, 'no version')
               || ', the record is at version ' || i.actual || char(10) || '{"table_schema":"main","table_name":"Odd \"name\"","versions":["revision","version"]' || ',"expected":' || coalesce(i.expected, 'null') || ',"actual":' || i.actual
               || ',"change":' || coalesce((SELECT a.id FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = i.key ORDER BY a.version DESC LIMIT 1), 'null')
               || ',"mine":[' || substr(i.mine, 2) || ']}')
      FROM (SELECT (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}') AS key, iif(typeof(NEW."revision") = 'integer', NEW."revision", NULL) AS expected,
                   coalesce(CAST(OLD."revision" AS INTEGER), 0) AS actual, (SELECT iif((NEW."secret" IS NOT OLD."secret" COLLATE BINARY OR typeof(NEW."secret") <> typeof(OLD."secret")), ',"secret"', '')
            || iif((NEW."note" IS NOT OLD."note" COLLATE BINARY OR typeof(NEW."note") <> typeof(OLD."note")), ',"note"', '')) AS mine
              FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS old
             WHERE OLD."revision" IS NOT NEW."revision"
               AND NOT coalesce(NEW."revision" IN (coalesce(CAST(OLD."revision" AS INTEGER), 0), coalesce(CAST(OLD."revision" AS INTEGER), 0) + 1), 0)
               AND NOT (SELECT suppressed FROM chrononaut_context)
               AND NOT EXISTS (SELECT 1 FROM chrononaut_numbering WHERE table_name = 'Odd "name"' AND statement = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
             LIMIT 1) AS i;
    -- The version is not the application's to change.
    UPDATE "Odd ""name""" SET "revision" = (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}' ORDER BY a.version DESC)
     WHERE "Odd ""name"""."b" = NEW."b" AND "Odd ""name"""."a'" = NEW."a'";
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_number_insert" AFTER INSERT ON "Odd ""name"""
WHEN NOT (SELECT suppressed FROM chrononaut_context)
 AND NOT EXISTS (SELECT 1 FROM chrononaut_numbering WHERE table_name = 'Odd "name"' AND statement = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
BEGIN
    -- chrononaut generation 5, checksum 9a8573a9dbdf5f04
    -- The version that the row has in history. This fires the application's
    -- UPDATE triggers, whose changes are in history then, but not numbered.
    DELETE FROM chrononaut_numbering WHERE table_name = 'Odd "name"';
    INSERT INTO chrononaut_numbering (table_name, statement) VALUES ('Odd "name"', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
    UPDATE "Odd ""name"""
       SET "revision" = (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}' ORDER BY a.version DESC), "change_info" = (SELECT CASE WHEN x.extra_info = '{}' THEN x.user_info ELSE json_set(x.user_info, '$.extra', json(x.extra_info)) END FROM chrononaut_context AS x), "changed" = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE "Odd ""name"""."b" = NEW."b" AND "Odd ""name"""."a'" = NEW."a'"
       AND "revision" IS NOT (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}' ORDER BY a.version DESC);
    -- The rows that those triggers have changed.
    UPDATE "Odd ""name"""
       SET "revision" = (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof("Odd ""name"""."a'") WHEN 'real' THEN CASE WHEN abs("Odd ""name"""."a'") = 9e999 THEN '{"chrononaut:real":"' || iif("Odd ""name"""."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote("Odd ""name"""."a'") AS REAL) = "Odd ""name"""."a'" THEN json_quote("Odd ""name"""."a'") ELSE printf('%!.17g', "Odd ""name"""."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex("Odd ""name"""."a'")) || '"}' ELSE json_quote("Odd ""name"""."a'") END || ',"b":' || iif("Odd ""name"""."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex("Odd ""name"""."b")) || '"}', json_quote("Odd ""name"""."b")) || '}' ORDER BY a.version DESC)
     WHERE ("b", "a'") IN (
               SELECT CASE json_type(b.key, '$."b"') WHEN 'object' THEN CASE WHEN json_extract(b.key, '$."b"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(b.key, '$."b"."chrononaut:blob"'), 3)) ELSE CASE json_extract(b.key, '$."b"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(b.key, '$."b"') END, CASE json_type(b.key, '$."a''"') WHEN 'object' THEN CASE WHEN json_extract(b.key, '$."a''"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(b.key, '$."a''"."chrononaut:blob"'), 3)) ELSE CASE json_extract(b.key, '$."a''"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(b.key, '$."a''"') END
                 FROM chrononaut_activity AS b
                WHERE b.table_name = 'Odd "name"' AND b.key <> '{}'
                  AND b.id > (SELECT a.id FROM "Odd ""name""" AS r, chrononaut_activity AS a
                               WHERE r."b" = NEW."b" AND r."a'" = NEW."a'"
                                 AND a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}' AND a.version = r."revision"))
       AND "revision" IS NOT (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof("Odd ""name"""."a'") WHEN 'real' THEN CASE WHEN abs("Odd ""name"""."a'") = 9e999 THEN '{"chrononaut:real":"' || iif("Odd ""name"""."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote("Odd ""name"""."a'") AS REAL) = "Odd ""name"""."a'" THEN json_quote("Odd ""name"""."a'") ELSE printf('%!.17g', "Odd ""name"""."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex("Odd ""name"""."a'")) || '"}' ELSE json_quote("Odd ""name"""."a'") END || ',"b":' || iif("Odd ""name"""."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex("Odd ""name"""."b")) || '"}', json_quote("Odd ""name"""."b")) || '}' ORDER BY a.version DESC);
    DELETE FROM chrononaut_numbering WHERE table_name = 'Odd "name"';
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_number_update" AFTER UPDATE OF "b", "a'", "secret", "note", "email" ON "Odd ""name"""
WHEN NOT (SELECT suppressed FROM chrononaut_context)
 AND NOT EXISTS (SELECT 1 FROM chrononaut_numbering WHERE table_name = 'Odd "name"' AND statement = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
 AND (SELECT (SELECT NEW."b" IS NOT OLD."b" COLLATE BINARY
        OR NEW."a'" IS NOT OLD."a'" COLLATE BINARY
        OR typeof(NEW."a'") <> typeof(OLD."a'")
        OR NEW."email" IS NOT OLD."email" COLLATE BINARY
        OR NEW."secret" IS NOT OLD."secret" COLLATE BINARY
        OR typeof(NEW."secret") <> typeof(OLD."secret"))
        FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS old)
BEGIN
    -- chrononaut generation 5, checksum 5cfea0e21f3314f3
    -- The version that the row has in history. This fires the application's
    -- UPDATE triggers, whose changes are in history then, but not numbered.
    DELETE FROM chrononaut_numbering WHERE table_name = 'Odd "name"';
    INSERT INTO chrononaut_numbering (table_name, statement) VALUES ('Odd "name"', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
    UPDATE "Odd ""name"""
       SET "revision" = (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}' ORDER BY a.version DESC), "change_info" = (SELECT CASE WHEN x.extra_info = '{}' THEN x.user_info ELSE json_set(x.user_info, '$.extra', json(x.extra_info)) END FROM chrononaut_context AS x), "changed" = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE "Odd ""name"""."b" = NEW."b" AND "Odd ""name"""."a'" = NEW."a'"
       AND "revision" IS NOT (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}' ORDER BY a.version DESC);
    -- The rows that those triggers have changed.
    UPDATE "Odd ""name"""
       SET "revision" = (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof("Odd ""name"""."a'") WHEN 'real' THEN CASE WHEN abs("Odd ""name"""."a'") = 9e999 THEN '{"chrononaut:real":"' || iif("Odd ""name"""."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote("Odd ""name"""."a'") AS REAL) = "Odd ""name"""."a'" THEN json_quote("Odd ""name"""."a'") ELSE printf('%!.17g', "Odd ""name"""."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex("Odd ""name"""."a'")) || '"}' ELSE json_quote("Odd ""name"""."a'") END || ',"b":' || iif("Odd ""name"""."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex("Odd ""name"""."b")) || '"}', json_quote("Odd ""name"""."b")) || '}' ORDER BY a.version DESC)
     WHERE ("b", "a'") IN (
               SELECT CASE json_type(b.key, '$."b"') WHEN 'object' THEN CASE WHEN json_extract(b.key, '$."b"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(b.key, '$."b"."chrononaut:blob"'), 3)) ELSE CASE json_extract(b.key, '$."b"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(b.key, '$."b"') END, CASE json_type(b.key, '$."a''"') WHEN 'object' THEN CASE WHEN json_extract(b.key, '$."a''"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(b.key, '$."a''"."chrononaut:blob"'), 3)) ELSE CASE json_extract(b.key, '$."a''"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(b.key, '$."a''"') END
                 FROM chrononaut_activity AS b
                WHERE b.table_name = 'Odd "name"' AND b.key <> '{}'
                  AND b.id > (SELECT a.id FROM "Odd ""name""" AS r, chrononaut_activity AS a
                               WHERE r."b" = NEW."b" AND r."a'" = NEW."a'"
                                 AND a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}' AND a.version = r."revision"))
       AND "revision" IS NOT (SELECT a.version FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = '{"a''":' || CASE typeof("Odd ""name"""."a'") WHEN 'real' THEN CASE WHEN abs("Odd ""name"""."a'") = 9e999 THEN '{"chrononaut:real":"' || iif("Odd ""name"""."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote("Odd ""name"""."a'") AS REAL) = "Odd ""name"""."a'" THEN json_quote("Odd ""name"""."a'") ELSE printf('%!.17g', "Odd ""name"""."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex("Odd ""name"""."a'")) || '"}' ELSE json_quote("Odd ""name"""."a'") END || ',"b":' || iif("Odd ""name"""."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex("Odd ""name"""."b")) || '"}', json_quote("Odd ""name"""."b")) || '}' ORDER BY a.version DESC);
    DELETE FROM chrononaut_numbering WHERE table_name = 'Odd "name"';
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_insert" AFTER INSERT ON "Odd ""name"""
WHEN NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum a3fc248c4d3f5778
    -- A change that must say why, and does not.
    SELECT RAISE(ABORT, 'TM001: table Odd "name" is strict and the transaction carries no change information')
     WHERE (SELECT NOT attributed AND NOT suppressed FROM chrononaut_context);
    INSERT INTO "chrononaut_keys_Odd ""name""" (chrononaut_key, "b", "a'")
    SELECT '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}', NEW."b", NEW."a'"
     WHERE NOT EXISTS (SELECT 1 FROM "chrononaut_keys_Odd ""name""" AS k WHERE k.chrononaut_key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}');
    -- The row as it is in the table now: triggers of the application may have
    -- changed it again, which then is in history already.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT 'Odd "name"', i.last + 1, i.key, i.image || ',"revision":' || (i.last + 1) || ',"version":' || (i.last + 1) || '}',
           c.user_info, (SELECT iif(json_extract(c.context, '$.operation') = 'restore' AND json_type(c.extra_info, '$.rationale') IS NOT NULL, json_set(x.extra_info, '$.restore.operation', 'insert'), x.extra_info)
              FROM (SELECT CASE WHEN c.records IS NULL AND i.hidden = '' THEN c.extra_info
                ELSE (SELECT '{' || group_concat(json_quote(e.name) || ':' || e.value, ',') || '}'
                        FROM (SELECT e.name, e.value, max(e.rank)
                                FROM (SELECT z.key AS name, coalesce(c.extra_info -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END) AS value, 0 AS rank FROM json_each(c.extra_info) AS z
                                      UNION ALL
                                      SELECT z.key, coalesce(x.value -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END), 1 + x.key
                                        FROM json_each(c.records) AS x, json_each(x.value, '$.extra_info') AS z
                                       WHERE x.value ->> '$.table_name' = 'Odd "name"' COLLATE NOCASE
                        AND coalesce(x.value ->> '$.table_schema', 'main') = 'main'
                        AND (SELECT count(*) FROM json_each(x.value, '$.key')) = 2
                        AND (SELECT y.atom FROM json_each(x.value, '$.key') AS y WHERE y.key = 'b' COLLATE NOCASE) IS CASE typeof(NEW."b") WHEN 'blob' THEN '\x' || lower(hex(NEW."b")) ELSE NEW."b" END
                        AND (SELECT y.atom FROM json_each(x.value, '$.key') AS y WHERE y.key = 'a''' COLLATE NOCASE) IS CASE typeof(NEW."a'") WHEN 'blob' THEN '\x' || lower(hex(NEW."a'")) ELSE NEW."a'" END
                                      UNION ALL
                                      SELECT 'hidden_cols_changed', '[' || substr(i.hidden, 2) || ']', 1e9 WHERE i.hidden <> '') AS e
                               GROUP BY e.name) AS e)
           END AS extra_info
                     LIMIT 1) AS x), iif(json_extract(c.context, '$.operation') = 'restore' AND json_type(c.extra_info, '$.rationale') IS NOT NULL, 'restore', 'insert'), c.transaction_id
      FROM (SELECT k.key, k.image, k.hidden, max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = k.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = k.key), -1)) AS last
              FROM (SELECT (SELECT '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}') AS key,
                           (SELECT '{"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b"))
            || ',"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END
            || ',"email":' || iif(r."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."email")) || '"}', json_quote(r."email"))
            || ',"change_info":' || json_quote((SELECT CASE WHEN x.extra_info = '{}' THEN x.user_info ELSE json_set(x.user_info, '$.extra', json(x.extra_info)) END FROM chrononaut_context AS x))
            || ',"changed":' || json_quote(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                              FROM "Odd ""name""" AS r WHERE r."b" = NEW."b" AND r."a'" = NEW."a'") AS image,
                           (SELECT iif(NEW."secret" IS NOT NULL, ',"secret"', '')) AS hidden
                      FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS r
                     LIMIT 1) AS k
             LIMIT 1) AS i, chrononaut_context AS c
     WHERE i.image IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM chrononaut_activity AS a
                        WHERE a.table_name = 'Odd "name"' AND a.key = i.key AND a.version = i.last
                          AND a.operation <> 'delete' AND a.data = i.image || ',"revision":' || (i.last) || ',"version":' || (i.last) || '}');
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_update" AFTER UPDATE OF "b", "a'", "secret", "note", "email" ON "Odd ""name"""
WHEN NOT (SELECT suppressed FROM chrononaut_context)
 AND (SELECT (SELECT NEW."b" IS NOT OLD."b" COLLATE BINARY
        OR NEW."a'" IS NOT OLD."a'" COLLATE BINARY
        OR typeof(NEW."a'") <> typeof(OLD."a'")
        OR NEW."email" IS NOT OLD."email" COLLATE BINARY
        OR NEW."secret" IS NOT OLD."secret" COLLATE BINARY
        OR typeof(NEW."secret") <> typeof(OLD."secret"))
        FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS old)
BEGIN
    -- chrononaut generation 5, checksum 790c726871a20269
    -- A value in the version column says on which version the write is based.
    SELECT json_extract('{}', 'TM017: stale write to table main."Odd ""name""": based on ' || coalesce('version ' || i.expected, 'no version')
               || ', the record is at version ' || i.actual || char(10) || '{"table_schema":"main","table_name":"Odd \"name\"","versions":["revision","version"]' || ',"expected":' || coalesce(i.expected, 'null') || ',"actual":' || i.actual
               || ',"change":' || coalesce((SELECT a.id FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = i.key ORDER BY a.version DESC LIMIT 1), 'null')
               || ',"mine":[' || substr(i.mine, 2) || ']}')
      FROM (SELECT (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}') AS key, iif(typeof(NEW."revision") = 'integer', NEW."revision", NULL) AS expected,
                   coalesce(CAST(OLD."revision" AS INTEGER), 0) AS actual, (SELECT iif((NEW."b" IS NOT OLD."b" COLLATE BINARY OR typeof(NEW."b") <> typeof(OLD."b")), ',"b"', '')
            || iif((NEW."a'" IS NOT OLD."a'" COLLATE BINARY OR typeof(NEW."a'") <> typeof(OLD."a'")), ',"a''"', '')
            || iif((NEW."secret" IS NOT OLD."secret" COLLATE BINARY OR typeof(NEW."secret") <> typeof(OLD."secret")), ',"secret"', '')
            || iif((NEW."note" IS NOT OLD."note" COLLATE BINARY OR typeof(NEW."note") <> typeof(OLD."note")), ',"note"', '')
            || iif((NEW."email" IS NOT OLD."email" COLLATE BINARY OR typeof(NEW."email") <> typeof(OLD."email")), ',"email"', '')) AS mine
              FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS old
             WHERE OLD."revision" IS NOT NEW."revision"
               AND NOT coalesce(NEW."revision" IN (coalesce(CAST(OLD."revision" AS INTEGER), 0), coalesce(CAST(OLD."revision" AS INTEGER), 0) + 1), 0)
               AND NOT (SELECT suppressed FROM chrononaut_context)
             LIMIT 1) AS i;
    -- A change that must say why, and does not.
    SELECT RAISE(ABORT, 'TM001: table Odd "name" is strict and the transaction carries no change information')
     WHERE (SELECT NOT attributed AND NOT suppressed FROM chrononaut_context);
    -- The state before the first recorded change of a row that was there before
    -- tracking began.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation)
    SELECT 'Odd "name"', i.version, i.key, i.image || ',"revision":' || (i.version) || ',"version":' || (i.version) || '}',
           '{"user_id":null,"remote_addr":null}', 'baseline'
      FROM (SELECT (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}') AS key,
                   (SELECT coalesce(CAST(OLD."revision" AS INTEGER), 0)) AS version,
                   (SELECT '{"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b"))
            || ',"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END
            || ',"email":' || iif(OLD."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."email")) || '"}', json_quote(OLD."email"))
            || ',"change_info":' || iif(OLD."change_info" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."change_info")) || '"}', json_quote(OLD."change_info"))
            || ',"changed":' || iif(OLD."changed" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."changed")) || '"}', json_quote(OLD."changed"))) AS image
              FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS old
             WHERE NOT (SELECT suppressed FROM chrononaut_context)
               AND (SELECT max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}')), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}')), -1))) < 0
             LIMIT 1) AS i;
    INSERT INTO "chrononaut_keys_Odd ""name""" (chrononaut_key, "b", "a'")
    SELECT '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}', NEW."b", NEW."a'"
     WHERE NOT EXISTS (SELECT 1 FROM "chrononaut_keys_Odd ""name""" AS k WHERE k.chrononaut_key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}');
    -- The row as it is in the table now: triggers of the application may have
    -- changed it again, which then is in history already.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id, previous_key)
    SELECT 'Odd "name"', i.version, i.key, i.image || ',"revision":' || (i.version) || ',"version":' || (i.version) || '}',
           c.user_info, (SELECT iif(json_extract(c.context, '$.operation') = 'restore' AND json_type(c.extra_info, '$.rationale') IS NOT NULL, json_set(x.extra_info, '$.restore.operation', 'update'), x.extra_info)
              FROM (SELECT CASE WHEN c.records IS NULL AND i.hidden = '' THEN c.extra_info
                ELSE (SELECT '{' || group_concat(json_quote(e.name) || ':' || e.value, ',') || '}'
                        FROM (SELECT e.name, e.value, max(e.rank)
                                FROM (SELECT z.key AS name, coalesce(c.extra_info -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END) AS value, 0 AS rank FROM json_each(c.extra_info) AS z
                                      UNION ALL
                                      SELECT z.key, coalesce(x.value -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END), 1 + x.key
                                        FROM json_each(c.records) AS x, json_each(x.value, '$.extra_info') AS z
                                       WHERE x.value ->> '$.table_name' = 'Odd "name"' COLLATE NOCASE
                        AND coalesce(x.value ->> '$.table_schema', 'main') = 'main'
                        AND (SELECT count(*) FROM json_each(x.value, '$.key')) = 2
                        AND (SELECT y.atom FROM json_each(x.value, '$.key') AS y WHERE y.key = 'b' COLLATE NOCASE) IS CASE typeof(NEW."b") WHEN 'blob' THEN '\x' || lower(hex(NEW."b")) ELSE NEW."b" END
                        AND (SELECT y.atom FROM json_each(x.value, '$.key') AS y WHERE y.key = 'a''' COLLATE NOCASE) IS CASE typeof(NEW."a'") WHEN 'blob' THEN '\x' || lower(hex(NEW."a'")) ELSE NEW."a'" END
                                      UNION ALL
                                      SELECT 'hidden_cols_changed', '[' || substr(i.hidden, 2) || ']', 1e9 WHERE i.hidden <> '') AS e
                               GROUP BY e.name) AS e)
           END AS extra_info
                     LIMIT 1) AS x), iif(json_extract(c.context, '$.operation') = 'restore' AND json_type(c.extra_info, '$.rationale') IS NOT NULL, 'restore', 'update'), c.transaction_id, nullif(i.old_key, i.key)
      FROM (SELECT k.*, 1 + max(k.row_version, max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = k.old_key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = k.old_key), -1)), iif(k.key = k.old_key, -1, max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = k.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = k.key), -1)))) AS version
              FROM (SELECT (SELECT '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}') AS key,
                           (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}') AS old_key,
                           (SELECT coalesce(CAST(OLD."revision" AS INTEGER), 0)) AS row_version,
                           (SELECT '{"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b"))
            || ',"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END
            || ',"email":' || iif(r."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."email")) || '"}', json_quote(r."email"))
            || ',"change_info":' || json_quote((SELECT CASE WHEN x.extra_info = '{}' THEN x.user_info ELSE json_set(x.user_info, '$.extra', json(x.extra_info)) END FROM chrononaut_context AS x))
            || ',"changed":' || json_quote(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                              FROM "Odd ""name""" AS r WHERE r."b" = NEW."b" AND r."a'" = NEW."a'") AS image,
                           (SELECT iif((NEW."secret" IS NOT OLD."secret" COLLATE BINARY OR typeof(NEW."secret") <> typeof(OLD."secret")), ',"secret"', '')) AS hidden
                      FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS old, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS r
                     LIMIT 1) AS k
             LIMIT 1) AS i, chrononaut_context AS c
     WHERE NOT c.suppressed
       AND i.image IS NOT NULL
       AND (i.hidden <> '' OR i.key <> i.old_key
            OR NOT EXISTS (SELECT 1 FROM chrononaut_activity AS a
                            WHERE a.table_name = 'Odd "name"' AND a.key = i.key
                              AND a.version = max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = i.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = i.key), -1))
                              AND a.operation <> 'delete' AND a.data = i.image || ',"revision":' || (a.version) || ',"version":' || (a.version) || '}'));
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_replaced_update" AFTER UPDATE OF "b", "a'", "secret", "note", "email" ON "Odd ""name"""
WHEN EXISTS (SELECT 1 FROM chrononaut_replaced WHERE table_name = 'Odd "name"')
 AND NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum 68a75bffc011b5b3
    -- Rows that had to go for this one (OR REPLACE) have fired no trigger, unless
    -- recursive_triggers is on. First their state, if history does not know it. What
    -- was noted last of a row counts: max() says so for the columns beside it.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation)
    SELECT 'Odd "name"', coalesce(p.version, 0), p.key, p.data || ',"revision":' || (coalesce(p.version, 0)) || ',"version":' || (coalesce(p.version, 0)) || '}',
           '{"user_id":null,"remote_addr":null}', 'baseline'
      FROM chrononaut_replaced AS p, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new
     WHERE p.table_name = 'Odd "name"'
       AND +p.cause IN ((SELECT '0 ' || ' ' || quote((SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")))), (SELECT '1 ' || ' ' || quote(NEW."b") || ' ' || quote(NEW."a'")), (SELECT '2 ' || ' ' || quote(coalesce(NEW."email", ('none')))))
       AND (p.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}'
            OR NOT EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE ("b", "a'") = (CASE json_type(p.key, '$."b"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."b"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."b"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."b"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."b"') END, CASE json_type(p.key, '$."a''"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."a''"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."a''"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."a''"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."a''"') END) AND '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' = p.key))
               AND p.key <> (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}')
       AND max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = p.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = p.key), -1)) < 0
     GROUP BY p.key HAVING max(p.rowid);
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT 'Odd "name"', i.version, i.key, i.data || ',"revision":' || (i.version) || ',"version":' || (i.version) || '}',
           c.user_info, c.extra_info, 'delete', c.transaction_id
      FROM (SELECT p.key, p.data, 1 + max(coalesce(p.version, 0), max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = p.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = p.key), -1))) AS version
              FROM chrononaut_replaced AS p, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new
             WHERE p.table_name = 'Odd "name"'
               AND +p.cause IN ((SELECT '0 ' || ' ' || quote((SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")))), (SELECT '1 ' || ' ' || quote(NEW."b") || ' ' || quote(NEW."a'")), (SELECT '2 ' || ' ' || quote(coalesce(NEW."email", ('none')))))
               AND (p.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}'
            OR NOT EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE ("b", "a'") = (CASE json_type(p.key, '$."b"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."b"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."b"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."b"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."b"') END, CASE json_type(p.key, '$."a''"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."a''"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."a''"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."a''"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."a''"') END) AND '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' = p.key))
               AND p.key <> (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}')
             GROUP BY p.key HAVING max(p.rowid)
             LIMIT -1) AS i, chrononaut_context AS c;
    DELETE FROM chrononaut_replaced
     WHERE table_name = 'Odd "name"'
       AND (cause IN (SELECT (SELECT '0 ' || ' ' || quote((SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")))) FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new UNION ALL SELECT (SELECT '1 ' || ' ' || quote(NEW."b") || ' ' || quote(NEW."a'")) FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new UNION ALL SELECT (SELECT '2 ' || ' ' || quote(coalesce(NEW."email", ('none')))) FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new) OR key = (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}'));
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_replaced_insert" AFTER INSERT ON "Odd ""name"""
WHEN EXISTS (SELECT 1 FROM chrononaut_replaced WHERE table_name = 'Odd "name"')
 AND NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum 26a1fa9dcb5bc2e3
    -- Rows that had to go for this one (OR REPLACE) have fired no trigger, unless
    -- recursive_triggers is on. First their state, if history does not know it. What
    -- was noted last of a row counts: max() says so for the columns beside it.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation)
    SELECT 'Odd "name"', coalesce(p.version, 0), p.key, p.data || ',"revision":' || (coalesce(p.version, 0)) || ',"version":' || (coalesce(p.version, 0)) || '}',
           '{"user_id":null,"remote_addr":null}', 'baseline'
      FROM chrononaut_replaced AS p, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new
     WHERE p.table_name = 'Odd "name"'
       AND +p.cause IN ((SELECT '0 ' || ' ' || quote((SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")))), (SELECT '1 ' || ' ' || quote(NEW."b") || ' ' || quote(NEW."a'")), (SELECT '2 ' || ' ' || quote(coalesce(NEW."email", ('none')))))
       AND (p.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}'
            OR NOT EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE ("b", "a'") = (CASE json_type(p.key, '$."b"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."b"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."b"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."b"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."b"') END, CASE json_type(p.key, '$."a''"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."a''"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."a''"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."a''"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."a''"') END) AND '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' = p.key))
       AND max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = p.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = p.key), -1)) < 0
     GROUP BY p.key HAVING max(p.rowid);
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT 'Odd "name"', i.version, i.key, i.data || ',"revision":' || (i.version) || ',"version":' || (i.version) || '}',
           c.user_info, c.extra_info, 'delete', c.transaction_id
      FROM (SELECT p.key, p.data, 1 + max(coalesce(p.version, 0), max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = p.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = p.key), -1))) AS version
              FROM chrononaut_replaced AS p, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new
             WHERE p.table_name = 'Odd "name"'
               AND +p.cause IN ((SELECT '0 ' || ' ' || quote((SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")))), (SELECT '1 ' || ' ' || quote(NEW."b") || ' ' || quote(NEW."a'")), (SELECT '2 ' || ' ' || quote(coalesce(NEW."email", ('none')))))
               AND (p.key = '{"a''":' || CASE typeof(NEW."a'") WHEN 'real' THEN CASE WHEN abs(NEW."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(NEW."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(NEW."a'") AS REAL) = NEW."a'" THEN json_quote(NEW."a'") ELSE printf('%!.17g', NEW."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(NEW."a'")) || '"}' ELSE json_quote(NEW."a'") END || ',"b":' || iif(NEW."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(NEW."b")) || '"}', json_quote(NEW."b")) || '}'
            OR NOT EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE ("b", "a'") = (CASE json_type(p.key, '$."b"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."b"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."b"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."b"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."b"') END, CASE json_type(p.key, '$."a''"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."a''"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."a''"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."a''"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."a''"') END) AND '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' = p.key))
             GROUP BY p.key HAVING max(p.rowid)
             LIMIT -1) AS i, chrononaut_context AS c;
    DELETE FROM chrononaut_replaced
     WHERE table_name = 'Odd "name"'
       AND (cause IN (SELECT (SELECT '0 ' || ' ' || quote((SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")))) FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new UNION ALL SELECT (SELECT '1 ' || ' ' || quote(NEW."b") || ' ' || quote(NEW."a'")) FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new UNION ALL SELECT (SELECT '2 ' || ' ' || quote(coalesce(NEW."email", ('none')))) FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new));
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_delete" AFTER DELETE ON "Odd ""name"""
WHEN NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum 4ecd780961b5fe54
    -- A change that must say why, and does not.
    SELECT RAISE(ABORT, 'TM001: table Odd "name" is strict and the transaction carries no change information')
     WHERE (SELECT NOT attributed AND NOT suppressed FROM chrononaut_context);
    -- The state before the first recorded change of a row that was there before
    -- tracking began.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation)
    SELECT 'Odd "name"', i.version, i.key, i.image || ',"revision":' || (i.version) || ',"version":' || (i.version) || '}',
           '{"user_id":null,"remote_addr":null}', 'baseline'
      FROM (SELECT (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}') AS key,
                   (SELECT coalesce(CAST(OLD."revision" AS INTEGER), 0)) AS version,
                   (SELECT '{"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b"))
            || ',"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END
            || ',"email":' || iif(OLD."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."email")) || '"}', json_quote(OLD."email"))
            || ',"change_info":' || iif(OLD."change_info" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."change_info")) || '"}', json_quote(OLD."change_info"))
            || ',"changed":' || iif(OLD."changed" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."changed")) || '"}', json_quote(OLD."changed"))) AS image
              FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS old
             WHERE NOT (SELECT suppressed FROM chrononaut_context)
               AND (SELECT max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}')), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}')), -1))) < 0
             LIMIT 1) AS i;
    -- Unless a trigger of the application has put the row back.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT 'Odd "name"', i.version, i.key, i.image || ',"revision":' || (i.version) || ',"version":' || (i.version) || '}',
           c.user_info, CASE WHEN c.records IS NULL AND i.hidden = '' THEN c.extra_info
                ELSE (SELECT '{' || group_concat(json_quote(e.name) || ':' || e.value, ',') || '}'
                        FROM (SELECT e.name, e.value, max(e.rank)
                                FROM (SELECT z.key AS name, coalesce(c.extra_info -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END) AS value, 0 AS rank FROM json_each(c.extra_info) AS z
                                      UNION ALL
                                      SELECT z.key, coalesce(x.value -> z.fullkey, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END), 1 + x.key
                                        FROM json_each(c.records) AS x, json_each(x.value, '$.extra_info') AS z
                                       WHERE x.value ->> '$.table_name' = 'Odd "name"' COLLATE NOCASE
                        AND coalesce(x.value ->> '$.table_schema', 'main') = 'main'
                        AND (SELECT count(*) FROM json_each(x.value, '$.key')) = 2
                        AND (SELECT y.atom FROM json_each(x.value, '$.key') AS y WHERE y.key = 'b' COLLATE NOCASE) IS CASE typeof(OLD."b") WHEN 'blob' THEN '\x' || lower(hex(OLD."b")) ELSE OLD."b" END
                        AND (SELECT y.atom FROM json_each(x.value, '$.key') AS y WHERE y.key = 'a''' COLLATE NOCASE) IS CASE typeof(OLD."a'") WHEN 'blob' THEN '\x' || lower(hex(OLD."a'")) ELSE OLD."a'" END
                                      UNION ALL
                                      SELECT 'hidden_cols_changed', '[' || substr(i.hidden, 2) || ']', 1e9 WHERE i.hidden <> '') AS e
                               GROUP BY e.name) AS e)
           END, 'delete', c.transaction_id
      FROM (SELECT k.*, 1 + max(k.row_version, max(coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.key = k.key), -1),
                       coalesce((SELECT max(a.version) FROM chrononaut_activity AS a WHERE a.table_name = 'Odd "name"' AND a.previous_key = k.key), -1))) AS version
              FROM (SELECT (SELECT '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}') AS key,
                           (SELECT coalesce(CAST(OLD."revision" AS INTEGER), 0)) AS row_version,
                           (SELECT '{"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b"))
            || ',"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END
            || ',"email":' || iif(OLD."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."email")) || '"}', json_quote(OLD."email"))
            || ',"change_info":' || iif(OLD."change_info" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."change_info")) || '"}', json_quote(OLD."change_info"))
            || ',"changed":' || iif(OLD."changed" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."changed")) || '"}', json_quote(OLD."changed"))) AS image,
                           '' AS hidden
                      FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS old
                     LIMIT 1) AS k
             LIMIT 1) AS i, chrononaut_context AS c
     WHERE NOT EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE r."b" = OLD."b" AND r."a'" = OLD."a'" AND r."b" = OLD."b" COLLATE BINARY AND typeof(r."b") = typeof(OLD."b") AND r."a'" = OLD."a'" COLLATE BINARY AND typeof(r."a'") = typeof(OLD."a'"));
    DELETE FROM chrononaut_replaced
     WHERE table_name = 'Odd "name"' AND key = '{"a''":' || CASE typeof(OLD."a'") WHEN 'real' THEN CASE WHEN abs(OLD."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(OLD."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(OLD."a'") AS REAL) = OLD."a'" THEN json_quote(OLD."a'") ELSE printf('%!.17g', OLD."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(OLD."a'")) || '"}' ELSE json_quote(OLD."a'") END || ',"b":' || iif(OLD."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(OLD."b")) || '"}', json_quote(OLD."b")) || '}';
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_note_insert" BEFORE INSERT ON "Odd ""name"""
WHEN NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum ef41a253af74590a
    -- Rows that this one excludes. If it is put in their place (OR REPLACE), the
    -- insert trigger finds them here; nothing else tells it about them.
    -- What others have left.
    DELETE FROM chrononaut_replaced
     WHERE table_name = 'Odd "name"'
       -- If a row that this statement has noted is gone, this here is what a foreign key
       -- does because it had to go, before the trigger of the row that takes its place
       -- has run: that one still needs its notes.
       AND (statement <> strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
            OR NOT EXISTS (SELECT 1 FROM chrononaut_replaced AS p
                            WHERE p.table_name = 'Odd "name"' AND p.statement = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AND NOT EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE ("b", "a'") = (CASE json_type(p.key, '$."b"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."b"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."b"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."b"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."b"') END, CASE json_type(p.key, '$."a''"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."a''"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."a''"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."a''"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."a''"') END) AND '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' = p.key)));
    INSERT INTO chrononaut_replaced (table_name, cause, key, version, data, statement)
    SELECT 'Odd "name"', i.cause, i.key, i.version, i.data, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
      FROM (SELECT (SELECT '0 ' || ' ' || quote((SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")))) AS cause,
                   (SELECT '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' FROM "Odd ""name""" AS r WHERE (note IS NULL) AND (SELECT (note IS NULL) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND (lower(email)) COLLATE "BINARY" = (SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed"))) AS key,
                   (SELECT r."revision" FROM "Odd ""name""" AS r WHERE (note IS NULL) AND (SELECT (note IS NULL) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND (lower(email)) COLLATE "BINARY" = (SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed"))) AS version,
                   (SELECT (SELECT '{"b":' || iif(p."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."b")) || '"}', json_quote(p."b"))
            || ',"a''":' || CASE typeof(p."a'") WHEN 'real' THEN CASE WHEN abs(p."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(p."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(p."a'") AS REAL) = p."a'" THEN json_quote(p."a'") ELSE printf('%!.17g', p."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(p."a'")) || '"}' ELSE json_quote(p."a'") END
            || ',"email":' || iif(p."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."email")) || '"}', json_quote(p."email"))
            || ',"change_info":' || iif(p."change_info" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."change_info")) || '"}', json_quote(p."change_info"))
            || ',"changed":' || iif(p."changed" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."changed")) || '"}', json_quote(p."changed"))
                              FROM "Odd ""name""" AS p WHERE p."b" = r."b" AND p."a'" = r."a'")
                      FROM "Odd ""name""" AS r WHERE (note IS NULL) AND (SELECT (note IS NULL) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND (lower(email)) COLLATE "BINARY" = (SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed"))) AS data
              FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS r, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS p
             WHERE EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE (note IS NULL) AND (SELECT (note IS NULL) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND (lower(email)) COLLATE "BINARY" = (SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")))
             LIMIT 1) AS i
     WHERE i.key IS NOT NULL;
    INSERT INTO chrononaut_replaced (table_name, cause, key, version, data, statement)
    SELECT 'Odd "name"', i.cause, i.key, i.version, i.data, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
      FROM (SELECT (SELECT '1 ' || ' ' || quote(NEW."b") || ' ' || quote(NEW."a'")) AS cause,
                   (SELECT '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' FROM "Odd ""name""" AS r WHERE r."b" COLLATE "NOCASE" = NEW."b" AND r."a'" COLLATE "BINARY" = NEW."a'") AS key,
                   (SELECT r."revision" FROM "Odd ""name""" AS r WHERE r."b" COLLATE "NOCASE" = NEW."b" AND r."a'" COLLATE "BINARY" = NEW."a'") AS version,
                   (SELECT (SELECT '{"b":' || iif(p."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."b")) || '"}', json_quote(p."b"))
            || ',"a''":' || CASE typeof(p."a'") WHEN 'real' THEN CASE WHEN abs(p."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(p."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(p."a'") AS REAL) = p."a'" THEN json_quote(p."a'") ELSE printf('%!.17g', p."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(p."a'")) || '"}' ELSE json_quote(p."a'") END
            || ',"email":' || iif(p."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."email")) || '"}', json_quote(p."email"))
            || ',"change_info":' || iif(p."change_info" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."change_info")) || '"}', json_quote(p."change_info"))
            || ',"changed":' || iif(p."changed" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."changed")) || '"}', json_quote(p."changed"))
                              FROM "Odd ""name""" AS p WHERE p."b" = r."b" AND p."a'" = r."a'")
                      FROM "Odd ""name""" AS r WHERE r."b" COLLATE "NOCASE" = NEW."b" AND r."a'" COLLATE "BINARY" = NEW."a'") AS data
              FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS r, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS p
             WHERE EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE r."b" COLLATE "NOCASE" = NEW."b" AND r."a'" COLLATE "BINARY" = NEW."a'")
             LIMIT 1) AS i
     WHERE i.key IS NOT NULL;
    INSERT INTO chrononaut_replaced (table_name, cause, key, version, data, statement)
    SELECT 'Odd "name"', i.cause, i.key, i.version, i.data, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
      FROM (SELECT (SELECT '2 ' || ' ' || quote(coalesce(NEW."email", ('none')))) AS cause,
                   (SELECT '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' FROM "Odd ""name""" AS r WHERE r."email" COLLATE "BINARY" = coalesce(NEW."email", ('none'))) AS key,
                   (SELECT r."revision" FROM "Odd ""name""" AS r WHERE r."email" COLLATE "BINARY" = coalesce(NEW."email", ('none'))) AS version,
                   (SELECT (SELECT '{"b":' || iif(p."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."b")) || '"}', json_quote(p."b"))
            || ',"a''":' || CASE typeof(p."a'") WHEN 'real' THEN CASE WHEN abs(p."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(p."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(p."a'") AS REAL) = p."a'" THEN json_quote(p."a'") ELSE printf('%!.17g', p."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(p."a'")) || '"}' ELSE json_quote(p."a'") END
            || ',"email":' || iif(p."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."email")) || '"}', json_quote(p."email"))
            || ',"change_info":' || iif(p."change_info" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."change_info")) || '"}', json_quote(p."change_info"))
            || ',"changed":' || iif(p."changed" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."changed")) || '"}', json_quote(p."changed"))
                              FROM "Odd ""name""" AS p WHERE p."b" = r."b" AND p."a'" = r."a'")
                      FROM "Odd ""name""" AS r WHERE r."email" COLLATE "BINARY" = coalesce(NEW."email", ('none'))) AS data
              FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS r, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS p
             WHERE EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE r."email" COLLATE "BINARY" = coalesce(NEW."email", ('none')))
             LIMIT 1) AS i
     WHERE i.key IS NOT NULL;
END;

CREATE TRIGGER main."chrononaut_Odd ""name""_note_update" BEFORE UPDATE OF "b", "a'", "secret", "note", "email" ON "Odd ""name"""
WHEN NOT (SELECT suppressed FROM chrononaut_context)
 AND 1
BEGIN
    -- chrononaut generation 5, checksum 5009a9fcbd48b8eb
    -- Other rows that the new values exclude: see the trigger for INSERT.
    -- What others have left.
    DELETE FROM chrononaut_replaced
     WHERE table_name = 'Odd "name"'
       -- If a row that this statement has noted is gone, this here is what a foreign key
       -- does because it had to go, before the trigger of the row that takes its place
       -- has run: that one still needs its notes.
       AND (statement <> strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
            OR NOT EXISTS (SELECT 1 FROM chrononaut_replaced AS p
                            WHERE p.table_name = 'Odd "name"' AND p.statement = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AND NOT EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE ("b", "a'") = (CASE json_type(p.key, '$."b"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."b"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."b"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."b"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."b"') END, CASE json_type(p.key, '$."a''"') WHEN 'object' THEN CASE WHEN json_extract(p.key, '$."a''"."chrononaut:blob"') IS NOT NULL THEN unhex(substr(json_extract(p.key, '$."a''"."chrononaut:blob"'), 3)) ELSE CASE json_extract(p.key, '$."a''"."chrononaut:real"') WHEN 'Infinity' THEN 9e999 WHEN '-Infinity' THEN -9e999 END END ELSE json_extract(p.key, '$."a''"') END) AND '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' = p.key)));
    INSERT INTO chrononaut_replaced (table_name, cause, key, version, data, statement)
    SELECT 'Odd "name"', i.cause, i.key, i.version, i.data, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
      FROM (SELECT (SELECT '0 ' || ' ' || quote((SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")))) AS cause,
                   (SELECT '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' FROM "Odd ""name""" AS r WHERE (note IS NULL) AND (SELECT (note IS NULL) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND (lower(email)) COLLATE "BINARY" = (SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'")) AS key,
                   (SELECT r."revision" FROM "Odd ""name""" AS r WHERE (note IS NULL) AND (SELECT (note IS NULL) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND (lower(email)) COLLATE "BINARY" = (SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'")) AS version,
                   (SELECT (SELECT '{"b":' || iif(p."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."b")) || '"}', json_quote(p."b"))
            || ',"a''":' || CASE typeof(p."a'") WHEN 'real' THEN CASE WHEN abs(p."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(p."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(p."a'") AS REAL) = p."a'" THEN json_quote(p."a'") ELSE printf('%!.17g', p."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(p."a'")) || '"}' ELSE json_quote(p."a'") END
            || ',"email":' || iif(p."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."email")) || '"}', json_quote(p."email"))
            || ',"change_info":' || iif(p."change_info" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."change_info")) || '"}', json_quote(p."change_info"))
            || ',"changed":' || iif(p."changed" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."changed")) || '"}', json_quote(p."changed"))
                              FROM "Odd ""name""" AS p WHERE p."b" = r."b" AND p."a'" = r."a'")
                      FROM "Odd ""name""" AS r WHERE (note IS NULL) AND (SELECT (note IS NULL) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND (lower(email)) COLLATE "BINARY" = (SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'")) AS data
              FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS r, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS p
             WHERE EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE (note IS NULL) AND (SELECT (note IS NULL) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND (lower(email)) COLLATE "BINARY" = (SELECT lower(email) FROM (SELECT NEW."b" AS "b", NEW."a'" AS "a'", NEW."secret" AS "secret", NEW."loud" AS "loud", NEW."note" AS "note", coalesce(NEW."email", ('none')) AS "email", NEW."revision" AS "revision", NEW."change_info" AS "change_info", NEW."changed" AS "changed")) AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'"))
             LIMIT 1) AS i
     WHERE i.key IS NOT NULL;
    INSERT INTO chrononaut_replaced (table_name, cause, key, version, data, statement)
    SELECT 'Odd "name"', i.cause, i.key, i.version, i.data, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
      FROM (SELECT (SELECT '1 ' || ' ' || quote(NEW."b") || ' ' || quote(NEW."a'")) AS cause,
                   (SELECT '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' FROM "Odd ""name""" AS r WHERE r."b" COLLATE "NOCASE" = NEW."b" AND r."a'" COLLATE "BINARY" = NEW."a'" AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'")) AS key,
                   (SELECT r."revision" FROM "Odd ""name""" AS r WHERE r."b" COLLATE "NOCASE" = NEW."b" AND r."a'" COLLATE "BINARY" = NEW."a'" AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'")) AS version,
                   (SELECT (SELECT '{"b":' || iif(p."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."b")) || '"}', json_quote(p."b"))
            || ',"a''":' || CASE typeof(p."a'") WHEN 'real' THEN CASE WHEN abs(p."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(p."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(p."a'") AS REAL) = p."a'" THEN json_quote(p."a'") ELSE printf('%!.17g', p."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(p."a'")) || '"}' ELSE json_quote(p."a'") END
            || ',"email":' || iif(p."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."email")) || '"}', json_quote(p."email"))
            || ',"change_info":' || iif(p."change_info" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."change_info")) || '"}', json_quote(p."change_info"))
            || ',"changed":' || iif(p."changed" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."changed")) || '"}', json_quote(p."changed"))
                              FROM "Odd ""name""" AS p WHERE p."b" = r."b" AND p."a'" = r."a'")
                      FROM "Odd ""name""" AS r WHERE r."b" COLLATE "NOCASE" = NEW."b" AND r."a'" COLLATE "BINARY" = NEW."a'" AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'")) AS data
              FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS r, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS p
             WHERE EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE r."b" COLLATE "NOCASE" = NEW."b" AND r."a'" COLLATE "BINARY" = NEW."a'" AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'"))
             LIMIT 1) AS i
     WHERE i.key IS NOT NULL;
    INSERT INTO chrononaut_replaced (table_name, cause, key, version, data, statement)
    SELECT 'Odd "name"', i.cause, i.key, i.version, i.data, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
      FROM (SELECT (SELECT '2 ' || ' ' || quote(coalesce(NEW."email", ('none')))) AS cause,
                   (SELECT '{"a''":' || CASE typeof(r."a'") WHEN 'real' THEN CASE WHEN abs(r."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(r."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(r."a'") AS REAL) = r."a'" THEN json_quote(r."a'") ELSE printf('%!.17g', r."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(r."a'")) || '"}' ELSE json_quote(r."a'") END || ',"b":' || iif(r."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(r."b")) || '"}', json_quote(r."b")) || '}' FROM "Odd ""name""" AS r WHERE r."email" COLLATE "BINARY" = coalesce(NEW."email", ('none')) AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'")) AS key,
                   (SELECT r."revision" FROM "Odd ""name""" AS r WHERE r."email" COLLATE "BINARY" = coalesce(NEW."email", ('none')) AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'")) AS version,
                   (SELECT (SELECT '{"b":' || iif(p."b" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."b")) || '"}', json_quote(p."b"))
            || ',"a''":' || CASE typeof(p."a'") WHEN 'real' THEN CASE WHEN abs(p."a'") = 9e999 THEN '{"chrononaut:real":"' || iif(p."a'" < 0, '-', '') || 'Infinity"}' WHEN CAST(json_quote(p."a'") AS REAL) = p."a'" THEN json_quote(p."a'") ELSE printf('%!.17g', p."a'") END WHEN 'blob' THEN '{"chrononaut:blob":"\\x' || lower(hex(p."a'")) || '"}' ELSE json_quote(p."a'") END
            || ',"email":' || iif(p."email" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."email")) || '"}', json_quote(p."email"))
            || ',"change_info":' || iif(p."change_info" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."change_info")) || '"}', json_quote(p."change_info"))
            || ',"changed":' || iif(p."changed" >= x'', '{"chrononaut:blob":"\\x' || lower(hex(p."changed")) || '"}', json_quote(p."changed"))
                              FROM "Odd ""name""" AS p WHERE p."b" = r."b" AND p."a'" = r."a'")
                      FROM "Odd ""name""" AS r WHERE r."email" COLLATE "BINARY" = coalesce(NEW."email", ('none')) AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'")) AS data
              FROM (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS r, (SELECT NULL AS "secret", NULL AS "loud", NULL AS "note", NULL AS "email", NULL AS "change_info", NULL AS "changed") AS p
             WHERE EXISTS (SELECT 1 FROM "Odd ""name""" AS r WHERE r."email" COLLATE "BINARY" = coalesce(NEW."email", ('none')) AND NOT (r."b" = OLD."b" AND r."a'" = OLD."a'"))
             LIMIT 1) AS i
     WHERE i.key IS NOT NULL;
END;

