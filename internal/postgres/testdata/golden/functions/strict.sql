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
#variable_conflict use_column
DECLARE
    row_image    record;
    record_key   jsonb;
    image        jsonb;
    special      jsonb := '{}';
BEGIN
    BEGIN
        record_key := pg_catalog.jsonb_build_object('id', OLD."id");
        row_image := OLD;
        row_image."version" := row_version;
        image := pg_catalog.to_jsonb(row_image);
        -- A column was added since, perhaps of a type that JSON cannot hold as
        -- it is.
        IF image - ARRAY['id', 'title', 'version']::pg_catalog.text[]::text[] <> '{}'
           AND "chrononaut".has_special(TG_RELID, ARRAY['id', 'title', 'version']::pg_catalog.text[]::text[])
        THEN
            RAISE datatype_mismatch;
        END IF;
    EXCEPTION WHEN undefined_column OR undefined_function OR datatype_mismatch OR data_exception OR integrity_constraint_violation THEN
        -- The table is no longer as it was when this function was generated: a
        -- column is gone, has another type, or is new and holds what jsonb or
        -- to_jsonb() cannot. Or the type of a column set to NULL above is a
        -- domain that refuses it.
        EXECUTE 'SELECT ' || "chrononaut".key_sql(TG_RELID, '($1)')
             || ', ' || "chrononaut".image_sql(TG_RELID, '{}'::pg_catalog.text[]::text[], '($1)')
            INTO record_key, image USING OLD;
        image := image || pg_catalog.jsonb_build_object('version', row_version);
    END;
    IF record_key IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'TM006',
            MESSAGE = 'table todos has no primary key',
            HINT = 'Add a primary key and run chrononaut track, or run chrononaut untrack.';
    END IF;
    IF NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                    WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) = pg_catalog.jsonb_hash_extended(record_key, pg_catalog.hashtextextended('public.todos', 0))
                      AND a.key = record_key AND a.table_name || '' = 'todos' AND a.table_schema || '' = 'public'
                      -- The same statement may have given this key to another record.
                      AND (a.previous_key IS NULL OR a.transaction_id <> pg_current_xact_id()))
    THEN
        INSERT INTO "chrononaut".chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema)
        VALUES ('todos', clock_timestamp(), row_version, record_key, image, '{"user_id": null, "remote_addr": null}', '{}', 'baseline', 'public')
        ON CONFLICT DO NOTHING;
        PERFORM "chrononaut".add_key('public', 'todos', record_key, false);
    END IF;
END
$chrononaut$;

CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_number"(tg_op text, tg_relid oid, old record, new record) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
    SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = 'postgres'
    SET extra_float_digits = 1
    SET bytea_output = 'hex'
    SET lc_monetary = 'C'
AS $chrononaut$
#variable_conflict use_column
DECLARE
    old_image  record;
    row_image  record;
    changed    boolean;
    record_key jsonb;
    old_key    jsonb;
    following  integer;
    corrected  integer;
BEGIN
    IF TG_OP = 'INSERT' THEN
        OLD := NEW; -- A parameter that is NULL has no fields.
    END IF;
    IF coalesce(current_setting('chrononaut.suppressed', true), '') = 'on' AND "chrononaut".is_suppressed() THEN
        IF TG_OP = 'INSERT' THEN
            -- No version: the first change that is captured records this state.
            NEW."version" := NULL;
        END IF;
        RETURN NEW;
    END IF;

    IF TG_OP = 'UPDATE' THEN
        -- A version that the statement gives is the one that it is based on, or,
        -- of a writer that counts itself, the next. That the capture trigger
        -- corrects the version is no such statement.
        IF NEW."version" IS DISTINCT FROM OLD."version"
           AND coalesce(NEW."version"::bigint - coalesce(OLD."version", 0), -1) NOT BETWEEN 0 AND 1
           AND (coalesce(current_setting('chrononaut.renumber', true), '') <> 'on' OR pg_trigger_depth() < 2)
        THEN
            PERFORM "chrononaut".stale_write(TG_RELID, 'public', 'todos', 'version', '{}'::pg_catalog.text[], OLD, NEW,
                NEW."version", OLD."version");
        END IF;
        -- The capture trigger corrects the version. A trigger of somebody else's may set
        -- the setting too, so the version must be the one that history has, or the next that
        -- Python is about to write.
        IF coalesce(current_setting('chrononaut.renumber', true), '') = 'on' AND pg_trigger_depth() > 1 THEN
            EXECUTE 'SELECT ' || "chrononaut".key_sql(TG_RELID, '($1)') INTO record_key USING NEW;
            IF "chrononaut".is_renumbered('public', 'todos', NEW."version",
                                        "chrononaut".last_version('public', 'todos', record_key)) THEN
                corrected := NEW."version";
            END IF;
        END IF;
    BEGIN
        old_image := OLD;
        row_image := NEW;
        old_image."version" := NULL;
        row_image."version" := NULL;
        changed := old_image *<> row_image;
    EXCEPTION WHEN undefined_column OR datatype_mismatch OR integrity_constraint_violation THEN
        -- A column that does not count is gone, or is of a domain that refuses
        -- NULL; those that are left decide.
        EXECUTE 'SELECT ' || "chrononaut".image_sql(TG_RELID, ARRAY['version']::pg_catalog.text[]::text[], '($1)')
             || ' IS DISTINCT FROM ' || "chrononaut".image_sql(TG_RELID, ARRAY['version']::pg_catalog.text[]::text[], '($2)')
            INTO changed USING OLD, NEW;
    END;
        IF NOT changed THEN
            NEW."version" := coalesce(corrected, OLD."version");
            RETURN NEW;
        END IF;
    END IF;

    BEGIN
        record_key := pg_catalog.jsonb_build_object('id', NEW."id");
        IF TG_OP = 'UPDATE' THEN
            old_key := pg_catalog.jsonb_build_object('id', OLD."id");
        END IF;
    EXCEPTION WHEN undefined_column OR datatype_mismatch THEN
        EXECUTE 'SELECT ' || "chrononaut".key_sql(TG_RELID, '($1)') INTO record_key USING NEW;
        IF TG_OP = 'UPDATE' THEN
            EXECUTE 'SELECT ' || "chrononaut".key_sql(TG_RELID, '($1)') INTO old_key USING OLD;
        END IF;
    END;

    IF TG_OP = 'INSERT' THEN
        -- A key that was deleted and comes back continues its versions. Another
        -- transaction may still have the key: the capture trigger, which runs
        -- once the row has its place in the unique index, looks again.
        following := coalesce("chrononaut".last_version('public', 'todos', record_key) + 1, 0);
        -- A version that the statement gives counts for nothing, unless the row is
        -- there and ON CONFLICT makes this an UPDATE: excluded has to say what was
        -- given then, 0 where nothing was. If the row goes meanwhile, the capture trigger
        -- puts it right.
        IF following > 0 AND coalesce(NEW."version", 0) <> following THEN
            BEGIN
                IF "chrononaut".named('"public"."todos"') OPERATOR(pg_catalog.=) TG_RELID AND pg_catalog.pg_partition_root("chrononaut".named('"public"."todos"')) IS NULL AND EXISTS (SELECT FROM "public"."todos" AS t WHERE t."id" = NEW."id") THEN
                    NEW."version" := coalesce(NEW."version", 0);
                    RETURN NEW;
                END IF;
            EXCEPTION WHEN undefined_column OR undefined_table OR datatype_mismatch THEN
                -- Without a look at the index that would take too long.
            END;
        END IF;
        -- The row that had the key is gone, and its DELETE is not recorded yet: it is of the
        -- same statement, or fired the trigger in which this one runs. The version in between
        -- is for it.
        IF following > 0 AND EXISTS (
               SELECT FROM (SELECT a.operation, a.version FROM "chrononaut".chrononaut_activity AS a
                             WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) = pg_catalog.jsonb_hash_extended(record_key, pg_catalog.hashtextextended('public.todos', 0))
                               AND a.key = record_key AND a.table_name || '' = 'todos' AND a.table_schema || '' = 'public'
                             ORDER BY a.version DESC LIMIT 1) AS a
                WHERE a.operation NOT IN ('delete', 'truncate')
                  AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS p
                                   WHERE pg_catalog.jsonb_hash_extended(p.previous_key, pg_catalog.hashtextextended(coalesce(p.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) p.table_name, 0)) = pg_catalog.jsonb_hash_extended(record_key, pg_catalog.hashtextextended('public.todos', 0))
                                     AND p.previous_key IS NOT NULL AND p.version >= a.version)) THEN
            BEGIN
                IF "chrononaut".named('"public"."todos"') OPERATOR(pg_catalog.=) TG_RELID AND pg_catalog.pg_partition_root("chrononaut".named('"public"."todos"')) IS NULL AND NOT EXISTS (SELECT FROM "public"."todos" AS t WHERE t."id" = NEW."id") THEN
                    following := following + 1;
                END IF;
            EXCEPTION WHEN undefined_column OR undefined_table OR datatype_mismatch THEN
                -- Without a look at the index that would take too long.
            END;
        END IF;
        NEW."version" := following;
    ELSIF OLD."version" IS NULL THEN
        PERFORM "chrononaut"."todos_a23d6084_baseline"(TG_RELID, OLD, 0);
        NEW."version" := coalesce("chrononaut".last_version('public', 'todos', old_key), 0) + 1;
    ELSE
        -- What triggers of the application change in a row whose version is corrected is the
        -- next version.
        NEW."version" := coalesce(corrected, OLD."version") + 1;
    END IF;
    IF TG_OP = 'UPDATE' AND record_key <> old_key THEN
        -- Whether foreign keys still need the key, is seen after the last change.
        IF pg_catalog.strpos(coalesce(pg_catalog.current_setting('chrononaut.ending', true), ''), '|' OPERATOR(pg_catalog.||) TG_RELID::pg_catalog.text OPERATOR(pg_catalog.||) '|') OPERATOR(pg_catalog.=) 0 THEN
            PERFORM "chrononaut".note_ending(TG_RELID);
        END IF;
        -- Versions of a key only ever grow, also when another record takes it.
        NEW."version" := greatest(NEW."version",
            "chrononaut".last_version('public', 'todos', record_key) + 1);
        -- For records that exchange their keys: see the capture trigger.
        PERFORM "chrononaut".note_rekeyed(NEW."version");
        PERFORM "chrononaut".unsettle('public', 'todos');
        PERFORM "chrononaut".note_departed('public', 'todos');
    END IF;
    RETURN NEW;
