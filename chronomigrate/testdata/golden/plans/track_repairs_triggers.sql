-- Until now changes may have been missed; whether history knows all rows from now on.
SELECT "chrononaut".note_tracked('public', 'todos');

-- Fires also under session_replication_role = replica.
ALTER TABLE "public"."todos" ENABLE ALWAYS TRIGGER "zzzz_chrononaut_version";

-- Fires where the trigger of single rows does not.
ALTER TABLE "public"."todos" ENABLE TRIGGER "000_chrononaut_before_delete";

-- Fires where the trigger of single rows does not.
ALTER TABLE "public"."todos" ENABLE TRIGGER "000_chrononaut_capture_insert";

-- Fires where the trigger of single rows does not.
ALTER TABLE "public"."todos" ENABLE TRIGGER "000_chrononaut_capture_update";

-- Fires where the trigger of single rows does not.
ALTER TABLE "public"."todos" ENABLE TRIGGER "000_chrononaut_capture_delete";

-- Fires where the trigger of single rows does not.
ALTER TABLE "public"."todos" ENABLE TRIGGER "000_chrononaut_capture_partition";

-- Fires for what logical replication applies row by row: that fires no other trigger.
ALTER TABLE "public"."todos" ENABLE REPLICA TRIGGER "000_chrononaut_capture";

-- TRUNCATE fires no other trigger.
CREATE OR REPLACE TRIGGER "000_chrononaut_truncate"
    BEFORE TRUNCATE ON "public"."todos"
    FOR EACH STATEMENT EXECUTE FUNCTION "chrononaut"."todos_a23d6084_truncate"();

-- Fires also under session_replication_role = replica.
ALTER TABLE "public"."todos" ENABLE ALWAYS TRIGGER "000_chrononaut_truncate";

-- Record in history itself that tracking began or changed.
INSERT INTO "chrononaut".chrononaut_activity (table_name, table_schema, version, operation, data, user_info, extra_info)
SELECT 'todos', 'public', 0, 'track', '{"version_column":"version","generation":1}'::jsonb,
       '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
       coalesce(context -> 'extra_info', '{}')
  FROM (SELECT nullif(current_setting('chrononaut.context', true), '')::jsonb AS context) AS c;
