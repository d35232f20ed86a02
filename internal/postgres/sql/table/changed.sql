{{- /*
Sets changed: whether OLD and NEW differ in a column that counts. Rows are
compared by image (*<>), which works for types without equality and sees
1.0 becoming 1.00. The version column never counts.
*/ -}}
{{- define "changed"}}
    BEGIN
        old_image := OLD;
        row_image := NEW;
        old_image.{{ident .Table.VersionColumn}} := NULL;
        row_image.{{ident .Table.VersionColumn}} := NULL;
{{- range .Ignored}}
        old_image.{{ident .}} := NULL;
        row_image.{{ident .}} := NULL;
{{- end}}
        changed := old_image *<> row_image;
    EXCEPTION WHEN undefined_column OR datatype_mismatch OR integrity_constraint_violation THEN
        -- A column that does not count is gone, or is of a domain that refuses
        -- NULL; those that are left decide.
        EXECUTE 'SELECT ' || {{schema}}.image_sql(TG_RELID, {{textArray .IgnoredAndVersion}}::text[], '($1)')
             || ' IS DISTINCT FROM ' || {{schema}}.image_sql(TG_RELID, {{textArray .IgnoredAndVersion}}::text[], '($2)')
            INTO changed USING OLD, NEW;
    END;
{{- end -}}
