-- Refuse to run where the table, or how it is tracked, is not what this file was
-- made for: the functions below would not fit.
DO $chrononaut$
DECLARE
    installed integer := 0;
    relation  oid := pg_catalog.to_regclass('"public"."todos"');
    different text;
BEGIN
    -- Others that change the history schema wait until this transaction ends.
    PERFORM pg_catalog.pg_advisory_xact_lock(109300247653999);
    IF EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = 'chrononaut' AND c.relname = 'chrononaut_migration') THEN
        SELECT coalesce(pg_catalog.max(m.version),
                        pg_catalog.substring(pg_catalog.obj_description('"chrononaut".chrononaut_migration'::pg_catalog.regclass, 'pg_class'), 'version ([0-9]+)')::integer,
                        0)
          INTO installed FROM "chrononaut".chrononaut_migration AS m;
    END IF;
    IF installed < … THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('the history schema is at version %s, and this migration needs version %s', installed, …),
            HINT = 'Run the migrations of the history schema first.';
    END IF;
    IF relation IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = 'table "public"."todos" does not exist';
    END IF;
    -- Columns that track adds itself may be there, from an earlier time.
    WITH wanted (name, type, attnum, ordinal, missing, position) AS (
        SELECT w.*, pg_catalog.row_number() OVER () FROM (VALUES
            ('id', 'integer', NULL::integer, NULL::integer, NULL::boolean),
            ('title', 'text', NULL::integer, NULL::integer, NULL::boolean),
            ('password', 'text', 3, 3, false),
            ('seen', 'timestamp without time zone', 4, 4, false)) AS w
    ), present AS (
        SELECT p.*, pg_catalog.row_number() OVER (ORDER BY p.attnum) AS position
          FROM (SELECT a.attname::text AS name, a.attnum, pg_catalog.row_number() OVER (ORDER BY a.attnum) AS ordinal,
                       pg_catalog.format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attgenerated <> '' THEN ' generated' ELSE '' END AS type,
                       a.atthasmissing AS missing
                  FROM pg_catalog.pg_attribute AS a
                 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped) AS p
         WHERE p.name <> ALL (ARRAY['version', 'change_info', 'changed']::pg_catalog.text[])
    )
    SELECT pg_catalog.string_agg(coalesce(w.name, p.name), ', ') INTO different
      FROM wanted AS w FULL JOIN present AS p ON p.name = w.name
     WHERE w.name IS NULL OR p.name IS NULL OR w.type <> p.type OR w.position <> p.position
        -- Of hidden and untracked columns the functions also know the place.
        OR w.attnum <> p.attnum OR w.ordinal <> p.ordinal OR w.missing <> p.missing;
    -- Where it is, the functions take it to be the last one.
    IF different IS NULL AND EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = relation AND a.attname = 'change_info' AND a.attnum < (
               SELECT pg_catalog.max(o.attnum) FROM pg_catalog.pg_attribute AS o
                WHERE o.attrelid = relation AND NOT o.attisdropped AND o.attname <> ALL (ARRAY['version', 'change_info', 'changed']::pg_catalog.text[]))) THEN
        different := 'change_info';
    END IF;
    -- Where it is, the functions take it to be the last one.
    IF different IS NULL AND EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = relation AND a.attname = 'changed' AND a.attnum < (
               SELECT pg_catalog.max(o.attnum) FROM pg_catalog.pg_attribute AS o
                WHERE o.attrelid = relation AND NOT o.attisdropped AND o.attname <> ALL (ARRAY['version', 'change_info', 'changed']::pg_catalog.text[]))) THEN
        different := 'changed';
    END IF;
    IF different IS NULL AND ARRAY['id']::pg_catalog.text[] IS DISTINCT FROM (
        SELECT pg_catalog.array_agg(a.attname::text ORDER BY k.position)
          FROM pg_catalog.pg_index AS i,
               LATERAL pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
          JOIN pg_catalog.pg_attribute AS a ON a.attnum = k.attnum
         WHERE i.indrelid = relation AND a.attrelid = relation AND i.indisprimary AND k.position <= i.indnkeyatts) THEN
        different := 'the primary key';
    END IF;
    IF different IS NULL AND (SELECT c.relkind = 'p' FROM pg_catalog.pg_class AS c WHERE c.oid = relation) <> false THEN
        different := 'whether it is partitioned';
    END IF;
    IF different IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'table "public"."todos" is not as it was where this migration was made',
            DETAIL = 'Different: ' || different || '.',
            HINT = 'Make the migration with a database that has the same schema, or run chrononaut track instead.';
    END IF;
    -- An application's own column would be taken for the version.
    IF EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = relation AND a.attname = 'version' AND NOT a.attisdropped)
       AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_table AS t
                        WHERE t.table_schema = 'public' AND t.table_name = 'todos'
                          AND coalesce(t.options ->> 'version_column', 'version') = 'version'
                          AND NOT coalesce((t.options ->> 'adopted')::boolean, false)) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'table "public"."todos" already has a column "version"',
            HINT = 'Make the migration with a database that has the same schema, with --version-column.';
    END IF;
    -- It would be dropped when this migration goes back.
    IF EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = relation AND a.attname = 'change_info' AND NOT a.attisdropped)
       AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_table AS t
                        WHERE t.table_schema = 'public' AND t.table_name = 'todos'
                          AND (t.options ->> 'record_changes')::boolean) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'table "public"."todos" already has a column "change_info"',
            HINT = 'Make the migration with a database that has the same schema.';
    END IF;
    -- It would be dropped when this migration goes back.
    IF EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = relation AND a.attname = 'changed' AND NOT a.attisdropped)
       AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_table AS t
                        WHERE t.table_schema = 'public' AND t.table_name = 'todos'
                          AND (t.options ->> 'record_changes')::boolean) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'table "public"."todos" already has a column "changed"',
            HINT = 'Make the migration with a database that has the same schema.';
    END IF;
    IF EXISTS (
        SELECT FROM "chrononaut".chrononaut_table AS t
         WHERE t.table_schema = 'public' AND t.table_name = 'todos' AND t.tracked
           AND t.options - 'generation' <> '{"hidden":["password"],"untracked":["seen"],"version_column":"version","record_changes":true,"generation":1}'::jsonb - 'generation') THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'table "public"."todos" is not tracked as it was where this migration was made',
            HINT = 'chrononaut track TABLE --dry-run shows what a table has and lacks.';
    END IF;
    IF EXISTS (SELECT FROM "chrononaut".chrononaut_setting AS s WHERE s.name = 'strict' AND s.value = 'true') <> false THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'one database is strict, and the one where this migration was made is not, or the other way round',
            HINT = 'chrononaut strict says whether a database is strict.';
    END IF;
