{{- /*
The BEFORE ROW trigger of one table: sets the version column. It sets no search_path,
which would take longer than all the rest, so that everything in it is qualified,
operators too.
*/ -}}
CREATE OR REPLACE FUNCTION {{.Function "version"}}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
AS {{dollar}}
{{- if or .Quick .QuickInsert}}
DECLARE
{{- if .QuickInsert}}
    hash      bigint;
{{- end}}
{{- if .Quick}}
    row_image pg_catalog.record;
{{- end}}
{{- end}}
BEGIN
{{- if .Deferrable}}
    -- Whether foreign keys hold, is seen after the last change.
    IF {{template "unending"}} THEN
        PERFORM {{schema}}.note_ending(TG_RELID);
    END IF;
{{- end}}
{{- if or .Quick .QuickInsert}}
    BEGIN
{{- if .Quick}}
        -- The usual UPDATE: neither the key nor the version is given another value. Rows are
        -- compared by image: see changed.sql.
        IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE'
           AND NEW.{{ident .VersionColumn}} OPERATOR(pg_catalog.=) OLD.{{ident .VersionColumn}}
           AND {{.SameKey "OLD" "NEW"}}
           AND coalesce(pg_catalog.current_setting('chrononaut.suppressed', true), '') OPERATOR(pg_catalog.<>) 'on'
        THEN
            -- A copy is compared: large values are fetched into what is compared, and of NEW
            -- would be stored again.
            row_image := NEW;
            IF pg_catalog.record_image_ne(OLD, row_image) THEN
                NEW.{{ident .VersionColumn}} := OLD.{{ident .VersionColumn}} OPERATOR(pg_catalog.+) 1;
            END IF;
            RETURN NEW;
        END IF;
{{- end}}
{{- if .QuickInsert}}
        -- The usual INSERT: history does not know the key. If what it knows is only that
        -- another record left the key, the capture trigger puts the version right.
        IF TG_OP OPERATOR(pg_catalog.=) 'INSERT'
           AND coalesce(pg_catalog.current_setting('chrononaut.suppressed', true), '') OPERATOR(pg_catalog.<>) 'on'
        THEN
            hash := {{.RecordHashOf (.KeyObject "NEW")}};
            IF NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a WHERE {{.RecordHash "a.key"}} OPERATOR(pg_catalog.=) hash) THEN
                NEW.{{ident .VersionColumn}} := 0;
                RETURN NEW;
            END IF;
        END IF;
{{- end}}
    EXCEPTION WHEN undefined_column OR undefined_function OR datatype_mismatch THEN
        -- The table is no longer as it was when this function was generated.
    END;
{{- end}}
    RETURN {{.Function "number"}}(TG_OP, TG_RELID, OLD, NEW);
END
{{dollar}}
