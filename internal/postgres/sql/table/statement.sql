{{- /*
The three AFTER STATEMENT triggers of one table: write history. What is usual, rows
that history knows and whose next version this is, is written by one INSERT with the
transition tables; the function that records one row (record.sql) does the rest. Both
write the same. Which is which, is decided row by row by what history says.

It sets no search_path, which would take longer than all the rest, so that everything
in it is qualified, operators and types too. Its variables are named by the label v:
the table may have columns of their names.
*/ -}}
{{- $row := .RowAlias -}}
{{- /* The last version that history has of a key, unless the record ended with it. */ -}}
{{- define "latest"}}(SELECT CASE WHEN a.operation OPERATOR(pg_catalog.=) ANY ('{delete,truncate}'::pg_catalog.text[]) THEN {{if .Ended}}a.version ELSE -2{{else}}-2 ELSE a.version{{end}} END
                  FROM {{schema}}.chrononaut_activity AS a
                 WHERE {{.Table.RecordHash "a.key"}} OPERATOR(pg_catalog.=) {{.Table.RecordHashOf "k.key"}}
                 ORDER BY a.version DESC LIMIT 1){{end -}}
{{- define "insert_history"}}INSERT INTO {{schema}}.chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user){{end -}}
{{- define "extra"}}CASE WHEN v.context OPERATOR(pg_catalog.?) 'records' THEN v.extra_info OPERATOR(pg_catalog.||) {{schema}}.record_info(v.context, {{literal .Schema}}, {{literal .Name}}, k.key) ELSE v.extra_info END{{end -}}
{{- /* Notes once that there are such rows, and is false. */ -}}
{{- define "unusual"}}coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on' AND pg_catalog.set_config('chrononaut.unusual', 'on', true) IS NULL{{end -}}
{{- define "hidden"}}CASE WHEN pg_catalog.cardinality(h.hidden) OPERATOR(pg_catalog.>) 0 THEN pg_catalog.jsonb_build_object('hidden_cols_changed', pg_catalog.to_jsonb(h.hidden)) ELSE '{}' END{{end -}}
CREATE OR REPLACE FUNCTION {{.Function "statement"}}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
{{- if .StatementSettings}}
    {{template "settings"}}
{{- end}}
{{- if .Hidden}}
    SET enable_nestloop = off{{/* Plans are kept, and may have been made for one row. */}}
{{- end}}
    SET jit = off{{/* Or for many, for which compiling looks worth while. */}}
AS {{dollar}}
#variable_conflict use_variable
<<v>>
DECLARE
    strange    boolean; -- the table has another name, or not the columns that it had
    grown      boolean := false; -- it has columns that it did not have
    usual      boolean;
    done       boolean := false; -- no row is left
    context    pg_catalog.jsonb;
    user_info  pg_catalog.jsonb;
    extra_info pg_catalog.jsonb;
    mark       bigint;
{{- if .Zoned}}
    zone       pg_catalog.text;
{{- end}}
    befores    pg_catalog.refcursor;
    afters     pg_catalog.refcursor;
    before     pg_catalog.record;
    after      pg_catalog.record;
    record_key     pg_catalog.jsonb;
    record_version integer;