END
$chrononaut$;

-- The version of each row. It has no default, so that no row is rewritten;
-- rows that exist now have none until they change.
ALTER TABLE "public"."todos" ADD COLUMN IF NOT EXISTS "version" integer;

-- Who changed the row last, and when.
ALTER TABLE "public"."todos" ADD COLUMN IF NOT EXISTS "change_info" jsonb;

-- Who changed the row last, and when.
ALTER TABLE "public"."todos" ADD COLUMN IF NOT EXISTS "changed" timestamptz;

-- Writes a row's state before its first recorded change into history.
CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_baseline"(tg_relid oid, old record, row_version integer) RETURNS void
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

-- Triggers need no privilege to call it; nobody else needs it.
REVOKE EXECUTE ON FUNCTION "chrononaut"."todos_a23d6084_baseline"(oid, record, integer) FROM PUBLIC;

-- The checksum by which the check command finds later changes of the function,
-- and the options, which a dump of the schema alone would lose.
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_baseline"(oid, record, integer) IS 'chrononaut generation 1, source …, options {"hidden":["password"],"untracked":["seen"],"version_column":"version","record_changes":true,"generation":1}';

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
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_number"(text, oid, record, record) IS 'chrononaut generation 1, source …, options {"hidden":["password"],"untracked":["seen"],"version_column":"version","record_changes":true,"generation":1}';

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
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_version"() IS 'chrononaut generation 1, source …, options {"hidden":["password"],"untracked":["seen"],"version_column":"version","record_changes":true,"generation":1}';

