{{- /*
The BEFORE ROW trigger of one table: sets the version column. It sets no search_path,
which would take longer than all the rest, so that everything in it is qualified,
operators too.
*/ -}}
CREATE OR REPLACE FUNCTION {{.Function "version"}}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
AS {{dollar}}
{{- if .Quick}}
DECLARE
    row_image pg_catalog.record;
    noted     pg_catalog.text;
{{- end}}
BEGIN
{{- if .Deferrable}}
    -- Whether foreign keys hold, is seen after the last change.
    IF {{template "unending"}} THEN
        PERFORM {{schema}}.note_ending(TG_RELID);
    END IF;
{{- end}}
{{- if or .Quick .QuickInsert}}
    IF {{template "key_fits" .}} THEN
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
            ELSIF coalesce(pg_catalog.current_setting('chrononaut.unchanged', true), '') OPERATOR(pg_catalog.<>) 'on' THEN
                -- Perhaps no row of the statement changes: see statement.sql.
                noted := pg_catalog.set_config('chrononaut.unchanged', 'on', true);
            END IF;
            RETURN NEW;
        END IF;
{{- end}}
{{- if .QuickInsert}}
        IF TG_OP OPERATOR(pg_catalog.=) 'INSERT'
           AND coalesce(pg_catalog.current_setting('chrononaut.suppressed', true), '') OPERATOR(pg_catalog.<>) 'on'
        THEN
            -- The key is new where no record has ever gone; or the row is there, and ON CONFLICT
            -- makes this an UPDATE that is based on no version.
            IF coalesce(NEW.{{ident .VersionColumn}}, 0) OPERATOR(pg_catalog.=) 0 AND pg_catalog.pg_trigger_depth() OPERATOR(pg_catalog.=) 1
               AND {{template "bit_clear" (named . "chrononaut_departed")}}
            THEN
                NEW.{{ident .VersionColumn}} := 0;
                RETURN NEW;
            END IF;
            -- Or history does not know it: asked by itself, since a condition with a query in it is
            -- run as one. If what it knows is only that another record left the
            -- key, the capture trigger puts the version right.
            IF NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                            WHERE {{.RecordHash "a.key"}} OPERATOR(pg_catalog.=) {{.RecordHashOf (.KeyObject "NEW")}})
            THEN
                NEW.{{ident .VersionColumn}} := 0;
                RETURN NEW;
            END IF;
        END IF;
{{- end}}
    END IF;
{{- end}}
    RETURN {{.Function "number"}}(TG_OP, TG_RELID, OLD, NEW);
END
{{dollar}}