BEGIN
    -- Whether foreign keys still need what goes, is seen after the last change.
    IF TG_WHEN OPERATOR(pg_catalog.=) 'BEFORE' THEN
        IF {{template "unending"}} THEN
            PERFORM {{schema}}.note_ending(TG_RELID);
        END IF;
        RETURN NULL;
    END IF;

    BEGIN
        IF pg_catalog.current_setting('chrononaut.context', true) OPERATOR(pg_catalog.<>) '' THEN
            context := pg_catalog.current_setting('chrononaut.context', true)::pg_catalog.jsonb;
        END IF;
        -- Fails when a column is gone or has another type than when this was generated, and
        -- finds rows when there is a new one.
        IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
            PERFORM {{.Probe $row}} FROM old_rows AS {{$row}} WHERE {{.Grown}} LIMIT 1;
        ELSE
            PERFORM {{.Probe $row}} FROM new_rows AS {{$row}} WHERE {{.Grown}} LIMIT 1;
        END IF;
        grown := FOUND;
        strange := coalesce(pg_catalog.to_regclass({{literal .Qualified}})::pg_catalog.oid OPERATOR(pg_catalog.<>) TG_RELID, true);
    EXCEPTION WHEN undefined_column OR undefined_function OR datatype_mismatch OR cannot_coerce OR ambiguous_function OR data_exception THEN
        strange := true;
    END;

    -- Row by row where something is wrong with the context, where leases and holds have to
    -- be looked for, nothing is captured, keys change or a version is corrected, and where
    -- what others have committed may not be seen.
    usual := {{if .Awkward}}false AND {{end}}NOT strange AND NOT grown
        AND (coalesce(pg_catalog.pg_sequence_last_value({{literal (print schema ".chrononaut_guarded")}}::pg_catalog.regclass), -1)
             OPERATOR(pg_catalog.&) {{schema}}.guard_bit({{literal .Schema}}, {{literal .Name}})) OPERATOR(pg_catalog.=) 0
        AND coalesce(pg_catalog.current_setting('chrononaut.suppressed', true), '') OPERATOR(pg_catalog.<>) 'on'
        AND coalesce(pg_catalog.current_setting('chrononaut.rekeyed', true), '') OPERATOR(pg_catalog.=) ''
        AND coalesce(pg_catalog.current_setting('chrononaut.renumber', true), '') OPERATOR(pg_catalog.<>) 'on'
        AND (TG_OP OPERATOR(pg_catalog.<>) 'INSERT' OR pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed')
{{- range .HiddenColumns}}
        AND coalesce((pg_catalog.pg_identify_object_as_address('pg_catalog.pg_class'::pg_catalog.regclass, TG_RELID, {{.Attnum}})).object_names[3] OPERATOR(pg_catalog.=) {{literal .Name}}, false)
{{- end}}
        AND (context IS NULL
             OR pg_catalog.jsonb_typeof(context) OPERATOR(pg_catalog.=) 'object'
                AND pg_catalog.jsonb_typeof(coalesce(context OPERATOR(pg_catalog.->) 'user_info', '{}')) OPERATOR(pg_catalog.=) 'object'
                AND pg_catalog.jsonb_typeof(coalesce(context OPERATOR(pg_catalog.->) 'extra_info', '{}')) OPERATOR(pg_catalog.=) 'object'
                AND NOT context OPERATOR(pg_catalog.?) 'leases'
                AND coalesce(context OPERATOR(pg_catalog.->>) 'operation', '') OPERATOR(pg_catalog.<>) 'restore')
{{- if .Strict}}
        AND context IS NOT NULL AND (context OPERATOR(pg_catalog.?) 'change_info' OR coalesce((context OPERATOR(pg_catalog.->) 'extra_info') OPERATOR(pg_catalog.?) 'rationale', false))
{{- end}};

    IF usual THEN
        user_info := '{"user_id": null, "remote_addr": null}'::pg_catalog.jsonb OPERATOR(pg_catalog.||) coalesce(context OPERATOR(pg_catalog.->) 'user_info', '{}');
        extra_info := coalesce(context OPERATOR(pg_catalog.->) 'extra_info', '{}');
{{- if .Zoned}}
        -- Points in time are written in UTC.
        IF pg_catalog.current_setting('TimeZone') OPERATOR(pg_catalog.<>) ALL ('{UTC,Etc/UTC}'::pg_catalog.text[]) THEN
            zone := pg_catalog.current_setting('TimeZone');
            PERFORM pg_catalog.set_config('TimeZone', 'UTC', true);
        END IF;
{{- end}}
        mark := coalesce(pg_catalog.pg_sequence_last_value({{literal (print schema ".chrononaut_activity_id_seq")}}::pg_catalog.regclass), 0);
        IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
            {{template "insert_history"}}
            SELECT {{literal .Name}}, pg_catalog.clock_timestamp(), {{$row}}.{{ident .VersionColumn}}, k.key, {{.RowImage $row false}}, v.user_info, {{template "extra" .}}
                   {{- if .Hidden}} OPERATOR(pg_catalog.||) {{template "hidden"}}{{end}}, pg_catalog.lower(TG_OP), {{literal .Schema}}, pg_catalog.pg_current_xact_id(), session_user
              FROM {{if .Hidden}}(SELECT {{$row}}.*, pg_catalog.row_number() OVER () AS {{.PlaceAlias}} FROM new_rows AS {{$row}}) AS {{$row}}
              -- Which of them changed, only both rows say. The transition tables have them in
              -- the same order.
              JOIN (SELECT pg_catalog.row_number() OVER () AS {{.PlaceAlias}}{{range .Hidden}}, {{$row}}.{{ident .}}{{end}} FROM old_rows AS {{$row}}) AS o
                ON o.{{.PlaceAlias}} OPERATOR(pg_catalog.=) {{$row}}.{{.PlaceAlias}}
{{- else}}new_rows AS {{$row}}{{end}}, LATERAL (SELECT {{.KeyObject $row}} AS key OFFSET 0) AS k
{{- if .Hidden}}, LATERAL (SELECT pg_catalog.array_remove(ARRAY[
{{- range $i, $c := .Hidden}}{{if $i}}, {{end}}CASE WHEN pg_catalog.record_image_ne(ROW(o.{{ident $c}}), ROW({{$row}}.{{ident $c}})) THEN {{literal $c}} END{{end}}]::pg_catalog.text[], NULL) AS hidden) AS h
{{- end}}
             WHERE CASE WHEN {{with .Plainly $row}}{{.}}
                        AND {{end}}{{template "latest" (latest . false)}}
                        OPERATOR(pg_catalog.=) ({{$row}}.{{ident .VersionColumn}} OPERATOR(pg_catalog.-) 1) THEN true
                        ELSE {{template "unusual"}} END;
        ELSIF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
            {{template "insert_history"}}
            SELECT {{literal .Name}}, pg_catalog.clock_timestamp(), {{$row}}.{{ident .VersionColumn}}, k.key, {{.RowImage $row false}}, v.user_info, {{template "extra" .}}
                   {{- if .Hidden}} OPERATOR(pg_catalog.||) {{template "hidden"}}{{end}}, pg_catalog.lower(TG_OP), {{literal .Schema}}, pg_catalog.pg_current_xact_id(), session_user
              FROM new_rows AS {{$row}}, LATERAL (SELECT {{.KeyObject $row}} AS key OFFSET 0) AS k
{{- if .Hidden}}, LATERAL (SELECT pg_catalog.array_remove(ARRAY[
{{- range $i, $c := .Hidden}}{{if $i}}, {{end}}CASE WHEN {{$row}}.{{ident $c}} IS NOT NULL THEN {{literal $c}} END{{end}}]::pg_catalog.text[], NULL) AS hidden) AS h
{{- end}}
             WHERE CASE WHEN {{with .Plainly $row}}{{.}}
                        AND {{end}}coalesce({{template "latest" (latest . true)}}, -1)
                        OPERATOR(pg_catalog.=) ({{$row}}.{{ident .VersionColumn}} OPERATOR(pg_catalog.-) 1)
                        -- A record that had the key and has another one now.
                        AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                                         WHERE {{.RecordHash "a.previous_key"}} OPERATOR(pg_catalog.=) {{.RecordHashOf "k.key"}}
                                           AND a.previous_key IS NOT NULL AND a.version OPERATOR(pg_catalog.>=) {{$row}}.{{ident .VersionColumn}}) THEN true
                        ELSE {{template "unusual"}} END;
            -- The keys, by which queries of the past find the records.
            INSERT INTO {{.KeysTable}} (record, key{{range .Keys}}, {{.KeysColumn}}{{end}})
            SELECT {{.RecordHashOf "k.key"}}, k.key{{range .Keys}}, {{$.KeysValue . $row}}{{end}}
              FROM new_rows AS {{$row}}, LATERAL (SELECT {{.KeyObject $row}} AS key OFFSET 0) AS k
                ON CONFLICT DO NOTHING;
        ELSE
            {{template "insert_history"}}
            SELECT {{literal .Name}}, pg_catalog.clock_timestamp(), {{$row}}.{{ident .VersionColumn}} OPERATOR(pg_catalog.+) 1, k.key, {{.RowImage $row true}}, v.user_info, {{template "extra" .}}, pg_catalog.lower(TG_OP), {{literal .Schema}}, pg_catalog.pg_current_xact_id(), session_user
              FROM old_rows AS {{$row}}, LATERAL (SELECT {{.KeyObject $row}} AS key OFFSET 0) AS k
             WHERE CASE WHEN {{with .Plainly $row}}{{.}}
                        AND {{end}}{{template "latest" (latest . false)}}
                        OPERATOR(pg_catalog.=) {{$row}}.{{ident .VersionColumn}} THEN true
                        ELSE {{template "unusual"}} END;
        END IF;
{{- if .Zoned}}
        IF zone IS NOT NULL THEN
            PERFORM pg_catalog.set_config('TimeZone', zone, true);
        END IF;
{{- end}}
        IF coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.=) 'on' THEN
            PERFORM pg_catalog.set_config('chrononaut.unusual', '', true);
        ELSE
            done := true;
        END IF;
    END IF;

    -- The others, one by one, as rows of the table's type: all, or those that have no record
    -- above the mark. The transition tables have the rows before and after in the same
    -- order, and are read side by side.
    IF NOT done THEN
        IF strange THEN
            IF TG_OP OPERATOR(pg_catalog.<>) 'INSERT' THEN
                OPEN befores FOR EXECUTE pg_catalog.format({{literal (.RowsOf "old_rows" "%1$s" false)}}, TG_RELID::pg_catalog.regclass);
            END IF;
            IF TG_OP OPERATOR(pg_catalog.<>) 'DELETE' THEN
                OPEN afters FOR EXECUTE pg_catalog.format({{literal (.RowsOf "new_rows" "%1$s" false)}}, TG_RELID::pg_catalog.regclass);
            END IF;
        ELSE
            IF TG_OP OPERATOR(pg_catalog.<>) 'INSERT' THEN
                OPEN befores FOR {{.RowsOf "old_rows" .Qualified true}};
            END IF;
            IF TG_OP OPERATOR(pg_catalog.<>) 'DELETE' THEN
                OPEN afters FOR {{.RowsOf "new_rows" .Qualified true}};
            END IF;
        END IF;
        LOOP
            IF TG_OP OPERATOR(pg_catalog.<>) 'INSERT' THEN
                FETCH befores INTO before;
                EXIT WHEN NOT FOUND;
            END IF;
            IF TG_OP OPERATOR(pg_catalog.<>) 'DELETE' THEN
                FETCH afters INTO after;
                EXIT WHEN NOT FOUND;
            END IF;
            IF usual THEN
                IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
                    record_key := before.key;
                    record_version := before.version OPERATOR(pg_catalog.+) 1;
                ELSE
                    record_key := after.key;
                    record_version := after.version;
                END IF;
                IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
                    CONTINUE WHEN pg_catalog.record_image_eq(before.r, after.r);
                END IF;
                CONTINUE WHEN EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                                       WHERE {{.RecordHash "a.key"}} OPERATOR(pg_catalog.=) {{.RecordHashOf "record_key"}}
                                         AND a.version OPERATOR(pg_catalog.=) record_version AND a.id OPERATOR(pg_catalog.>) mark
                                         AND a.transaction_id OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id());
            END IF;
            IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
                PERFORM {{.Function "record"}}(TG_OP, TG_RELID, NULL, after.r);
            ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
                PERFORM {{.Function "record"}}(TG_OP, TG_RELID, before.r, after.r);
            ELSE
                PERFORM {{.Function "record"}}(TG_OP, TG_RELID, before.r, NULL);
            END IF;
        END LOOP;
        -- Else they stay open until the transaction ends.
        IF TG_OP OPERATOR(pg_catalog.<>) 'INSERT' THEN
            CLOSE befores;
        END IF;
        IF TG_OP OPERATOR(pg_catalog.<>) 'DELETE' THEN
            CLOSE afters;
        END IF;
    END IF;
    IF usual AND pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.+) interval '1 second') THEN
        PERFORM {{schema}}.note_long();
    END IF;
    RETURN NULL;
END
{{dollar}}
