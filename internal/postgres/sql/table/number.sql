{{- /*
Numbers one row before it is written: sets the version column and, where asked
for, change_info and changed on the row itself (RecordChanges). The BEFORE ROW
trigger calls it for what is not the usual UPDATE: see version.sql. Its parameters
are what PL/pgSQL gives a trigger.
*/ -}}
CREATE OR REPLACE FUNCTION {{.Function "number"}}(tg_op text, tg_relid oid, old record, new record) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    {{if .KeyNeedsSettings}}{{template "settings"}}{{else}}SET search_path = pg_catalog, pg_temp{{end}}
AS {{dollar}}
#variable_conflict use_column
DECLARE
    old_image  record;
    row_image  record;
    changed    boolean;
    record_key jsonb;
    old_key    jsonb;
{{- if .History}}
    following  integer;
    corrected  integer;
{{- end}}
{{- if .RecordChanges}}
    context    jsonb;
{{- end}}
{{- if and .Partitioned .Hidden}}
    hidden     text[];
{{- end}}
BEGIN
    IF TG_OP = 'INSERT' THEN
        OLD := NEW; -- A parameter that is NULL has no fields.
    END IF;
    IF coalesce(current_setting('chrononaut.suppressed', true), '') = 'on' AND {{schema}}.is_suppressed() THEN
{{- if .History}}
        IF TG_OP = 'INSERT' THEN
            -- No version: the first change that is captured records this state.
            NEW.{{ident .VersionColumn}} := NULL;
        END IF;
{{- end}}
        RETURN NEW;
    END IF;

    IF TG_OP = 'UPDATE' THEN
{{- if .History}}
        -- A version that the statement gives is the one that it is based on, or,
        -- of a writer that counts itself, the next. That the capture trigger
        -- corrects the version is no such statement.
        IF NEW.{{ident .VersionColumn}} IS DISTINCT FROM OLD.{{ident .VersionColumn}}
           AND coalesce(NEW.{{ident .VersionColumn}}::bigint - coalesce(OLD.{{ident .VersionColumn}}, 0), -1) NOT BETWEEN 0 AND 1
           AND (coalesce(current_setting('chrononaut.renumber', true), '') <> 'on' OR pg_trigger_depth() < 2)
        THEN
            PERFORM {{schema}}.stale_write(TG_RELID, {{literal .Schema}}, {{literal .Name}}, {{literal .VersionColumn}}, {{textArray .Excluded}}, OLD, NEW,
                NEW.{{ident .VersionColumn}}, OLD.{{ident .VersionColumn}});
        END IF;
{{- end}}
{{- if .History}}
        -- The capture trigger corrects the version. A trigger of somebody else's may set
        -- the setting too, so the version must be the one that history has, or the next that
        -- Python is about to write.
        IF coalesce(current_setting('chrononaut.renumber', true), '') = 'on' AND pg_trigger_depth() > 1 THEN
            EXECUTE 'SELECT ' || {{schema}}.key_sql(TG_RELID, '($1)') INTO record_key USING NEW;
            IF {{schema}}.is_renumbered({{literal .Schema}}, {{literal .Name}}, NEW.{{ident .VersionColumn}},
                                        {{.LastVersion}}({{literal .Schema}}, {{literal .Name}}, record_key)) THEN
                corrected := NEW.{{ident .VersionColumn}};
            END IF;
        END IF;
{{- end}}
        {{- template "changed" (compare . .NotCompared)}}
        IF NOT changed THEN
{{- if .History}}
            NEW.{{ident .VersionColumn}} := coalesce(corrected, OLD.{{ident .VersionColumn}});
{{- end}}
            RETURN NEW;
        END IF;
    END IF;
{{- if .RecordChanges}}

    BEGIN
        context := nullif(current_setting('chrononaut.context', true), '')::jsonb;
    EXCEPTION WHEN data_exception THEN
        PERFORM {{schema}}.context_error();
    END;
{{- if .Strict}}
    IF context IS NULL OR NOT (context ? 'change_info' OR coalesce(context -> 'extra_info', '{}') ? 'rationale') THEN
        PERFORM {{schema}}.unattributed_error({{literal .Schema}}, {{literal .Name}});
    END IF;
{{- end}}
    NEW."change_info" := '{"user_id": null, "remote_addr": null}'::jsonb
        || coalesce(context -> 'user_info', '{}')
        || CASE WHEN coalesce(context -> 'extra_info', '{}') <> '{}'
                THEN pg_catalog.jsonb_build_object('extra', context -> 'extra_info') ELSE '{}' END;
    NEW."changed" := clock_timestamp();
{{- end}}
{{- if .History}}

    BEGIN
        record_key := {{.KeyObject "NEW"}};
        IF TG_OP = 'UPDATE' THEN
            old_key := {{.KeyObject "OLD"}};
        END IF;
    EXCEPTION WHEN undefined_column OR datatype_mismatch THEN
        EXECUTE 'SELECT ' || {{schema}}.key_sql(TG_RELID, '($1)') INTO record_key USING NEW;
        IF TG_OP = 'UPDATE' THEN
            EXECUTE 'SELECT ' || {{schema}}.key_sql(TG_RELID, '($1)') INTO old_key USING OLD;
        END IF;
    END;

    IF TG_OP = 'INSERT' THEN
{{- if .Partitioned}}
        -- The second half of an UPDATE that moves the row to this partition.
        UPDATE {{schema}}.chrononaut_move AS m SET inserted = true
         WHERE m.transaction_id = pg_current_xact_id() AND m.table_schema = {{literal .Schema}}
           AND m.table_name = {{literal .Name}} AND m.new_key = record_key
           AND m.version = NEW.{{ident .VersionColumn}};
        IF FOUND THEN
            RETURN NEW;
        END IF;
{{- end}}
        -- A key that was deleted and comes back continues its versions. Another
        -- transaction may still have the key: the capture trigger, which runs
        -- once the row has its place in the unique index, looks again.
        following := coalesce({{.LastVersion}}({{literal .Schema}}, {{literal .Name}}, record_key) + 1, 0);
{{- if not .Python}}
        -- A version that the statement gives counts for nothing, unless the row is
        -- there and ON CONFLICT makes this an UPDATE: excluded has to say what was
        -- given then, 0 where nothing was. If the row goes meanwhile, the capture trigger
        -- puts it right.
        IF following > 0 AND coalesce(NEW.{{ident .VersionColumn}}, 0) <> following THEN
            BEGIN
                IF {{template "has_name" .}} AND EXISTS (SELECT FROM {{.Qualified}} AS t WHERE {{template "same_row" .}}) THEN
                    NEW.{{ident .VersionColumn}} := coalesce(NEW.{{ident .VersionColumn}}, 0);
                    RETURN NEW;
                END IF;
            EXCEPTION WHEN undefined_column OR undefined_table OR datatype_mismatch THEN
                -- Without a look at the index that would take too long.
            END;
        END IF;
{{- end}}
{{- if not .Partitioned}}
        -- The row that had the key is gone, and its DELETE is not recorded yet: it is of the
        -- same statement, or fired the trigger in which this one runs. The version in between
        -- is for it.
        IF following > 0 AND {{template "alive" .}} THEN
            BEGIN
                IF {{template "has_name" .}} AND NOT EXISTS (SELECT FROM {{.Qualified}} AS t WHERE {{template "same_row" .}}) THEN
                    following := following + 1;
                END IF;
            EXCEPTION WHEN undefined_column OR undefined_table OR datatype_mismatch THEN
                -- Without a look at the index that would take too long.
            END;
        END IF;
{{- end}}
        NEW.{{ident .VersionColumn}} := following;
    ELSIF OLD.{{ident .VersionColumn}} IS NULL THEN
        PERFORM {{.Function "baseline"}}(TG_RELID, OLD, 0);
        NEW.{{ident .VersionColumn}} := coalesce({{.LastVersion}}({{literal .Schema}}, {{literal .Name}}, old_key), 0) + 1;
    ELSE
        -- What triggers of the application change in a row whose version is corrected is the
        -- next version.
        NEW.{{ident .VersionColumn}} := coalesce(corrected, OLD.{{ident .VersionColumn}}) + 1;
    END IF;
    IF TG_OP = 'UPDATE' AND record_key <> old_key THEN
{{- if not .Deferrable}}
        -- Whether foreign keys still need the key, is seen after the last change.
        IF {{template "unending"}} THEN
            PERFORM {{schema}}.note_ending(TG_RELID);
        END IF;
{{- end}}
        -- Versions of a key only ever grow, also when another record takes it.
        NEW.{{ident .VersionColumn}} := greatest(NEW.{{ident .VersionColumn}},
            {{.LastVersion}}({{literal .Schema}}, {{literal .Name}}, record_key) + 1);
        -- For records that exchange their keys: see the capture trigger.
        PERFORM {{schema}}.note_rekeyed(NEW.{{ident .VersionColumn}});
        PERFORM {{schema}}.unsettle({{literal .Schema}}, {{literal .Name}});
        PERFORM {{schema}}.note_departed({{literal .Schema}}, {{literal .Name}});
{{- if .Partitioned}}
{{- if .Hidden}}
        BEGIN
            hidden := array_remove(ARRAY[
{{- range $i, $c := .Hidden}}{{if $i}}, {{end}}CASE WHEN ROW(OLD.{{ident $c}})::record *<> ROW(NEW.{{ident $c}})::record THEN {{literal $c}} END{{end}}]::text[], NULL);
        EXCEPTION WHEN undefined_column OR datatype_mismatch THEN
            hidden := NULL;
        END;
{{- end}}
        INSERT INTO {{schema}}.chrononaut_move (transaction_id, table_schema, table_name, old_key, new_key, version
            {{- if .Hidden}}, hidden{{end}})
        VALUES (pg_current_xact_id(), {{literal .Schema}}, {{literal .Name}}, old_key, record_key, NEW.{{ident .VersionColumn}}
            {{- if .Hidden}}, hidden{{end}});
{{- end}}
    END IF;
{{- end}}
    RETURN NEW;
END
{{dollar}}
