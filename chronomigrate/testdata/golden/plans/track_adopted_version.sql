-- Sets the version of a row that is inserted or changed.
CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_version"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $chrononaut$
…
$chrononaut$;

-- A trigger does not check this privilege; nobody else needs the function.
REVOKE EXECUTE ON FUNCTION "chrononaut"."todos_a23d6084_version"() FROM PUBLIC;

-- The checksum by which the check command finds later changes of the function,
-- and the options, which a dump of the schema alone would lose.
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_version"() IS 'chrononaut generation 1, source …, options {"version_column":"rev","adopted":true,"generation":1}';

-- Writes the row's new state, or its last one, into history.
CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_capture"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
    SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = 'postgres'
    SET extra_float_digits = 1
    SET bytea_output = 'hex'
    SET lc_monetary = 'C'
AS $chrononaut$
…
$chrononaut$;

-- A trigger does not check this privilege; nobody else needs the function.
REVOKE EXECUTE ON FUNCTION "chrononaut"."todos_a23d6084_capture"() FROM PUBLIC;

-- The checksum by which the check command finds later changes of the function,
-- and the options, which a dump of the schema alone would lose.
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_capture"() IS 'chrononaut generation 1, source …, options {"version_column":"rev","adopted":true,"generation":1}';

-- Writes every row into history before TRUNCATE removes it.
CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_truncate"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
    SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = 'postgres'
    SET extra_float_digits = 1
    SET bytea_output = 'hex'
    SET lc_monetary = 'C'
    SET xmloption = 'content'
    SET standard_conforming_strings = on
AS $chrononaut$
…
$chrononaut$;

-- A trigger does not check this privilege; nobody else needs the function.
REVOKE EXECUTE ON FUNCTION "chrononaut"."todos_a23d6084_truncate"() FROM PUBLIC;

-- The checksum by which the check command finds later changes of the function,
-- and the options, which a dump of the schema alone would lose.
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_truncate"() IS 'chrononaut generation 1, source …, options {"version_column":"rev","adopted":true,"generation":1}';

-- Runs after the application's BEFORE triggers, by its name.
CREATE OR REPLACE TRIGGER "zzzz_chrononaut_version"
    BEFORE INSERT OR UPDATE ON "public"."todos"
    FOR EACH ROW EXECUTE FUNCTION "chrononaut"."todos_a23d6084_version"();

-- Fires also under session_replication_role = replica.
ALTER TABLE "public"."todos" ENABLE ALWAYS TRIGGER "zzzz_chrononaut_version";

-- Runs before the application's AFTER triggers, by its name.
CREATE OR REPLACE TRIGGER "000_chrononaut_capture"
    AFTER INSERT OR UPDATE OR DELETE ON "public"."todos"
    FOR EACH ROW EXECUTE FUNCTION "chrononaut"."todos_a23d6084_capture"();

-- Fires also under session_replication_role = replica.
ALTER TABLE "public"."todos" ENABLE ALWAYS TRIGGER "000_chrononaut_capture";

-- TRUNCATE fires no row trigger.
CREATE OR REPLACE TRIGGER "000_chrononaut_truncate"
    BEFORE TRUNCATE ON "public"."todos"
    FOR EACH STATEMENT EXECUTE FUNCTION "chrononaut"."todos_a23d6084_truncate"();

-- Fires also under session_replication_role = replica.
ALTER TABLE "public"."todos" ENABLE ALWAYS TRIGGER "000_chrononaut_truncate";

-- Note in the registry how the table is tracked.
INSERT INTO "chrononaut".chrononaut_table (table_schema, table_name, tracked, key_columns, options)
VALUES ('public', 'todos', true, ARRAY['id']::text[], '{"version_column":"rev","adopted":true,"generation":1}'::jsonb)
    ON CONFLICT (table_schema, table_name) DO UPDATE
   SET tracked = true, key_columns = excluded.key_columns, options = excluded.options;

-- Record in history itself that tracking began or changed.
INSERT INTO "chrononaut".chrononaut_activity (table_name, table_schema, version, operation, data, user_info, extra_info)
SELECT 'todos', 'public', 0, 'track', '{"version_column":"rev","adopted":true,"generation":1}'::jsonb,
       '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
       coalesce(context -> 'extra_info', '{}')
  FROM (SELECT nullif(current_setting('chrononaut.context', true), '')::jsonb AS context) AS c;