END
$chrononaut$;

CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_version"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
AS $chrononaut$
DECLARE
    row_image pg_catalog.record;
    noted     pg_catalog.text;
BEGIN
    IF coalesce(CASE WHEN "chrononaut".named('"public"."todos"') OPERATOR(pg_catalog.=) TG_RELID AND pg_catalog.pg_partition_root("chrononaut".named('"public"."todos"')) IS NULL THEN "chrononaut".fits('"public"."todos"', '127137e1bf9f7c5ebc8e3d7dce83df71', ARRAY['id', 'version']::pg_catalog.text[], '{}') END, false) THEN
        -- The usual UPDATE: neither the key nor the version is given another value. Rows are
        -- compared by image: see changed.sql.
        IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE'
           AND NEW."version" OPERATOR(pg_catalog.=) OLD."version"
           AND pg_catalog.record_image_eq(ROW(OLD."id"), ROW(NEW."id"))
           AND coalesce(pg_catalog.current_setting('chrononaut.suppressed', true), '') OPERATOR(pg_catalog.<>) 'on'
        THEN
            -- A copy is compared: large values are fetched into what is compared, and of NEW
            -- would be stored again.
            row_image := NEW;
            IF pg_catalog.record_image_ne(OLD, row_image) THEN
                NEW."version" := OLD."version" OPERATOR(pg_catalog.+) 1;
            ELSIF coalesce(pg_catalog.current_setting('chrononaut.unchanged', true), '') OPERATOR(pg_catalog.<>) 'on' THEN
                -- Perhaps no row of the statement changes: see statement.sql.
                noted := pg_catalog.set_config('chrononaut.unchanged', 'on', true);
            END IF;
            RETURN NEW;
        END IF;
    END IF;
    RETURN "chrononaut"."todos_a23d6084_number"(TG_OP, TG_RELID, OLD, NEW);
END
$chrononaut$;

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
#variable_conflict use_column
<<v>>
DECLARE
    row_image    record;
    old_image    record;
    changed      boolean;
    row_version  integer;
    taken        boolean;
    renumbered   boolean;
    corrected    bigint;
    record_key   jsonb;
    old_key      jsonb;
    key_1        ;
    old_state    jsonb;
    new_state    jsonb;
    image        jsonb;
    special      jsonb := '{}';
    what         text := lower(TG_OP);
    context      jsonb;
    fenced       boolean;
    restoring    boolean;
    user_info    jsonb := '{"user_id": null, "remote_addr": null}';
    extra_info   jsonb := '{}';