-- Writes a row's new state, or its last one, into history.
CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_record"(tg_op text, tg_relid oid, old record, new record) RETURNS boolean
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

-- Triggers need no privilege to call it; nobody else needs it.
REVOKE EXECUTE ON FUNCTION "chrononaut"."todos_a23d6084_record"(text, oid, record, record) FROM PUBLIC;

-- The checksum by which the check command finds later changes of the function,
-- and the options, which a dump of the schema alone would lose.
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_record"(text, oid, record, record) IS 'chrononaut generation 1, source …, options {"hidden":["password"],"untracked":["seen"],"version_column":"version","record_changes":true,"generation":1}';

-- Does so for a trigger.
CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_capture"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
AS $chrononaut$
…
$chrononaut$;

-- Triggers need no privilege to call it; nobody else needs it.
REVOKE EXECUTE ON FUNCTION "chrononaut"."todos_a23d6084_capture"() FROM PUBLIC;

-- The checksum by which the check command finds later changes of the function,
-- and the options, which a dump of the schema alone would lose.
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_capture"() IS 'chrononaut generation 1, source …, options {"hidden":["password"],"untracked":["seen"],"version_column":"version","record_changes":true,"generation":1}';

-- Does so for all rows of a statement.
CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_statement"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
    SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = 'postgres'
    SET extra_float_digits = 1
    SET bytea_output = 'hex'
    SET lc_monetary = 'C'
    SET enable_nestloop = off
    SET jit = off
    SET plan_cache_mode = force_generic_plan
AS $chrononaut$
…
$chrononaut$;

-- Triggers need no privilege to call it; nobody else needs it.
REVOKE EXECUTE ON FUNCTION "chrononaut"."todos_a23d6084_statement"() FROM PUBLIC;

-- The checksum by which the check command finds later changes of the function,
-- and the options, which a dump of the schema alone would lose.
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_statement"() IS 'chrononaut generation 1, source …, options {"hidden":["password"],"untracked":["seen"],"version_column":"version","record_changes":true,"generation":1}';

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
    -- Rows that row security hides would go unrecorded: better an error.
    SET row_security = off
AS $chrononaut$
…
$chrononaut$;

-- Triggers need no privilege to call it; nobody else needs it.
REVOKE EXECUTE ON FUNCTION "chrononaut"."todos_a23d6084_truncate"() FROM PUBLIC;

-- The checksum by which the check command finds later changes of the function,
-- and the options, which a dump of the schema alone would lose.
COMMENT ON FUNCTION "chrononaut"."todos_a23d6084_truncate"() IS 'chrononaut generation 1, source …, options {"hidden":["password"],"untracked":["seen"],"version_column":"version","record_changes":true,"generation":1}';

-- Until now changes may have been missed; whether history knows all rows from now on.
SELECT "chrononaut".note_tracked('public', 'todos');

-- Runs after the application's BEFORE triggers, by its name.
CREATE OR REPLACE TRIGGER "zzzz_chrononaut_version"
    BEFORE INSERT OR UPDATE ON "public"."todos"
    FOR EACH ROW EXECUTE FUNCTION "chrononaut"."todos_a23d6084_version"();

-- Fires also under session_replication_role = replica.
ALTER TABLE "public"."todos" ENABLE ALWAYS TRIGGER "zzzz_chrononaut_version";

-- Notes what the transaction sees before foreign keys are checked.
CREATE OR REPLACE TRIGGER "000_chrononaut_before_delete"
    BEFORE DELETE ON "public"."todos"
    FOR EACH STATEMENT EXECUTE FUNCTION "chrononaut"."todos_a23d6084_statement"();

