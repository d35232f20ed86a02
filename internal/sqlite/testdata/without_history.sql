CREATE TRIGGER main."chrononaut_notes_number_insert" AFTER INSERT ON "notes"
WHEN NOT (SELECT suppressed FROM chrononaut_context)
BEGIN
    -- chrononaut generation 5, checksum 730eee44a3760ea6
    -- A change that must say why, and does not.
    SELECT RAISE(ABORT, 'TM001: table notes is strict and the transaction carries no change information')
     WHERE (SELECT strict AND NOT attributed AND NOT suppressed FROM chrononaut_context);
    UPDATE "notes" SET "change_info" = (SELECT CASE WHEN x.extra_info = '{}' THEN x.user_info ELSE json_set(x.user_info, '$.extra', json(x.extra_info)) END FROM chrononaut_context AS x), "changed" = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE "notes"."id" = NEW."id";
END;

CREATE TRIGGER main."chrononaut_notes_number_update" AFTER UPDATE OF "id", "body", rowid, _rowid_, oid ON "notes"
WHEN NOT (SELECT suppressed FROM chrononaut_context)
 AND (SELECT (SELECT NEW."id" IS NOT OLD."id" COLLATE BINARY
        OR NEW."body" IS NOT OLD."body" COLLATE BINARY
        OR typeof(NEW."body") <> typeof(OLD."body"))
        FROM (SELECT NULL AS "body", NULL AS "change_info", NULL AS "changed") AS new, (SELECT NULL AS "body", NULL AS "change_info", NULL AS "changed") AS old)
BEGIN
    -- chrononaut generation 5, checksum 0981d4529b1709ac
    -- A change that must say why, and does not.
    SELECT RAISE(ABORT, 'TM001: table notes is strict and the transaction carries no change information')
     WHERE (SELECT strict AND NOT attributed AND NOT suppressed FROM chrononaut_context);
    UPDATE "notes" SET "change_info" = (SELECT CASE WHEN x.extra_info = '{}' THEN x.user_info ELSE json_set(x.user_info, '$.extra', json(x.extra_info)) END FROM chrononaut_context AS x), "changed" = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE "notes"."id" = NEW."id";
END;