BEGIN
    -- A parameter that is NULL has no fields.
    IF TG_OP = 'INSERT' THEN
        OLD := NEW;
    ELSIF TG_OP = 'DELETE' THEN
        NEW := OLD;
        IF (coalesce(pg_catalog.pg_sequence_last_value('"chrononaut".chrononaut_departed'::pg_catalog.regclass), -1) OPERATOR(pg_catalog.&) "chrononaut".guard_bit('public', 'todos')) OPERATOR(pg_catalog.=) 0 THEN
            PERFORM "chrononaut".note_departed('public', 'todos');
        END IF;
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        IF NOT coalesce(CASE WHEN "chrononaut".named('"public"."todos"') OPERATOR(pg_catalog.=) TG_RELID AND pg_catalog.pg_partition_root("chrononaut".named('"public"."todos"')) IS NULL THEN "chrononaut".fits('"public"."todos"', '4f35dc8992cb48f8fb3dd4521db9e781', NULL, '{}'::pg_catalog.text[]) END, false) THEN
            PERFORM "chrononaut".assert_seen(TG_RELID);
        END IF;
    END IF;
    -- Records may be held or leased: that counts for every write, also for one that
    -- is not captured.
    IF NOT (coalesce(pg_catalog.pg_sequence_last_value('"chrononaut".chrononaut_guarded'::pg_catalog.regclass), -1) OPERATOR(pg_catalog.&) "chrononaut".guard_bit('public', 'todos')) OPERATOR(pg_catalog.=) 0 THEN
        BEGIN
            old_state := CASE WHEN TG_OP <> 'INSERT' THEN pg_catalog.to_jsonb(OLD) END;
            new_state := CASE WHEN TG_OP <> 'DELETE' THEN pg_catalog.to_jsonb(NEW) END;
        EXCEPTION WHEN data_exception THEN
            -- A value that jsonb cannot hold.
            IF TG_OP <> 'INSERT' THEN
                EXECUTE 'SELECT ' || "chrononaut".image_sql(TG_RELID, '{}', '($1)') INTO old_state USING OLD;
            END IF;
            IF TG_OP <> 'DELETE' THEN
                EXECUTE 'SELECT ' || "chrononaut".image_sql(TG_RELID, '{}', '($1)') INTO new_state USING NEW;
            END IF;
        END;
        PERFORM "chrononaut".guard_row('public', 'todos', TG_OP, old_state, new_state);
        fenced := true;
    END IF;
    IF coalesce(current_setting('chrononaut.suppressed', true), '') = 'on' AND "chrononaut".is_suppressed() THEN
        IF strpos(current_setting('chrononaut.context', true), '"leases"') > 0 THEN
            PERFORM "chrononaut".lease_fence();
        END IF;
        PERFORM "chrononaut".note_disturbed('public', 'todos');
        RETURN NULL;
    END IF;

    -- Nothing tracked has changed: the version trigger has decided so. It is
    -- the last BEFORE trigger unless the application named one to follow it, or
    -- a generated column changed, so an unchanged version is looked at again; and
    -- so is one that this function corrects.
    IF TG_OP = 'UPDATE' AND (NEW."version" IS NOT DISTINCT FROM OLD."version"
                             OR coalesce(current_setting('chrononaut.renumber', true), '') = 'on') THEN
    BEGIN
        old_image := OLD;
        row_image := NEW;
        old_image."version" := NULL;
        row_image."version" := NULL;
        changed := old_image *<> row_image;
    EXCEPTION WHEN undefined_column OR datatype_mismatch OR integrity_constraint_violation THEN
        -- A column that does not count is gone, or is of a domain that refuses
        -- NULL; those that are left decide.
        EXECUTE 'SELECT ' || "chrononaut".image_sql(TG_RELID, ARRAY['version']::pg_catalog.text[]::text[], '($1)')
             || ' IS DISTINCT FROM ' || "chrononaut".image_sql(TG_RELID, ARRAY['version']::pg_catalog.text[]::text[], '($2)')
            INTO changed USING OLD, NEW;
    END;
        IF NOT changed THEN
            IF strpos(current_setting('chrononaut.context', true), '"leases"') > 0 THEN
                PERFORM "chrononaut".lease_fence();
            END IF;
            RETURN NULL;
        END IF;
    END IF;

    -- Who and why. A setting that was local to a transaction reads as the empty
    -- string afterwards.
    BEGIN
        context := nullif(current_setting('chrononaut.context', true), '')::jsonb;
    EXCEPTION WHEN data_exception THEN
        PERFORM "chrononaut".context_error();
    END;
    IF context IS NOT NULL THEN
        IF jsonb_typeof(context) <> 'object'
           OR jsonb_typeof(coalesce(context -> 'user_info', '{}')) <> 'object'
           OR jsonb_typeof(coalesce(context -> 'extra_info', '{}')) <> 'object'
        THEN
            PERFORM "chrononaut".context_error();
        END IF;
        -- Leases that the write is made under have to run, also for a write that is not
        -- captured: see above.
        IF context ? 'leases' AND fenced IS NOT TRUE THEN
            PERFORM "chrononaut".lease_fence();
        END IF;
        user_info := user_info || coalesce(context -> 'user_info', '{}');
        extra_info := coalesce(context -> 'extra_info', '{}');
        -- The statements of a plan bring something back; what triggers and
        -- cascades do because of them does not.
        restoring := context ->> 'operation' = 'restore' AND pg_trigger_depth() = 1;
        IF restoring AND NOT extra_info ? 'rationale' THEN
            PERFORM "chrononaut".context_error();
        END IF;
    END IF;
    IF context IS NULL OR NOT (context ? 'change_info' OR extra_info ? 'rationale') THEN
        PERFORM "chrononaut".unattributed_error('public', 'todos');
    END IF;

    -- The state before the first recorded change of a row that was there
    -- before tracking began.
    IF TG_OP <> 'INSERT' AND OLD."version" IS NULL THEN
        PERFORM "chrononaut"."todos_a23d6084_baseline"(TG_RELID, OLD, 0);
    END IF;

    IF TG_OP = 'DELETE' THEN
        row_version := coalesce(OLD."version", "chrononaut".last_version('public', 'todos', record_key), 0) + 1;
    BEGIN
        record_key := pg_catalog.jsonb_build_object('id', OLD."id");
        row_image := OLD;
        row_image."version" := row_version;
        image := pg_catalog.to_jsonb(row_image);
        -- A column was added since, perhaps of a type that JSON cannot hold as
        -- it is.
        IF image - ARRAY['id', 'title', 'version']::pg_catalog.text[]::text[] <> '{}'
           AND "chrononaut".has_special(TG_RELID, ARRAY['id', 'title', 'version']::pg_catalog.text[]::text[])
        THEN
            RAISE datatype_mismatch;
        END IF;
    EXCEPTION WHEN undefined_column OR undefined_function OR datatype_mismatch OR data_exception OR integrity_constraint_violation THEN
        -- The table is no longer as it was when this function was generated: a
        -- column is gone, has another type, or is new and holds what jsonb or
        -- to_jsonb() cannot. Or the type of a column set to NULL above is a
        -- domain that refuses it.
        EXECUTE 'SELECT ' || "chrononaut".key_sql(TG_RELID, '($1)')
             || ', ' || "chrononaut".image_sql(TG_RELID, '{}'::pg_catalog.text[]::text[], '($1)')
            INTO record_key, image USING OLD;
        image := image || pg_catalog.jsonb_build_object('version', row_version);
    END;
    IF record_key IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'TM006',
            MESSAGE = 'table todos has no primary key',
            HINT = 'Add a primary key and run chrononaut track, or run chrononaut untrack.';
    END IF;
    ELSE
        row_version := coalesce(NEW."version", 0);
        IF TG_OP = 'UPDATE' AND NEW."version" IS NOT DISTINCT FROM OLD."version" THEN
            row_version := coalesce(OLD."version", 0) + 1;
        END IF;
    BEGIN
        record_key := pg_catalog.jsonb_build_object('id', NEW."id");
        IF TG_OP = 'INSERT' THEN
            key_1 := record_key ->> 'id';
        END IF;
        row_image := NEW;
        row_image."version" := row_version;
        image := pg_catalog.to_jsonb(row_image);
        -- A column was added since, perhaps of a type that JSON cannot hold as
        -- it is.
        IF image - ARRAY['id', 'title', 'version']::pg_catalog.text[]::text[] <> '{}'
           AND "chrononaut".has_special(TG_RELID, ARRAY['id', 'title', 'version']::pg_catalog.text[]::text[])
        THEN
            RAISE datatype_mismatch;
        END IF;
    EXCEPTION WHEN undefined_column OR undefined_function OR datatype_mismatch OR data_exception OR integrity_constraint_violation THEN
        -- The table is no longer as it was when this function was generated: a
        -- column is gone, has another type, or is new and holds what jsonb or
        -- to_jsonb() cannot. Or the type of a column set to NULL above is a
        -- domain that refuses it.
        EXECUTE 'SELECT ' || "chrononaut".key_sql(TG_RELID, '($1)')
             || ', ' || "chrononaut".image_sql(TG_RELID, '{}'::pg_catalog.text[]::text[], '($1)')
            INTO record_key, image USING NEW;
        key_1 := NULL;
        image := image || pg_catalog.jsonb_build_object('version', row_version);
    END;
    IF record_key IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'TM006',
            MESSAGE = 'table todos has no primary key',
            HINT = 'Add a primary key and run chrononaut track, or run chrononaut untrack.';
    END IF;
        IF TG_OP = 'UPDATE' THEN
            BEGIN
                old_key := nullif(pg_catalog.jsonb_build_object('id', OLD."id"), record_key);
            EXCEPTION WHEN undefined_column OR datatype_mismatch THEN
                EXECUTE 'SELECT ' || "chrononaut".key_sql(TG_RELID, '($1)') INTO old_key USING OLD;
                old_key := nullif(old_key, record_key);
            END;
        END IF;
    END IF;
    IF context ? 'records' THEN
        extra_info := extra_info || "chrononaut".record_info(context, 'public', 'todos', record_key);
    END IF;
    IF restoring THEN
        -- What it was: whether there was a record before.
        extra_info := extra_info || pg_catalog.jsonb_build_object('restore',
            CASE WHEN jsonb_typeof(extra_info -> 'restore') = 'object' THEN extra_info -> 'restore' ELSE '{}' END || pg_catalog.jsonb_build_object('operation', what));
    END IF;

    -- What is checked when the rows are written already is seen after the last
    -- change: whether foreign keys still need what goes.
    IF (TG_OP = 'DELETE' OR old_key IS NOT NULL) AND pg_catalog.strpos(coalesce(pg_catalog.current_setting('chrononaut.ending', true), ''), '|' OPERATOR(pg_catalog.||) TG_RELID::pg_catalog.text OPERATOR(pg_catalog.||) '|') OPERATOR(pg_catalog.=) 0 THEN
        PERFORM "chrononaut".note_ending(TG_RELID);
    END IF;

    -- When one statement gives several records each other's keys, the change
    -- that takes a key away must not have a higher version than the one that
    -- gives it to the next record. The version trigger has seen all of the
    -- statement's rows by now, and kept the highest version: a key that history
    -- knows is taken at that one.
    renumbered := false;
    IF old_key IS NOT NULL
       AND "chrononaut".rekeyed() > row_version
       AND "chrononaut".last_version('public', 'todos', record_key) IS NOT NULL
    THEN
        row_version := "chrononaut".rekeyed();
        renumbered := true;
        image := image || pg_catalog.jsonb_build_object('version', row_version);
    END IF;

    -- The version was counted before the row had its place in the table's
    -- unique index. Until then another transaction could have, and take to an
    -- end, a life of its own under this key: as its versions show, or, if it
    -- moved the record to another key, previous_key. Or the version is one that
    -- the statement gave, or none: see the version trigger. History need not have
    -- every version, so that its unique index alone would not tell.
    taken := false;
    IF TG_OP = 'INSERT' OR old_key IS NOT NULL THEN
        taken := row_version < 0
              OR EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                          WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) = pg_catalog.jsonb_hash_extended(record_key, pg_catalog.hashtextextended('public.todos', 0))
                            AND a.version >= row_version AND a.transaction_id IS DISTINCT FROM pg_current_xact_id()
                            AND a.key = record_key AND a.table_name || '' = 'todos' AND a.table_schema || '' = 'public')
              OR EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                          WHERE pg_catalog.jsonb_hash_extended(a.previous_key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) = pg_catalog.jsonb_hash_extended(record_key, pg_catalog.hashtextextended('public.todos', 0))
                            AND a.previous_key IS NOT NULL
                            AND a.version >= row_version
                            -- Records that exchange their keys have the same version.
                            AND (what = 'insert' OR a.version > row_version)
                            AND a.previous_key = record_key AND a.table_name || '' = 'todos' AND a.table_schema || '' = 'public');
    END IF;
    IF NOT taken THEN
        INSERT INTO "chrononaut".chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user, previous_key)
        VALUES ('todos', clock_timestamp(), row_version, record_key, image, user_info, extra_info, CASE WHEN restoring AND what <> 'delete' THEN 'restore' ELSE what END, 'public', pg_current_xact_id(), session_user, old_key)
        ON CONFLICT DO NOTHING;
        taken := NOT FOUND;
    END IF;
    IF taken THEN
        row_version := greatest("chrononaut".last_version('public', 'todos', record_key) + 1, row_version);
        -- The DELETE of the same statement is recorded after this: see the version trigger.
        IF TG_OP = 'INSERT' AND EXISTS (
               SELECT FROM (SELECT a.operation, a.version FROM "chrononaut".chrononaut_activity AS a
                             WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) = pg_catalog.jsonb_hash_extended(record_key, pg_catalog.hashtextextended('public.todos', 0))
                               AND a.key = record_key AND a.table_name || '' = 'todos' AND a.table_schema || '' = 'public'
                             ORDER BY a.version DESC LIMIT 1) AS a
                WHERE a.operation NOT IN ('delete', 'truncate')
                  AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS p
                                   WHERE pg_catalog.jsonb_hash_extended(p.previous_key, pg_catalog.hashtextextended(coalesce(p.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) p.table_name, 0)) = pg_catalog.jsonb_hash_extended(record_key, pg_catalog.hashtextextended('public.todos', 0))
                                     AND p.previous_key IS NOT NULL AND p.version >= a.version)) THEN
            row_version := row_version + 1;
        END IF;
        image := image || pg_catalog.jsonb_build_object('version', row_version);
        INSERT INTO "chrononaut".chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user, previous_key)
        VALUES ('todos', clock_timestamp(), row_version, record_key, image, user_info, extra_info, CASE WHEN restoring AND what <> 'delete' THEN 'restore' ELSE what END, 'public', pg_current_xact_id(), session_user, old_key)
        ON CONFLICT DO NOTHING;
        -- A fixed snapshot does not see the version of a life that ended since.
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
                MESSAGE = 'another transaction has recorded a change of the same record of table todos',
                HINT = 'Repeat the transaction.';
        END IF;
    END IF;
    IF (taken OR renumbered) AND TG_OP <> 'DELETE' THEN
        PERFORM set_config('chrononaut.renumber', 'on', true);
        BEGIN
            IF "chrononaut".named('"public"."todos"') OPERATOR(pg_catalog.=) TG_RELID AND pg_catalog.pg_partition_root("chrononaut".named('"public"."todos"')) IS NULL THEN
                UPDATE "public"."todos" AS t SET "version" = v.row_version
                 WHERE t."id" = NEW."id";
                GET DIAGNOSTICS corrected = ROW_COUNT;
            END IF;
        EXCEPTION WHEN undefined_column OR undefined_table OR datatype_mismatch THEN
            -- The catalog knows.
        END;
        IF corrected IS NULL THEN
            EXECUTE 'UPDATE ' || TG_RELID::regclass || ' AS t SET ' || quote_ident('version') || ' = $1 WHERE '
                 || "chrononaut".key_sql(TG_RELID, 't') || ' = $2'
              USING row_version, record_key;
            GET DIAGNOSTICS corrected = ROW_COUNT;
        END IF;
        -- An application's trigger may have taken the row away, and row security may
        -- have hidden it.
        IF corrected = 0 AND row_security_active(TG_RELID) THEN
            RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
                MESSAGE = 'row security keeps the version of a row of table todos from being corrected',
                HINT = 'Let the owner of the trigger functions bypass row security.';
        END IF;
        PERFORM set_config('chrononaut.renumber', '', true);
    END IF;

    -- The key, by which queries of the past find the record.
    IF TG_OP = 'INSERT' THEN
        IF key_1 IS NULL THEN
            PERFORM "chrononaut".add_key('public', 'todos', record_key, false);
        ELSE
            INSERT INTO "chrononaut"."todos_a23d6084_keys" (record, key, k1)
            VALUES (pg_catalog.jsonb_hash_extended(record_key, pg_catalog.hashtextextended('public.todos', 0)), record_key, key_1)
                ON CONFLICT DO NOTHING;
        END IF;
    ELSIF old_key IS NOT NULL THEN
        PERFORM "chrononaut".add_key('public', 'todos', record_key, false);
    END IF;
    IF old_key IS NOT NULL THEN
        PERFORM "chrononaut".add_key('public', 'todos', old_key, true);
        PERFORM "chrononaut".lease_follow('public', 'todos', old_key, record_key);
    END IF;
    IF clock_timestamp() > now() + interval '1 second' THEN
        PERFORM "chrononaut".note_long();
    END IF;
    RETURN NULL;