-- Records all rows of a statement at once.
CREATE OR REPLACE TRIGGER "000_chrononaut_capture_insert"
    AFTER INSERT ON "public"."todos"
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION "chrononaut"."todos_a23d6084_statement"();

-- Records all rows of a statement at once.
CREATE OR REPLACE TRIGGER "000_chrononaut_capture_update"
    AFTER UPDATE ON "public"."todos"
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION "chrononaut"."todos_a23d6084_statement"();

-- Records all rows of a statement at once.
CREATE OR REPLACE TRIGGER "000_chrononaut_capture_delete"
    AFTER DELETE ON "public"."todos"
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION "chrononaut"."todos_a23d6084_statement"();

-- Should the table become a partition, a statement on its parent fires those of rows only.
CREATE OR REPLACE TRIGGER "000_chrononaut_capture_partition"
    AFTER INSERT OR UPDATE OR DELETE ON "public"."todos"
    FOR EACH ROW WHEN (pg_catalog.pg_partition_root('"public"."todos"'::pg_catalog.regclass) IS NOT NULL) EXECUTE FUNCTION "chrononaut"."todos_a23d6084_capture"();

-- Runs before the application's AFTER triggers, by its name.
CREATE OR REPLACE TRIGGER "000_chrononaut_capture"
    AFTER INSERT OR UPDATE OR DELETE ON "public"."todos"
    FOR EACH ROW EXECUTE FUNCTION "chrononaut"."todos_a23d6084_capture"();

-- Fires for what logical replication applies row by row: that fires no other trigger.
ALTER TABLE "public"."todos" ENABLE REPLICA TRIGGER "000_chrononaut_capture";

-- TRUNCATE fires no other trigger.
CREATE OR REPLACE TRIGGER "000_chrononaut_truncate"
    BEFORE TRUNCATE ON "public"."todos"
    FOR EACH STATEMENT EXECUTE FUNCTION "chrononaut"."todos_a23d6084_truncate"();

-- Fires also under session_replication_role = replica.
ALTER TABLE "public"."todos" ENABLE ALWAYS TRIGGER "000_chrononaut_truncate";

-- Note in the registry how the table is tracked.
INSERT INTO "chrononaut".chrononaut_table (table_schema, table_name, tracked, key_columns, options)
VALUES ('public', 'todos', true, ARRAY['id']::pg_catalog.text[], '{"hidden":["password"],"untracked":["seen"],"version_column":"version","record_changes":true,"generation":1}'::jsonb)
    ON CONFLICT (table_schema, table_name) DO UPDATE
   SET tracked = true, key_columns = excluded.key_columns, options = excluded.options;

-- Record in history itself that tracking began or changed.
INSERT INTO "chrononaut".chrononaut_activity (table_name, table_schema, version, operation, data, user_info, extra_info)
SELECT 'todos', 'public', 0, 'track', '{"hidden":["password"],"untracked":["seen"],"version_column":"version","record_changes":true,"generation":1}'::jsonb,
       '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
       coalesce(context -> 'extra_info', '{}')
  FROM (SELECT nullif(current_setting('chrononaut.context', true), '')::jsonb AS context) AS c;

-- The keys that history has, so that queries of the past find records by them.
SELECT "chrononaut".make_keys('public', 'todos', 'todos_a23d6084_keys', 'todos_a23d6084_capture', 'Keys that the history of "public"."todos" has: "id" integer ');

-- The schemas whose views read the past, and refuse what has none.
SELECT "chrononaut".make_past_schema('public', 'chrononaut_past', 'chrononaut_untracked');

-- The view has the columns that the table has now.
SELECT "chrononaut".drop_past_view('public', 'todos');

