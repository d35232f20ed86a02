-- Who changed the row last, and when.
ALTER TABLE "public"."todos" ADD COLUMN "change_info" jsonb;

-- Who changed the row last, and when.
ALTER TABLE "public"."todos" ADD COLUMN "changed" timestamptz;

-- Gives a row that is inserted or changed its version.
CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_number"(tg_op text, tg_relid oid, old record, new record) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $chrononaut$
…
$chrononaut$;

-- Triggers need no privilege to call it; nobody else needs it.
REVOKE EXECUTE ON FUNCTION "chrononaut"."todos_a23d6084_number"(text, oid, record, record) FROM PUBLIC;

-- The checksum by which the check command finds later changes of the function,
-- and the options, which a dump of the schema alone would lose.
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_number"(text, oid, record, record) IS 'chrononaut generation 1, source …, options {"version_column":"version","record_changes":true,"no_history":true,"generation":1}';

-- Does so for a trigger.
CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_version"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
AS $chrononaut$
…
$chrononaut$;

-- Triggers need no privilege to call it; nobody else needs it.
REVOKE EXECUTE ON FUNCTION "chrononaut"."todos_a23d6084_version"() FROM PUBLIC;

-- The checksum by which the check command finds later changes of the function,
-- and the options, which a dump of the schema alone would lose.
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_version"() IS 'chrononaut generation 1, source …, options {"version_column":"version","record_changes":true,"no_history":true,"generation":1}';

-- No longer asked for.
DROP TRIGGER IF EXISTS "000_chrononaut_before_delete" ON "public"."todos";

-- No longer asked for.
DROP TRIGGER IF EXISTS "000_chrononaut_capture" ON "public"."todos";

-- No longer asked for.
DROP TRIGGER IF EXISTS "000_chrononaut_capture_delete" ON "public"."todos";

-- No longer asked for.
DROP TRIGGER IF EXISTS "000_chrononaut_capture_insert" ON "public"."todos";

-- No longer asked for.
DROP TRIGGER IF EXISTS "000_chrononaut_capture_partition" ON "public"."todos";

-- No longer asked for.
DROP TRIGGER IF EXISTS "000_chrononaut_capture_update" ON "public"."todos";

-- No longer asked for.
DROP TRIGGER IF EXISTS "000_chrononaut_truncate" ON "public"."todos";

-- Note in the registry how the table is tracked.
INSERT INTO "chrononaut".chrononaut_table (table_schema, table_name, tracked, key_columns, options)
VALUES ('public', 'todos', true, ARRAY['id']::pg_catalog.text[], '{"version_column":"version","record_changes":true,"no_history":true,"generation":1}'::jsonb)
    ON CONFLICT (table_schema, table_name) DO UPDATE
   SET tracked = true, key_columns = excluded.key_columns, options = excluded.options;

-- Record in history itself that tracking began or changed.
INSERT INTO "chrononaut".chrononaut_activity (table_name, table_schema, version, operation, data, user_info, extra_info)
SELECT 'todos', 'public', 0, 'track', '{"version_column":"version","record_changes":true,"no_history":true,"generation":1}'::jsonb,
       '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
       coalesce(context -> 'extra_info', '{}')
  FROM (SELECT nullif(current_setting('chrononaut.context', true), '')::jsonb AS context) AS c;