END
$chrononaut$;

CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_capture"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
AS $chrononaut$
BEGIN
    -- ENABLE TRIGGER ALL, as a restored dump does it, has this trigger fire next to those
    -- of statements.
    IF TG_NAME OPERATOR(pg_catalog.=) '000_chrononaut_capture' AND pg_catalog.current_setting('session_replication_role') OPERATOR(pg_catalog.<>) 'replica'
       AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
                    WHERE t.tgrelid OPERATOR(pg_catalog.=) TG_RELID AND t.tgname OPERATOR(pg_catalog.=) ('000_chrononaut_capture_' OPERATOR(pg_catalog.||) pg_catalog.lower(TG_OP))::pg_catalog.name
                      AND t.tgenabled OPERATOR(pg_catalog.=) ANY ('{O,A}'::pg_catalog."char"[]))
    THEN
        RETURN NULL;
    END IF;
    PERFORM "chrononaut"."todos_a23d6084_record"(TG_OP, TG_RELID, OLD, NEW);
    RETURN NULL;
END
$chrononaut$;

CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_statement"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
    SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = 'postgres'
    SET extra_float_digits = 1
    SET bytea_output = 'hex'
    SET lc_monetary = 'C'
    SET jit = off
    SET plan_cache_mode = force_generic_plan
