{{- /* Sets record_key and image from the row, the version being row_version. */ -}}
{{- define "image"}}
    BEGIN
        record_key := {{.Table.KeyObject .Row}};
{{- if eq .Row "NEW"}}
        IF TG_OP = 'INSERT' THEN
{{- range .Table.Keys}}
            {{.Variable}} := record_key ->> {{literal .Name}};
{{- end}}
        END IF;
{{- end}}
{{- range .Table.Special}}
        special := special || pg_catalog.jsonb_build_object({{literal .Name}}, {{$.Table.ColumnImage . $.Row}});
{{- end}}
{{- range .Table.Floats}}
        IF {{$.Row}}.{{ident .Name}} = 0 AND {{$.Row}}.{{ident .Name}}::text = '-0' THEN
            special := special || pg_catalog.jsonb_build_object({{literal .Name}}, {{$.Table.ColumnImage . $.Row}});
        END IF;
{{- end}}
{{- if and (eq .Row "OLD") .Table.Blanked}}
        -- No field is set to NULL before: see changed.
        image := (pg_catalog.to_jsonb(OLD) || pg_catalog.jsonb_build_object({{literal .Table.VersionColumn}}, row_version))
{{- else}}
        row_image := {{.Row}};
{{- range .Table.Blanked}}
        row_image.{{ident .}} := NULL;
{{- end}}
        row_image.{{ident .Table.VersionColumn}} := row_version;
        image := pg_catalog.to_jsonb(row_image)
{{- end}}
            {{- if .Table.Excluded}} - {{textArray .Table.Excluded}}::text[]{{end}}
            {{- if .Table.Special}} || special{{end}}
            {{- if .Table.VersionKey}} || pg_catalog.jsonb_build_object('version', row_version){{end}};
{{- if .Table.Special}}
        special := '{}';
{{- else if .Table.Floats}}
        IF special <> '{}' THEN
            image := image || special;
            special := '{}';
        END IF;
{{- end}}
        -- A column was added since, perhaps of a type that JSON cannot hold as
        -- it is.
        IF image - {{textArray .Table.KnownNames}}::text[] <> '{}'
           AND {{schema}}.has_special(TG_RELID, {{textArray .Table.KnownNames}}::text[])
        THEN
            RAISE datatype_mismatch;
        END IF;
    EXCEPTION WHEN undefined_column OR undefined_function OR datatype_mismatch OR data_exception OR integrity_constraint_violation THEN
        -- The table is no longer as it was when this function was generated: a
        -- column is gone, has another type, or is new and holds what jsonb or
        -- to_jsonb() cannot. Or the type of a column set to NULL above is a
        -- domain that refuses it.
        EXECUTE 'SELECT ' || {{schema}}.key_sql(TG_RELID, '($1)')
             || ', ' || {{schema}}.image_sql(TG_RELID, {{textArray .Table.Excluded}}::text[], '($1)')
            INTO record_key, image USING {{.Row}};
{{- if eq .Row "NEW"}}
{{- range .Table.Keys}}
        {{.Variable}} := NULL;
{{- end}}
{{- end}}
        image := image || pg_catalog.jsonb_build_object({{literal .Table.VersionColumn}}, row_version
            {{- if .Table.VersionKey}}, 'version', row_version{{end}});
{{- if or .Table.Special .Table.Floats}}
        special := '{}';
{{- end}}
    END;
    IF record_key IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'TM006',
            MESSAGE = {{literal (printf "table %s has no primary key" .Table.Name)}},
            HINT = 'Add a primary key and run chrononaut track, or run chrononaut untrack.';
    END IF;
{{- end -}}
