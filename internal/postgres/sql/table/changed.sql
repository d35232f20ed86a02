{{- /*
Sets changed: whether OLD and NEW differ in a column that counts. Rows are
compared by image (*<>), which works for types without equality and sees
1.0 becoming 1.00. The version column never counts.

A row that is older than one of its columns does not hold the default that
ALTER TABLE … ADD COLUMN gave to it. Assigning to such a field of a record makes
PostgreSQL free memory that is not the record's (as of 18), and the server
process crashes. So of OLD, which may be such a row, no field of a column with a
missing value is assigned; NEW was written with all columns. Nor is a field of a
column of a partition, which may have been a table before, or of one that only
has the name of the column that was there when this function was generated.
*/ -}}
{{- define "changed"}}
    BEGIN
        old_image := OLD;
        row_image := NEW;
        old_image.{{ident .Table.VersionColumn}} := NULL;
        row_image.{{ident .Table.VersionColumn}} := NULL;
{{- range .Ignored}}
{{- $attnum := $.Table.Assignable .}}
{{- if $attnum}}
        IF (pg_catalog.pg_identify_object_as_address('pg_catalog.pg_class'::pg_catalog.regclass, TG_RELID, {{$attnum}})).object_names[3] = {{literal .}} THEN
            old_image.{{ident .}} := NULL;
            row_image.{{ident .}} := NULL;
        ELSE
            row_image.{{ident .}} := OLD.{{ident .}};
        END IF;
{{- else}}
        row_image.{{ident .}} := OLD.{{ident .}};
{{- end}}
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

{{- /* Whether it is not noted yet that the end of the transaction is to be looked at: see
note_ending(). */ -}}
{{- define "unending"}}pg_catalog.strpos(coalesce(pg_catalog.current_setting('chrononaut.ending', true), ''), '|' OPERATOR(pg_catalog.||) TG_RELID::pg_catalog.text OPERATOR(pg_catalog.||) '|') OPERATOR(pg_catalog.=) 0{{end -}}

{{- /* Whether t is the row that has the key of NEW. */ -}}
{{- define "same_row"}}{{range $i, $c := .KeyColumns}}{{if $i}} AND {{end}}t.{{ident $c}} = NEW.{{ident $c}}{{end}}{{end -}}

{{- /* Whether the last that history knows of the record with record_key is not that it went. */ -}}
{{- define "alive"}}EXISTS (
               SELECT FROM (SELECT a.operation, a.version FROM {{schema}}.chrononaut_activity AS a
                             WHERE {{.RecordHash "a.key"}} = {{.RecordHashOf "record_key"}}
                               AND a.key = record_key AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}}
                             ORDER BY a.version DESC LIMIT 1) AS a
                WHERE a.operation NOT IN ('delete', 'truncate')
                  AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS p
                                   WHERE {{.RecordHash "p.previous_key"}} = {{.RecordHashOf "record_key"}}
                                     AND p.previous_key IS NOT NULL AND p.version >= a.version)){{end -}}

{{- /* The table is as it was when this was generated; a plan has both answers as constants. */ -}}
{{- define "fits"}}coalesce(CASE WHEN {{template "has_name" .}} THEN {{schema}}.fits({{literal .Qualified}}, {{literal .Shape}}, NULL, {{textArray .HiddenNames}}) END, false){{end -}}
{{- /* The same of the columns of its key, and that of the version. */ -}}
{{- define "key_fits"}}coalesce(CASE WHEN {{template "has_name" .}} THEN {{schema}}.fits({{literal .Qualified}}, {{literal .KeyShape}}, {{textArray .VersionedColumns}}, '{}') END, false){{end -}}
{{- /* The table has its name, and has not become a partition; a partition is not asked for
its own. */ -}}
{{- define "has_name"}}{{if .Partitioned}}({{schema}}.named({{literal .Qualified}}) OPERATOR(pg_catalog.=) TG_RELID) IS NOT NULL
{{- else}}{{schema}}.named({{literal .Qualified}}) OPERATOR(pg_catalog.=) TG_RELID AND pg_catalog.pg_partition_root({{schema}}.named({{literal .Qualified}})) IS NULL{{end}}{{end -}}

{{- /* Whether the bit of the table is not set in a sequence. */ -}}
{{- define "bit_clear"}}(coalesce(pg_catalog.pg_sequence_last_value({{literal (print schema "." .Name)}}::pg_catalog.regclass), -1) OPERATOR(pg_catalog.&) {{schema}}.guard_bit({{literal .Table.Schema}}, {{literal .Table.Name}})) OPERATOR(pg_catalog.=) 0{{end -}}

{{- /* Notes that a record of the table goes. */ -}}
{{- define "departed"}}IF {{template "bit_clear" (named . "chrononaut_departed")}} THEN
            PERFORM {{schema}}.note_departed({{literal .Schema}}, {{literal .Name}});
        END IF;{{end -}}

{{- /* What the catalog says of the table is what it is. Only a table that is no longer as
it was is looked for in it. */ -}}
{{- define "assert_seen"}}
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        IF NOT {{template "fits" .}} THEN
            PERFORM {{schema}}.assert_seen(TG_RELID);
        END IF;
    END IF;
{{- end -}}
