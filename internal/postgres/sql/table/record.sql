{{- /*
Writes the history of one row that was written. The statement triggers call it for
what is not the usual change (statement.sql), the row trigger for every row. Its
parameters are what PL/pgSQL gives a row trigger. All SQL in it is static.
Columns are named in it only where they must be (key, version, hidden and
untracked columns, types that JSON cannot hold), so that added columns are
captured without a new version of it. When one of the named columns is gone or
has another type, the block's exception handler reads the catalog instead.
*/ -}}
{{- define "renumber"}}
        image := image || pg_catalog.jsonb_build_object({{literal .VersionColumn}}, row_version
            {{- if .VersionKey}}, 'version', row_version{{end}});
{{- end -}}

{{- define "record"}}
        INSERT INTO {{schema}}.chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user, previous_key)
        VALUES ({{literal .Name}}, clock_timestamp(), row_version, record_key, image, user_info, extra_info, CASE WHEN restoring AND what <> 'delete' THEN 'restore' ELSE what END, {{literal .Schema}}, pg_current_xact_id(), session_user, old_key)
{{- end -}}
CREATE OR REPLACE FUNCTION {{.Function "record"}}(tg_op text, tg_relid oid, old record, new record) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    {{template "settings"}}
AS {{dollar}}
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
{{- range .Keys}}
    {{.Variable}}        {{.KeyType}};
{{- end}}
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
{{- if .Hidden}}
    hidden       text[];
{{- end}}
{{- if .Adopted}}
    unknown      boolean;
{{- end}}
{{- if .Partitioned}}
    moved        record;
{{- end}}
BEGIN
    -- A parameter that is NULL has no fields.
    IF TG_OP = 'INSERT' THEN
        OLD := NEW;
    ELSIF TG_OP = 'DELETE' THEN
        NEW := OLD;
        {{template "departed" .}}
    END IF;
    {{- template "assert_seen" .}}
    -- Records may be held or leased: that counts for every write, also for one that
    -- is not captured.
    IF NOT {{template "bit_clear" (named . "chrononaut_guarded")}} THEN
        BEGIN
            old_state := CASE WHEN TG_OP <> 'INSERT' THEN pg_catalog.to_jsonb(OLD) END;
            new_state := CASE WHEN TG_OP <> 'DELETE' THEN pg_catalog.to_jsonb(NEW) END;
        EXCEPTION WHEN data_exception THEN
            -- A value that jsonb cannot hold.
            IF TG_OP <> 'INSERT' THEN
                EXECUTE 'SELECT ' || {{schema}}.image_sql(TG_RELID, '{}', '($1)') INTO old_state USING OLD;
            END IF;
            IF TG_OP <> 'DELETE' THEN
                EXECUTE 'SELECT ' || {{schema}}.image_sql(TG_RELID, '{}', '($1)') INTO new_state USING NEW;
            END IF;
        END;
        PERFORM {{schema}}.guard_row({{literal .Schema}}, {{literal .Name}}, TG_OP, old_state, new_state);
        fenced := true;
    END IF;
    IF coalesce(current_setting('chrononaut.suppressed', true), '') = 'on' AND {{schema}}.is_suppressed() THEN
        IF strpos(current_setting('chrononaut.context', true), '"leases"') > 0 THEN
            PERFORM {{schema}}.lease_fence();
        END IF;
        PERFORM {{schema}}.note_disturbed({{literal .Schema}}, {{literal .Name}});
        RETURN NULL;
    END IF;

    -- Nothing tracked has changed: the version trigger has decided so. It is
    -- the last BEFORE trigger unless the application named one to follow it, or
    -- a generated column changed, so an unchanged version is looked at again; and
    -- so is one that this function corrects.
    IF TG_OP = 'UPDATE' AND (NEW.{{ident .VersionColumn}} IS NOT DISTINCT FROM OLD.{{ident .VersionColumn}}
                             OR coalesce(current_setting('chrononaut.renumber', true), '') = 'on') THEN
        {{- template "changed" (compare . .Untracked)}}
        IF NOT changed THEN
            IF strpos(current_setting('chrononaut.context', true), '"leases"') > 0 THEN
                PERFORM {{schema}}.lease_fence();
            END IF;
            RETURN NULL;
        END IF;
    END IF;
{{- if .HiddenColumns}}

    -- A hidden column that was renamed would be written under its new name.
    IF {{range $i, $c := .HiddenColumns}}{{if $i}} OR {{end -}}
        (pg_catalog.pg_identify_object_as_address('pg_catalog.pg_class'::regclass, TG_RELID, {{$c.Attnum}})).object_names[3] IS DISTINCT FROM {{literal $c.Name}}
    {{- end}} THEN
        PERFORM {{schema}}.assert_hidden(TG_RELID, {{textArray .HiddenNames}}, {{.HiddenAttnums}}, {{.HiddenOrdinals}});
    END IF;
{{- end}}

    -- Who and why. A setting that was local to a transaction reads as the empty
    -- string afterwards.
    BEGIN
        context := nullif(current_setting('chrononaut.context', true), '')::jsonb;
    EXCEPTION WHEN data_exception THEN
        PERFORM {{schema}}.context_error();
    END;
    IF context IS NOT NULL THEN
        IF jsonb_typeof(context) <> 'object'
           OR jsonb_typeof(coalesce(context -> 'user_info', '{}')) <> 'object'
           OR jsonb_typeof(coalesce(context -> 'extra_info', '{}')) <> 'object'
        THEN
            PERFORM {{schema}}.context_error();
        END IF;
        -- Leases that the write is made under have to run, also for a write that is not
        -- captured: see above.
        IF context ? 'leases' AND fenced IS NOT TRUE THEN
            PERFORM {{schema}}.lease_fence();
        END IF;
        user_info := user_info || coalesce(context -> 'user_info', '{}');
        extra_info := coalesce(context -> 'extra_info', '{}');
        -- The statements of a plan bring something back; what triggers and
        -- cascades do because of them does not.
        restoring := context ->> 'operation' = 'restore' AND pg_trigger_depth() = 1;
        IF restoring AND NOT extra_info ? 'rationale' THEN
            PERFORM {{schema}}.context_error();
        END IF;
    END IF;
{{- if .Strict}}
    IF context IS NULL OR NOT (context ? 'change_info' OR extra_info ? 'rationale') THEN
        PERFORM {{schema}}.unattributed_error({{literal .Schema}}, {{literal .Name}});
    END IF;
{{- end}}

    -- The state before the first recorded change of a row that was there
    -- before tracking began.
{{- if .Adopted}} The version column is older than
    -- tracking, so that a row without history may have a version.
    IF TG_OP <> 'INSERT' THEN
        BEGIN
            unknown := OLD.{{ident .VersionColumn}} IS NULL OR NOT EXISTS (
                SELECT FROM {{schema}}.chrononaut_activity AS a
                 WHERE {{.RecordHash "a.key"}} = {{.RecordHashOf (.KeyObject "OLD")}}
                   AND a.key = {{.KeyObject "OLD"}} AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}}
                   AND (a.previous_key IS NULL OR a.transaction_id <> pg_current_xact_id())){{.UnknownElsewhere (.KeyObject "OLD")}};
        EXCEPTION WHEN undefined_column OR datatype_mismatch THEN
            unknown := true;
        END;
    END IF;
{{- end}}
    IF TG_OP <> 'INSERT' AND {{if .Adopted}}unknown{{else}}OLD.{{ident .VersionColumn}} IS NULL{{end}} THEN
        PERFORM {{.Function "baseline"}}(TG_RELID, OLD, {{if .Adopted}}coalesce(OLD.{{ident .VersionColumn}}, 0){{else}}0{{end}});
    END IF;

    IF TG_OP = 'DELETE' THEN
        row_version := coalesce(OLD.{{ident .VersionColumn}}, {{.LastVersion}}({{literal .Schema}}, {{literal .Name}}, record_key), 0) + 1;
        {{- template "image" (image . "OLD")}}
{{- if .Partitioned}}
        -- An UPDATE moves the row to another partition: the INSERT that follows
        -- records it.
        IF EXISTS (SELECT FROM {{schema}}.chrononaut_move AS m
                    WHERE m.transaction_id = pg_current_xact_id() AND m.table_schema = {{literal .Schema}}
                      AND m.table_name = {{literal .Name}} AND m.old_key = record_key AND m.inserted)
        THEN
            RETURN NULL;
        END IF;
{{- end}}
    ELSE
        row_version := coalesce(NEW.{{ident .VersionColumn}}, 0);
        IF TG_OP = 'UPDATE' AND NEW.{{ident .VersionColumn}} IS NOT DISTINCT FROM OLD.{{ident .VersionColumn}} THEN
            row_version := coalesce(OLD.{{ident .VersionColumn}}, 0) + 1;
        END IF;
        {{- template "image" (image . "NEW")}}
        IF TG_OP = 'UPDATE' THEN
            BEGIN
                old_key := nullif({{.KeyObject "OLD"}}, record_key);
            EXCEPTION WHEN undefined_column OR datatype_mismatch THEN
                EXECUTE 'SELECT ' || {{schema}}.key_sql(TG_RELID, '($1)') INTO old_key USING OLD;
                old_key := nullif(old_key, record_key);
            END;
        END IF;
{{- if .Partitioned}}
        DELETE FROM {{schema}}.chrononaut_move AS m
         WHERE m.transaction_id = pg_current_xact_id() AND m.table_schema = {{literal .Schema}}
           AND m.table_name = {{literal .Name}} AND m.new_key = record_key AND m.version = row_version
        RETURNING m.old_key, m.hidden INTO moved;
        IF TG_OP = 'INSERT' AND FOUND THEN
            what := 'update';
            old_key := nullif(moved.old_key, record_key);
        END IF;
{{- end}}
    END IF;
{{- if .Hidden}}

    -- That a hidden column changed is recorded, its value never is.
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            hidden := array_remove(ARRAY[
{{- range $i, $c := .Hidden}}{{if $i}}, {{end}}CASE WHEN ROW(OLD.{{ident $c}})::record *<> ROW(NEW.{{ident $c}})::record THEN {{literal $c}} END{{end}}]::text[], NULL);
{{- if .Partitioned}}
        ELSIF what = 'update' THEN
            hidden := moved.hidden;
{{- end}}
        ELSIF TG_OP = 'INSERT' THEN
            hidden := array_remove(ARRAY[
{{- range $i, $c := .Hidden}}{{if $i}}, {{end}}CASE WHEN NEW.{{ident $c}} IS NOT NULL THEN {{literal $c}} END{{end}}]::text[], NULL);
        END IF;
    EXCEPTION WHEN undefined_column OR datatype_mismatch THEN
        -- One of them was dropped; which of the others changed is not known.
        hidden := NULL;
    END;
{{- end}}
    IF context ? 'records' THEN
        extra_info := extra_info || {{schema}}.record_info(context, {{literal .Schema}}, {{literal .Name}}, record_key);
    END IF;
    IF restoring THEN
        -- What it was: whether there was a record before.
        extra_info := extra_info || pg_catalog.jsonb_build_object('restore',
            CASE WHEN jsonb_typeof(extra_info -> 'restore') = 'object' THEN extra_info -> 'restore' ELSE '{}' END || pg_catalog.jsonb_build_object('operation', what));
    END IF;
{{- if .Hidden}}
    IF cardinality(hidden) > 0 THEN
        extra_info := extra_info || pg_catalog.jsonb_build_object('hidden_cols_changed', pg_catalog.to_jsonb(hidden));
    END IF;
{{- end}}

    -- What is checked when the rows are written already is seen after the last
    -- change: whether foreign keys {{if .Deferrable}}hold{{else}}still need what goes{{end}}.
    IF {{if not .Deferrable}}(TG_OP = 'DELETE' OR old_key IS NOT NULL) AND {{end}}{{template "unending"}} THEN
        PERFORM {{schema}}.note_ending(TG_RELID);
    END IF;

    -- When one statement gives several records each other's keys, the change
    -- that takes a key away must not have a higher version than the one that
    -- gives it to the next record. The version trigger has seen all of the
    -- statement's rows by now, and kept the highest version: a key that history
    -- knows is taken at that one.
    renumbered := false;
    IF old_key IS NOT NULL
       AND {{schema}}.rekeyed() > row_version
       AND {{.LastVersion}}({{literal .Schema}}, {{literal .Name}}, record_key) IS NOT NULL
    THEN
        row_version := {{schema}}.rekeyed();
        renumbered := true;
        {{- template "renumber" .}}
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
              OR EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                          WHERE {{.RecordHash "a.key"}} = {{.RecordHashOf "record_key"}}
                            AND a.version >= row_version AND a.transaction_id IS DISTINCT FROM pg_current_xact_id()
                            AND a.key = record_key AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}})
              OR EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                          WHERE {{.RecordHash "a.previous_key"}} = {{.RecordHashOf "record_key"}}
                            AND a.previous_key IS NOT NULL
                            AND a.version >= row_version
                            -- Records that exchange their keys have the same version.
                            AND (what = 'insert' OR a.version > row_version)
                            AND a.previous_key = record_key AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}});
    END IF;
    IF NOT taken THEN
        {{- template "record" .}}
        ON CONFLICT DO NOTHING;
        taken := NOT FOUND;
    END IF;
    IF taken THEN
        row_version := greatest({{.LastVersion}}({{literal .Schema}}, {{literal .Name}}, record_key) + 1, row_version);
{{- if not .Partitioned}}
        -- The DELETE of the same statement is recorded after this: see the version trigger.
        IF TG_OP = 'INSERT' AND {{template "alive" .}} THEN
            row_version := row_version + 1;
        END IF;
{{- end}}
        {{- template "renumber" .}}
        {{- template "record" .}}
        ON CONFLICT DO NOTHING;
        -- A fixed snapshot does not see the version of a life that ended since.
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
                MESSAGE = {{literal (printf "another transaction has recorded a change of the same record of table %s" .Name)}},
                HINT = 'Repeat the transaction.';
        END IF;
    END IF;
    IF (taken OR renumbered) AND TG_OP <> 'DELETE' THEN
        PERFORM set_config('chrononaut.renumber', 'on', true);
        BEGIN
            IF {{template "has_name" .}} THEN
                UPDATE {{.Qualified}} AS t SET {{ident .VersionColumn}} = v.row_version
                 WHERE {{template "same_row" .}};
                GET DIAGNOSTICS corrected = ROW_COUNT;
            END IF;
        EXCEPTION WHEN undefined_column OR undefined_table OR datatype_mismatch THEN
            -- The catalog knows.
        END;
        IF corrected IS NULL THEN
            EXECUTE 'UPDATE ' || TG_RELID::regclass || ' AS t SET ' || quote_ident({{literal .VersionColumn}}) || ' = $1 WHERE '
                 || {{schema}}.key_sql(TG_RELID, 't') || ' = $2'
              USING row_version, record_key;
            GET DIAGNOSTICS corrected = ROW_COUNT;
        END IF;
        -- An application's trigger may have taken the row away, and row security may
        -- have hidden it.
        IF corrected = 0 AND row_security_active(TG_RELID) THEN
            RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
                MESSAGE = {{literal (printf "row security keeps the version of a row of table %s from being corrected" .Name)}},
                HINT = 'Let the owner of the trigger functions bypass row security.';
        END IF;
        PERFORM set_config('chrononaut.renumber', '', true);
    END IF;

    -- The key, by which queries of the past find the record.
    IF TG_OP = 'INSERT' THEN
        IF {{range $i, $k := .Keys}}{{if $i}} OR {{end}}{{$k.Variable}} IS NULL{{end}} THEN
            PERFORM {{schema}}.add_key({{literal .Schema}}, {{literal .Name}}, record_key, false);
        ELSE
            INSERT INTO {{.KeysTable}} (record, key{{range .Keys}}, {{.KeysColumn}}{{end}})
            VALUES ({{.RecordHashOf "record_key"}}, record_key{{range .Keys}}, {{.Variable}}{{end}})
                ON CONFLICT DO NOTHING;
        END IF;
    ELSIF old_key IS NOT NULL THEN
        PERFORM {{schema}}.add_key({{literal .Schema}}, {{literal .Name}}, record_key, false);
    END IF;
    IF old_key IS NOT NULL THEN
        PERFORM {{schema}}.add_key({{literal .Schema}}, {{literal .Name}}, old_key, true);
        PERFORM {{schema}}.lease_follow({{literal .Schema}}, {{literal .Name}}, old_key, record_key);
    END IF;
    IF clock_timestamp() > now() + interval '1 second' THEN
        PERFORM {{schema}}.note_long();
    END IF;
    RETURN NULL;
END
{{dollar}}