AS $chrononaut$
#variable_conflict use_variable
<<v>>
DECLARE
    fits       boolean; -- the table is as it was when this was generated
    -- 0: row by row; 1: at once; 2: at once, and no key of the table has ever changed.
    -- Negative while holds and leases have to be looked for.
    way        integer;
    guarded    boolean;
    scan       pg_catalog.text;
    context    pg_catalog.jsonb;
    mark       bigint;
    differs    boolean;
    nested     pg_catalog.text;
    changes    pg_catalog.refcursor;
    change     pg_catalog.record;
BEGIN
    -- Row by row where something is wrong with the context, where rows are leased or held,
    -- nothing is captured, keys change or a version is corrected, and where what others
    -- have committed may not be seen.
    BEGIN
        IF pg_catalog.current_setting('chrononaut.context', true) OPERATOR(pg_catalog.<>) '' THEN
            context := pg_catalog.current_setting('chrononaut.context', true)::pg_catalog.jsonb;
        END IF;
        way := CASE WHEN coalesce(CASE WHEN "chrononaut".named('"public"."todos"') OPERATOR(pg_catalog.=) TG_RELID AND pg_catalog.pg_partition_root("chrononaut".named('"public"."todos"')) IS NULL THEN "chrononaut".fits('"public"."todos"', '4f35dc8992cb48f8fb3dd4521db9e781', NULL, '{}'::pg_catalog.text[]) END, false) AND TG_WHEN OPERATOR(pg_catalog.=) 'AFTER'
            AND pg_catalog.concat(pg_catalog.current_setting('chrononaut.suppressed', true), pg_catalog.current_setting('chrononaut.rekeyed', true),
                                  pg_catalog.current_setting('chrononaut.renumber', true)) OPERATOR(pg_catalog.=) ''
            AND (TG_OP OPERATOR(pg_catalog.<>) 'INSERT' OR pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed')
            AND (context IS NULL
                 OR NOT context OPERATOR(pg_catalog.?|) '{leases,operation}'::pg_catalog.text[]
                    AND pg_catalog.concat(pg_catalog.jsonb_typeof(context), pg_catalog.jsonb_typeof(context OPERATOR(pg_catalog.->) 'user_info'),
                                          pg_catalog.jsonb_typeof(context OPERATOR(pg_catalog.->) 'extra_info'))
                        OPERATOR(pg_catalog.=) ANY ('{object,objectobject,objectobjectobject}'::pg_catalog.text[]))
            AND context IS NOT NULL AND (context OPERATOR(pg_catalog.?) 'change_info' OR coalesce((context OPERATOR(pg_catalog.->) 'extra_info') OPERATOR(pg_catalog.?) 'rationale', false))
            THEN CASE WHEN (coalesce(pg_catalog.pg_sequence_last_value('"chrononaut".chrononaut_unsettled'::pg_catalog.regclass), -1) OPERATOR(pg_catalog.&) "chrononaut".guard_bit('public', 'todos')) OPERATOR(pg_catalog.=) 0 THEN 2 ELSE 1 END
                 OPERATOR(pg_catalog.*) CASE WHEN (coalesce(pg_catalog.pg_sequence_last_value('"chrononaut".chrononaut_guarded'::pg_catalog.regclass), -1) OPERATOR(pg_catalog.&) "chrononaut".guard_bit('public', 'todos')) OPERATOR(pg_catalog.=) 0 THEN 1 ELSE -1 END
            ELSE 0 END;
    EXCEPTION WHEN data_exception THEN
        -- The context is no JSON.
        way := 0;
    END;

    IF way OPERATOR(pg_catalog.<) 0 THEN
        BEGIN
            -- Plans are kept, and may have been made while few records were held.
            scan := pg_catalog.current_setting('enable_seqscan');
            PERFORM pg_catalog.set_config('enable_seqscan', 'off', true);
            -- Whole tables, and rows by other columns than the key.
            guarded := pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.<>) 'read committed'
                OR EXISTS (SELECT FROM "chrononaut".chrononaut_hold_shape AS s
                            WHERE s.table_schema OPERATOR(pg_catalog.=) 'public' AND s.table_name OPERATOR(pg_catalog.=) 'todos'
                              AND NOT (s.columns OPERATOR(pg_catalog.@>) ARRAY['id']::pg_catalog.text[] AND s.columns OPERATOR(pg_catalog.<@) ARRAY['id']::pg_catalog.text[]));
            IF NOT guarded AND TG_OP OPERATOR(pg_catalog.<>) 'DELETE' THEN
                guarded := EXISTS (SELECT FROM new_rows AS "chrononaut:row", LATERAL (SELECT pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key) AS k
                         WHERE EXISTS (SELECT FROM "chrononaut".chrononaut_hold_scope AS s
                                        WHERE s.record_hash OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0)) AND NOT s.past OFFSET 0)
                            OR EXISTS (SELECT FROM "chrononaut".chrononaut_lease AS l
                                        WHERE l.record_hash OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0)) AND l.enforced AND l.released IS NULL OFFSET 0));
            END IF;
            IF NOT guarded AND (TG_OP OPERATOR(pg_catalog.=) 'DELETE' OR TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND way OPERATOR(pg_catalog.<>) -2) THEN
                guarded := EXISTS (SELECT FROM old_rows AS "chrononaut:row", LATERAL (SELECT pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key) AS k
                         WHERE EXISTS (SELECT FROM "chrononaut".chrononaut_hold_scope AS s
                                        WHERE s.record_hash OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0)) AND NOT s.past OFFSET 0)
                            OR EXISTS (SELECT FROM "chrononaut".chrononaut_lease AS l
                                        WHERE l.record_hash OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0)) AND l.enforced AND l.released IS NULL OFFSET 0));
            END IF;
            PERFORM pg_catalog.set_config('enable_seqscan', scan, true);
        EXCEPTION WHEN insufficient_privilege THEN
            guarded := true;
        END;
        way := CASE WHEN guarded THEN 0 ELSE pg_catalog.abs(way) END;
    END IF;
    -- The version trigger has seen rows that do not change. Mostly none of the statement does.
    IF way OPERATOR(pg_catalog.>) 0 AND TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND pg_catalog.current_setting('chrononaut.unchanged', true) OPERATOR(pg_catalog.=) 'on' THEN
        PERFORM pg_catalog.set_config('chrononaut.unchanged', '', true);
        -- Plans are kept, and may have been made for one row.
        nested := pg_catalog.current_setting('enable_nestloop');
        PERFORM pg_catalog.set_config('enable_nestloop', 'off', true);
        differs := EXISTS (SELECT FROM (SELECT ROW("chrononaut:row".*)::"public"."todos" AS r, pg_catalog.row_number() OVER () AS place, pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key, "chrononaut:row"."version" AS version FROM old_rows AS "chrononaut:row") AS o
                JOIN (SELECT ROW("chrononaut:row".*)::"public"."todos" AS r, pg_catalog.row_number() OVER () AS place, pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key, "chrononaut:row"."version" AS version FROM new_rows AS "chrononaut:row") AS n ON n.place OPERATOR(pg_catalog.=) o.place
            WHERE pg_catalog.record_image_ne(o.r, n.r));
        PERFORM pg_catalog.set_config('enable_nestloop', nested, true);
        IF NOT differs THEN
            RETURN NULL;
        END IF;
    END IF;
    IF way OPERATOR(pg_catalog.>) 0 THEN
        mark := coalesce(pg_catalog.pg_sequence_last_value('"chrononaut".chrononaut_activity_id_seq'::pg_catalog.regclass), 0);
        IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND way OPERATOR(pg_catalog.=) 2 THEN
            INSERT INTO "chrononaut".chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user)
            SELECT 'todos', pg_catalog.clock_timestamp(), "chrononaut:row"."version", k.key, pg_catalog.to_jsonb("chrononaut:row"), (SELECT '{"user_id": null, "remote_addr": null}'::pg_catalog.jsonb OPERATOR(pg_catalog.||) coalesce(v.context OPERATOR(pg_catalog.->) 'user_info', '{}')), CASE WHEN v.context OPERATOR(pg_catalog.?) 'records' THEN coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') OPERATOR(pg_catalog.||) "chrononaut".record_info(v.context, 'public', 'todos', k.key) ELSE coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') END, 'update', 'public', pg_catalog.pg_current_xact_id(), session_user
              FROM new_rows AS "chrononaut:row", LATERAL (SELECT pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key) AS k
             WHERE CASE WHEN "chrononaut:row"."version" IS NOT NULL
                        AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                                         WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0))
                                           AND a.version OPERATOR(pg_catalog.>=) "chrononaut:row"."version") THEN true
                        ELSE coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on' AND pg_catalog.set_config('chrononaut.unusual', 'on', true) IS NULL END;

        ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
            INSERT INTO "chrononaut".chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user)
            SELECT 'todos', pg_catalog.clock_timestamp(), "chrononaut:row"."version", k.key, pg_catalog.to_jsonb("chrononaut:row"), (SELECT '{"user_id": null, "remote_addr": null}'::pg_catalog.jsonb OPERATOR(pg_catalog.||) coalesce(v.context OPERATOR(pg_catalog.->) 'user_info', '{}')), CASE WHEN v.context OPERATOR(pg_catalog.?) 'records' THEN coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') OPERATOR(pg_catalog.||) "chrononaut".record_info(v.context, 'public', 'todos', k.key) ELSE coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') END, 'update', 'public', pg_catalog.pg_current_xact_id(), session_user
              FROM new_rows AS "chrononaut:row", LATERAL (SELECT pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key) AS k
             WHERE CASE WHEN (SELECT CASE WHEN a.operation OPERATOR(pg_catalog.=) ANY ('{delete,truncate}'::pg_catalog.text[]) THEN NULL ELSE a.version END FROM "chrononaut".chrononaut_activity AS a
                               WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0))
                               ORDER BY a.version DESC LIMIT 1) OPERATOR(pg_catalog.=) ("chrononaut:row"."version" OPERATOR(pg_catalog.-) 1) THEN true
                        ELSE coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on' AND pg_catalog.set_config('chrononaut.unusual', 'on', true) IS NULL END;

        ELSIF TG_OP OPERATOR(pg_catalog.=) 'INSERT' AND way OPERATOR(pg_catalog.=) 2 THEN
            INSERT INTO "chrononaut".chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user)
            SELECT 'todos', pg_catalog.clock_timestamp(), "chrononaut:row"."version", k.key, pg_catalog.to_jsonb("chrononaut:row"), (SELECT '{"user_id": null, "remote_addr": null}'::pg_catalog.jsonb OPERATOR(pg_catalog.||) coalesce(v.context OPERATOR(pg_catalog.->) 'user_info', '{}')), CASE WHEN v.context OPERATOR(pg_catalog.?) 'records' THEN coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') OPERATOR(pg_catalog.||) "chrononaut".record_info(v.context, 'public', 'todos', k.key) ELSE coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') END, 'insert', 'public', pg_catalog.pg_current_xact_id(), session_user
              FROM new_rows AS "chrononaut:row", LATERAL (SELECT pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key) AS k
             WHERE CASE WHEN "chrononaut:row"."version" IS NOT NULL
                        AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                                         WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0))
                                           AND a.version OPERATOR(pg_catalog.>=) "chrononaut:row"."version") THEN true
                        ELSE coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on' AND pg_catalog.set_config('chrononaut.unusual', 'on', true) IS NULL END;
            -- The keys, by which queries of the past find the records.
            INSERT INTO "chrononaut"."todos_a23d6084_keys" (record, key, k1)
            SELECT pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0)), k.key, "chrononaut:row"."id"
              FROM new_rows AS "chrononaut:row", LATERAL (SELECT pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key) AS k
                ON CONFLICT DO NOTHING;

        ELSIF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
            INSERT INTO "chrononaut".chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user)
            SELECT 'todos', pg_catalog.clock_timestamp(), "chrononaut:row"."version", k.key, pg_catalog.to_jsonb("chrononaut:row"), (SELECT '{"user_id": null, "remote_addr": null}'::pg_catalog.jsonb OPERATOR(pg_catalog.||) coalesce(v.context OPERATOR(pg_catalog.->) 'user_info', '{}')), CASE WHEN v.context OPERATOR(pg_catalog.?) 'records' THEN coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') OPERATOR(pg_catalog.||) "chrononaut".record_info(v.context, 'public', 'todos', k.key) ELSE coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') END, 'insert', 'public', pg_catalog.pg_current_xact_id(), session_user
              FROM new_rows AS "chrononaut:row", LATERAL (SELECT pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key) AS k
             WHERE CASE WHEN "chrononaut:row"."version" IS NOT NULL
                        AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                                         WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0))
                                           AND a.version OPERATOR(pg_catalog.>=) "chrononaut:row"."version")
                        -- A record that had the key and has another one now.
                        AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                                         WHERE pg_catalog.jsonb_hash_extended(a.previous_key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0))
                                           AND a.previous_key IS NOT NULL AND a.version OPERATOR(pg_catalog.>=) "chrononaut:row"."version") THEN true
                        ELSE coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on' AND pg_catalog.set_config('chrononaut.unusual', 'on', true) IS NULL END;
            -- The keys, by which queries of the past find the records.
            INSERT INTO "chrononaut"."todos_a23d6084_keys" (record, key, k1)
            SELECT pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0)), k.key, "chrononaut:row"."id"
              FROM new_rows AS "chrononaut:row", LATERAL (SELECT pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key) AS k
                ON CONFLICT DO NOTHING;

        ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' AND way OPERATOR(pg_catalog.=) 2 THEN
        IF (coalesce(pg_catalog.pg_sequence_last_value('"chrononaut".chrononaut_departed'::pg_catalog.regclass), -1) OPERATOR(pg_catalog.&) "chrononaut".guard_bit('public', 'todos')) OPERATOR(pg_catalog.=) 0 THEN
            PERFORM "chrononaut".note_departed('public', 'todos');
        END IF;
            INSERT INTO "chrononaut".chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user)
            SELECT 'todos', pg_catalog.clock_timestamp(), "chrononaut:row"."version" OPERATOR(pg_catalog.+) 1, k.key, pg_catalog.to_jsonb("chrononaut:row") OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('version', "chrononaut:row"."version" OPERATOR(pg_catalog.+) 1), (SELECT '{"user_id": null, "remote_addr": null}'::pg_catalog.jsonb OPERATOR(pg_catalog.||) coalesce(v.context OPERATOR(pg_catalog.->) 'user_info', '{}')), CASE WHEN v.context OPERATOR(pg_catalog.?) 'records' THEN coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') OPERATOR(pg_catalog.||) "chrononaut".record_info(v.context, 'public', 'todos', k.key) ELSE coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') END, 'delete', 'public', pg_catalog.pg_current_xact_id(), session_user
              FROM old_rows AS "chrononaut:row", LATERAL (SELECT pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key) AS k
             WHERE CASE WHEN ("chrononaut:row"."version" OPERATOR(pg_catalog.+) 1) IS NOT NULL
                        AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                                         WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0))
                                           AND a.version OPERATOR(pg_catalog.>=) ("chrononaut:row"."version" OPERATOR(pg_catalog.+) 1)) THEN true
                        ELSE coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on' AND pg_catalog.set_config('chrononaut.unusual', 'on', true) IS NULL END;
        ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        IF (coalesce(pg_catalog.pg_sequence_last_value('"chrononaut".chrononaut_departed'::pg_catalog.regclass), -1) OPERATOR(pg_catalog.&) "chrononaut".guard_bit('public', 'todos')) OPERATOR(pg_catalog.=) 0 THEN
            PERFORM "chrononaut".note_departed('public', 'todos');
        END IF;
            INSERT INTO "chrononaut".chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user)
            SELECT 'todos', pg_catalog.clock_timestamp(), "chrononaut:row"."version" OPERATOR(pg_catalog.+) 1, k.key, pg_catalog.to_jsonb("chrononaut:row") OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('version', "chrononaut:row"."version" OPERATOR(pg_catalog.+) 1), (SELECT '{"user_id": null, "remote_addr": null}'::pg_catalog.jsonb OPERATOR(pg_catalog.||) coalesce(v.context OPERATOR(pg_catalog.->) 'user_info', '{}')), CASE WHEN v.context OPERATOR(pg_catalog.?) 'records' THEN coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') OPERATOR(pg_catalog.||) "chrononaut".record_info(v.context, 'public', 'todos', k.key) ELSE coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}') END, 'delete', 'public', pg_catalog.pg_current_xact_id(), session_user
              FROM old_rows AS "chrononaut:row", LATERAL (SELECT pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key) AS k
             WHERE CASE WHEN (SELECT CASE WHEN a.operation OPERATOR(pg_catalog.=) ANY ('{delete,truncate}'::pg_catalog.text[]) THEN NULL ELSE a.version END FROM "chrononaut".chrononaut_activity AS a
                               WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(k.key, pg_catalog.hashtextextended('public.todos', 0))
                               ORDER BY a.version DESC LIMIT 1) OPERATOR(pg_catalog.=) (("chrononaut:row"."version" OPERATOR(pg_catalog.+) 1) OPERATOR(pg_catalog.-) 1) THEN true
                        ELSE coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on' AND pg_catalog.set_config('chrononaut.unusual', 'on', true) IS NULL END;
        END IF;
        -- Mostly that was all.
        IF coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on'
           AND pg_catalog.clock_timestamp() OPERATOR(pg_catalog.<=) (pg_catalog.now() OPERATOR(pg_catalog.+) interval '1 second')
        THEN
            RETURN NULL;
        END IF;
        IF pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.+) interval '1 second') THEN
            PERFORM "chrononaut".note_long();
        END IF;
        IF coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on' THEN
            RETURN NULL;
        END IF;
        PERFORM pg_catalog.set_config('chrononaut.unusual', '', true);
    ELSIF TG_WHEN OPERATOR(pg_catalog.=) 'BEFORE' THEN
        -- Whether foreign keys still need what goes, is seen after the last change.
        IF pg_catalog.strpos(coalesce(pg_catalog.current_setting('chrononaut.ending', true), ''), '|' OPERATOR(pg_catalog.||) TG_RELID::pg_catalog.text OPERATOR(pg_catalog.||) '|') OPERATOR(pg_catalog.=) 0 THEN
            PERFORM "chrononaut".note_ending(TG_RELID);
        END IF;
        RETURN NULL;
    END IF;
    -- The trigger of rows records them: see capture.sql.
    IF pg_catalog.pg_partition_root(TG_RELID) IS NOT NULL THEN
        RETURN NULL;
    END IF;

    -- The others, one by one, as rows of the table's type: all, or those that changed and
    -- have no record above the mark. Without their places, PostgreSQL 18 would fail on rows
    -- with virtual generated columns.
    fits := coalesce(CASE WHEN "chrononaut".named('"public"."todos"') OPERATOR(pg_catalog.=) TG_RELID AND pg_catalog.pg_partition_root("chrononaut".named('"public"."todos"')) IS NULL THEN "chrononaut".fits('"public"."todos"', '4f35dc8992cb48f8fb3dd4521db9e781', NULL, '{}'::pg_catalog.text[]) END, false);
    -- Plans are kept, and may have been made for one row.
    nested := pg_catalog.current_setting('enable_nestloop');
    PERFORM pg_catalog.set_config('enable_nestloop', 'off', true);
    IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        -- The transition tables have the rows before and after in the same order.
        IF fits THEN
            OPEN changes FOR SELECT o.r AS before, n.r AS after FROM (SELECT ROW("chrononaut:row".*)::"public"."todos" AS r, pg_catalog.row_number() OVER () AS place, pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key, "chrononaut:row"."version" AS version FROM old_rows AS "chrononaut:row") AS o
                JOIN (SELECT ROW("chrononaut:row".*)::"public"."todos" AS r, pg_catalog.row_number() OVER () AS place, pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key, "chrononaut:row"."version" AS version FROM new_rows AS "chrononaut:row") AS n ON n.place OPERATOR(pg_catalog.=) o.place
                WHERE v.way OPERATOR(pg_catalog.=) 0 OR pg_catalog.record_image_ne(o.r, n.r) AND NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                     WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(n.key, pg_catalog.hashtextextended('public.todos', 0))
                       AND a.version OPERATOR(pg_catalog.=) (CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN n.version OPERATOR(pg_catalog.+) 1 ELSE n.version END) AND a.id OPERATOR(pg_catalog.>) v.mark
                       AND a.transaction_id OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id())
                ORDER BY n.place;
        ELSE
            OPEN changes FOR EXECUTE pg_catalog.format('SELECT o.r AS before, n.r AS after FROM (SELECT ROW("chrononaut:row".*)::%1$s AS r, pg_catalog.row_number() OVER () AS place FROM old_rows AS "chrononaut:row") AS o JOIN (SELECT ROW("chrononaut:row".*)::%1$s AS r, pg_catalog.row_number() OVER () AS place FROM new_rows AS "chrononaut:row") AS n ON n.place OPERATOR(pg_catalog.=) o.place ORDER BY n.place', TG_RELID::pg_catalog.regclass);
        END IF;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        IF fits THEN
            OPEN changes FOR SELECT n.r AS after FROM (SELECT ROW("chrononaut:row".*)::"public"."todos" AS r, pg_catalog.row_number() OVER () AS place, pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key, "chrononaut:row"."version" AS version FROM new_rows AS "chrononaut:row") AS n
                WHERE v.way OPERATOR(pg_catalog.=) 0 OR NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                     WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(n.key, pg_catalog.hashtextextended('public.todos', 0))
                       AND a.version OPERATOR(pg_catalog.=) (CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN n.version OPERATOR(pg_catalog.+) 1 ELSE n.version END) AND a.id OPERATOR(pg_catalog.>) v.mark
                       AND a.transaction_id OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id())
                ORDER BY n.place;
        ELSE
            OPEN changes FOR EXECUTE pg_catalog.format('SELECT n.r AS after FROM (SELECT ROW("chrononaut:row".*)::%1$s AS r, pg_catalog.row_number() OVER () AS place FROM new_rows AS "chrononaut:row") AS n ORDER BY n.place', TG_RELID::pg_catalog.regclass);
        END IF;
    ELSE
        IF fits THEN
            OPEN changes FOR SELECT n.r AS before FROM (SELECT ROW("chrononaut:row".*)::"public"."todos" AS r, pg_catalog.row_number() OVER () AS place, pg_catalog.jsonb_build_object('id', "chrononaut:row"."id") AS key, "chrononaut:row"."version" AS version FROM old_rows AS "chrononaut:row") AS n
                WHERE v.way OPERATOR(pg_catalog.=) 0 OR NOT EXISTS (SELECT FROM "chrononaut".chrononaut_activity AS a
                     WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) OPERATOR(pg_catalog.=) pg_catalog.jsonb_hash_extended(n.key, pg_catalog.hashtextextended('public.todos', 0))
                       AND a.version OPERATOR(pg_catalog.=) (CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN n.version OPERATOR(pg_catalog.+) 1 ELSE n.version END) AND a.id OPERATOR(pg_catalog.>) v.mark
                       AND a.transaction_id OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id())
                ORDER BY n.place;
        ELSE
            OPEN changes FOR EXECUTE pg_catalog.format('SELECT n.r AS before FROM (SELECT ROW("chrononaut:row".*)::%1$s AS r, pg_catalog.row_number() OVER () AS place FROM old_rows AS "chrononaut:row") AS n ORDER BY n.place', TG_RELID::pg_catalog.regclass);
        END IF;
    END IF;
    PERFORM pg_catalog.set_config('enable_nestloop', nested, true);
    LOOP
        FETCH changes INTO change;
        EXIT WHEN NOT FOUND;
        IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
            PERFORM "chrononaut"."todos_a23d6084_record"(TG_OP, TG_RELID, NULL, change.after);
        ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
            PERFORM "chrononaut"."todos_a23d6084_record"(TG_OP, TG_RELID, change.before, change.after);
        ELSE
            PERFORM "chrononaut"."todos_a23d6084_record"(TG_OP, TG_RELID, change.before, NULL);
        END IF;
    END LOOP;
    CLOSE changes; -- Else it stays open until the transaction ends.
    RETURN NULL;
