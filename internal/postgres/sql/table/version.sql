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
    old_image pg_catalog.record;
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
{{- if .QuickInsert}}
    -- The usual INSERT: history does not know the key.
    BEGIN
        IF TG_OP OPERATOR(pg_catalog.=) 'INSERT'
           AND coalesce(pg_catalog.current_setting('chrononaut.suppressed', true), '') OPERATOR(pg_catalog.<>) 'on'
        THEN
            hash := {{.RecordHashOf (.KeyObject "NEW")}};
            IF NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a WHERE {{.RecordHash "a.key"}} OPERATOR(pg_catalog.=) hash)
               AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                                WHERE {{.RecordHash "a.previous_key"}} OPERATOR(pg_catalog.=) hash AND a.previous_key IS NOT NULL)
            THEN
                NEW.{{ident .VersionColumn}} := 0;
                RETURN NEW;
            END IF;
        END IF;
    EXCEPTION WHEN undefined_column OR undefined_function OR datatype_mismatch THEN
        -- The table is no longer as it was when this function was generated.
    END;
{{- end}}
{{- if .Quick}}
    -- The usual UPDATE: neither the key nor the version is given another value. Rows are
    -- compared by image: see changed.sql.
    BEGIN
        IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE'
           AND NEW.{{ident .VersionColumn}} OPERATOR(pg_catalog.=) OLD.{{ident .VersionColumn}}
           AND {{.SameKey "OLD" "NEW"}}
           AND coalesce(pg_catalog.current_setting('chrononaut.suppressed', true), '') OPERATOR(pg_catalog.<>) 'on'
        THEN
            -- Copies are compared: large values are fetched into what is compared, and of NEW
            -- would be stored again.
            old_image := OLD;
            row_image := NEW;
            IF pg_catalog.record_image_ne(old_image, row_image) THEN
                NEW.{{ident .VersionColumn}} := OLD.{{ident .VersionColumn}} OPERATOR(pg_catalog.+) 1;
            END IF;
            RETURN NEW;
        END IF;
    EXCEPTION WHEN undefined_column OR undefined_function OR datatype_mismatch THEN
        -- The table is no longer as it was when this function was generated.
    END;
{{- end}}
    RETURN {{.Function "number"}}(TG_OP, TG_RELID, OLD, NEW);
END
{{dollar}}