-- The past of the table. Queries that travel find it under the table's name.
CREATE VIEW "chrononaut_past"."todos" AS
SELECT k.k1 AS "id",
       (coalesce(((s.data -> 'title') ->> 'chrononaut:text'), (s.data ->> 'title'))::pg_catalog.text)::text AS "title",
       NULL::text AS "password",
       NULL::timestamp without time zone AS "seen",
       (CASE WHEN s.unversioned IS NOT TRUE THEN coalesce(((s.data -> 'version') ->> 'chrononaut:text'), (s.data ->> 'version'))::pg_catalog.int4 END)::integer AS "version",
       (coalesce(((s.data -> 'change_info') ->> 'chrononaut:text')::pg_catalog.jsonb, nullif((s.data -> 'change_info'), 'null'::pg_catalog.jsonb)))::jsonb AS "change_info",
       (coalesce(((s.data -> 'changed') ->> 'chrononaut:text'), (s.data ->> 'changed'))::pg_catalog.timestamptz)::timestamp with time zone AS "changed"
  -- Every key that history has; a condition on the key finds it here.
  FROM "chrononaut"."todos_a23d6084_keys" AS k
 CROSS JOIN LATERAL (
       -- Its newest change that the point sees. OFFSET 0: once for all columns.
       SELECT CASE WHEN l.id IS NULL THEN f.version = 0 ELSE l.operation = 'baseline' AND l.version = 0 END AS unversioned,
              CASE WHEN l.id IS NULL THEN f.data ELSE l.data END AS data
         FROM (VALUES (1)) AS one (x)
         LEFT JOIN LATERAL (
            SELECT a.id, a.version, a.operation, a.data
              FROM "chrononaut".chrononaut_activity AS a
             WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = k.record
               AND CASE WHEN (a.changed <= (SELECT "chrononaut".as_of_whole())
                    OR a.changed <= (SELECT "chrononaut".as_of()) AND "chrononaut".as_of_sees(a.id, a.transaction_id))
                         AND a.table_name = 'todos' AND a.table_schema = 'public' AND a.key = k.key THEN true END
             ORDER BY a.version DESC LIMIT 1) AS l ON true
         -- A change that took the key away from its record.
         LEFT JOIN LATERAL (
            SELECT a.id, a.version
              FROM "chrononaut".chrononaut_activity AS a
             WHERE k.departed AND pg_catalog.jsonb_hash_extended(a.previous_key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = k.record
               AND a.previous_key IS NOT NULL
               AND CASE WHEN a.table_name = 'todos' AND a.table_schema = 'public' AND a.previous_key = k.key
                         AND (a.changed <= "chrononaut".as_of_whole()
                        OR a.changed <= pg_catalog.current_setting('chrononaut.as_of')::timestamptz AND "chrononaut".as_of_sees(a.id, a.transaction_id)) THEN true END
             ORDER BY a.version DESC, a.id DESC LIMIT 1) AS d ON true
         -- What a baseline found was there before it.
         LEFT JOIN LATERAL (
            SELECT a.version, a.operation, a.data
              FROM "chrononaut".chrononaut_activity AS a
             WHERE l.id IS NULL AND pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = k.record
               AND CASE WHEN a.table_name = 'todos' AND a.table_schema = 'public' AND a.key = k.key THEN true END
             ORDER BY a.version LIMIT 1) AS f ON true
        WHERE CASE WHEN l.id IS NULL THEN d.id IS NULL AND f.operation = 'baseline'
                        AND (SELECT "chrononaut".past_found('public', 'todos'))
                   ELSE (l.operation NOT IN ('delete', 'truncate')) IS NOT FALSE
                        AND (d.id IS NULL OR l.version >= d.version OR l.id > d.id) END
       OFFSET 0) AS s
 WHERE (pg_catalog.strpos(pg_catalog.current_setting('chrononaut.as_of_recorded', true), ';"public"."todos";') > 0
        OR "chrononaut".past_recorded('public', 'todos'));

-- The checksum by which the check command finds a view that is out of date.
COMMENT ON VIEW "chrononaut_past"."todos" IS 'The past of "public"."todos", read by queries that travel. chrononaut generation 1, source …';

-- Who may read the table may read its past.
SELECT "chrononaut".share_past('public', 'todos');

-- Mirrored views that read it.
SELECT "chrononaut".renew_mirrors();

-- What is not tracked is refused to queries of the past.
SELECT "chrononaut".refuse_untracked('public');