END
$chrononaut$;

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
#variable_conflict use_column
DECLARE
    context    jsonb;
    user_info  jsonb := '{"user_id": null, "remote_addr": null}';
    extra_info jsonb := '{}';
    statement  text;
    before_id  bigint;
    unknown    bigint;
BEGIN
    -- Of a partition that was detached, or of a table that had this one's name: its rows are
    -- not those that history knows.
    IF "chrononaut".named('"public"."todos"') <> TG_RELID
       AND NOT EXISTS (SELECT FROM pg_partition_tree("chrononaut".named('"public"."todos"')) AS p WHERE p.relid = TG_RELID)
    THEN
        RETURN NULL;
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM "chrononaut".assert_seen(TG_RELID);
    END IF;
    PERFORM "chrononaut".note_departed('public', 'todos');
    IF NOT (coalesce(pg_catalog.pg_sequence_last_value('"chrononaut".chrononaut_guarded'::pg_catalog.regclass), -1) OPERATOR(pg_catalog.&) "chrononaut".guard_bit('public', 'todos')) OPERATOR(pg_catalog.=) 0 THEN
        PERFORM "chrononaut".guard_truncate('public', 'todos');
    ELSIF strpos(current_setting('chrononaut.context', true), '"leases"') > 0 THEN
        PERFORM "chrononaut".lease_fence();
    END IF;
    IF coalesce(current_setting('chrononaut.suppressed', true), '') = 'on' AND "chrononaut".is_suppressed() THEN
        PERFORM "chrononaut".note_disturbed('public', 'todos');
        RETURN NULL;
    END IF;
    BEGIN
        context := nullif(current_setting('chrononaut.context', true), '')::jsonb;
    EXCEPTION WHEN data_exception THEN
        PERFORM "chrononaut".context_error();
    END;
    IF context IS NOT NULL THEN
        IF jsonb_typeof(context) <> 'object'
           OR jsonb_typeof(coalesce(context -> 'user_info', '{}')) <> 'object'
           OR jsonb_typeof(coalesce(context -> 'extra_info', '{}')) <> 'object'
        THEN
            PERFORM "chrononaut".context_error();
        END IF;
        user_info := user_info || coalesce(context -> 'user_info', '{}');
        extra_info := coalesce(context -> 'extra_info', '{}');
    END IF;
    IF context IS NULL OR NOT (context ? 'change_info' OR extra_info ? 'rationale') THEN
        PERFORM "chrononaut".unattributed_error('public', 'todos');
    END IF;

    -- TRUNCATE also removes rows that a fixed snapshot does not see, as of
    -- transactions that have ended since.
    IF current_setting('transaction_isolation') <> 'read committed' AND "chrononaut".ended_since(pg_current_snapshot()) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
            MESSAGE = 'TRUNCATE of todos could not be recorded: other transactions have ended since this one took its snapshot',
            HINT = 'Repeat the transaction, or truncate in one of READ COMMITTED.';
    END IF;

    -- TRUNCATE is rare and reads the whole table: the catalog says what its
    -- columns are now. $1 and $2 are the table's names in history.
    statement := pg_catalog.format(
        'SELECT %s AS key, %s AS image, t.%I AS version FROM %s AS t',
        "chrononaut".key_sql(TG_RELID, 't'),
        "chrononaut".image_sql(TG_RELID, '{}'::pg_catalog.text[]::text[], 't'),
        'version', TG_RELID::regclass);

    -- The state of rows that history does not know yet.
    SELECT max(a.id) INTO before_id FROM "chrononaut".chrononaut_activity AS a;
    EXECUTE 'INSERT INTO "chrononaut".chrononaut_activity
                    (table_name, version, key, data, user_info, extra_info, operation, table_schema)
             SELECT $2, 0, r.key, r.image || pg_catalog.jsonb_build_object(''version'', 0),
                    ''{"user_id": null, "remote_addr": null}'', ''{}'', ''baseline'', $1
               FROM (' || statement || ') AS r
              WHERE r.version IS NULL AND "chrononaut".last_version($1, $2, r.key) IS NULL
             ON CONFLICT DO NOTHING'
        USING 'public', 'todos';
    GET DIAGNOSTICS unknown = ROW_COUNT;
    IF unknown > 0 THEN
        PERFORM "chrononaut".add_keys('public', 'todos', coalesce(before_id, 0));
    END IF;

    EXECUTE 'INSERT INTO "chrononaut".chrononaut_activity
                    (table_name, version, key, data, user_info, extra_info, operation, table_schema)
             SELECT $2, r.next, r.key, r.image || pg_catalog.jsonb_build_object(''version'', r.next),
                    $3, $4, ''truncate'', $1
               FROM (SELECT s.*, greatest(s.version, "chrononaut".last_version($1, $2, s.key), 0) + 1 AS next
                       FROM (' || statement || ') AS s) AS r'
        USING 'public', 'todos', user_info, extra_info;
    PERFORM "chrononaut".note_long();
    RETURN NULL;
END
$chrononaut$;

