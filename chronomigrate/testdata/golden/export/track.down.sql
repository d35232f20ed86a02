-- End capture.
DROP TRIGGER IF EXISTS "zzzz_chrononaut_version" ON "public"."todos";

-- End capture.
DROP TRIGGER IF EXISTS "000_chrononaut_before_delete" ON "public"."todos";

-- End capture.
DROP TRIGGER IF EXISTS "000_chrononaut_capture_insert" ON "public"."todos";

-- End capture.
DROP TRIGGER IF EXISTS "000_chrononaut_capture_update" ON "public"."todos";

-- End capture.
DROP TRIGGER IF EXISTS "000_chrononaut_capture_delete" ON "public"."todos";

-- End capture.
DROP TRIGGER IF EXISTS "000_chrononaut_capture_partition" ON "public"."todos";

-- End capture.
DROP TRIGGER IF EXISTS "000_chrononaut_capture" ON "public"."todos";

-- End capture.
DROP TRIGGER IF EXISTS "000_chrononaut_truncate" ON "public"."todos";

-- A function of the triggers.
DROP FUNCTION IF EXISTS "chrononaut"."todos_a23d6084_baseline"(oid, record, integer);

-- A function of the triggers.
DROP FUNCTION IF EXISTS "chrononaut"."todos_a23d6084_number"(text, oid, record, record);

-- A function of the triggers.
DROP FUNCTION IF EXISTS "chrononaut"."todos_a23d6084_version"();

-- A function of the triggers.
DROP FUNCTION IF EXISTS "chrononaut"."todos_a23d6084_record"(text, oid, record, record);

-- A function of the triggers.
DROP FUNCTION IF EXISTS "chrononaut"."todos_a23d6084_capture"();

-- A function of the triggers.
DROP FUNCTION IF EXISTS "chrononaut"."todos_a23d6084_statement"();

-- A function of the triggers.
DROP FUNCTION IF EXISTS "chrononaut"."todos_a23d6084_truncate"();

-- From now on history does not know the table's rows.
INSERT INTO "chrononaut".chrononaut_coverage (table_schema, table_name, kind, until)
VALUES ('public', 'todos', 'disturbed', 'infinity');

-- History stays. The registry remembers the options.
UPDATE "chrononaut".chrononaut_table SET tracked = false, baseline = NULL
 WHERE table_schema = 'public' AND table_name = 'todos';

-- Record in history itself that tracking ended.
INSERT INTO "chrononaut".chrononaut_activity (table_name, table_schema, version, operation, data, user_info, extra_info)
SELECT 'todos', 'public', 0, 'untrack', '{}'::jsonb,
       '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
       coalesce(context -> 'extra_info', '{}')
  FROM (SELECT nullif(current_setting('chrononaut.context', true), '')::jsonb AS context) AS c;

-- The column that the migration added. What it says is in history, which goes on
-- from there when the table is tracked again.
ALTER TABLE "public"."todos" DROP COLUMN IF EXISTS "version";

-- The column that the migration added. What it says is in history, which goes on
-- from there when the table is tracked again.
ALTER TABLE "public"."todos" DROP COLUMN IF EXISTS "change_info";

-- The column that the migration added. What it says is in history, which goes on
-- from there when the table is tracked again.
ALTER TABLE "public"."todos" DROP COLUMN IF EXISTS "changed";
