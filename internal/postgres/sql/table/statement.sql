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
{{- /* Whether history can have a version next of the record k.key: it has no later one, as
the index alone says; or its last one is the one before, and not that the record went.
Else another record has taken the key, whatever settings say. */ -}}
{{- define "free"}}{{.Version}} IS NOT NULL
                        AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                                         WHERE {{.Table.RecordHash "a.key"}} OPERATOR(pg_catalog.=) {{.Table.RecordHashOf "k.key"}}
                                           AND a.version OPERATOR(pg_catalog.>=) {{.Version}}){{end -}}
{{- define "next"}}(SELECT CASE WHEN a.operation OPERATOR(pg_catalog.=) ANY ('{delete,truncate}'::pg_catalog.text[]) THEN NULL ELSE a.version END FROM {{schema}}.chrononaut_activity AS a
                               WHERE {{.Table.RecordHash "a.key"}} OPERATOR(pg_catalog.=) {{.Table.RecordHashOf "k.key"}}
                               ORDER BY a.version DESC LIMIT 1) OPERATOR(pg_catalog.=) ({{.Version}} OPERATOR(pg_catalog.-) 1){{end -}}
{{- /* Whether rows of a transition table may be held by their key, or leased. OFFSET 0 keeps
it a look into the index for each row, however few are held when the plan is made. */ -}}
{{- define "guarded"}}
{{- $row := .Table.RowAlias -}}
EXISTS (SELECT FROM {{.Name}} AS {{$row}}, LATERAL (SELECT {{.Table.KeyObject $row}} AS key) AS k
                         WHERE EXISTS (SELECT FROM {{schema}}.chrononaut_hold_scope AS s
                                        WHERE s.record_hash OPERATOR(pg_catalog.=) {{.Table.RecordHashOf "k.key"}} AND NOT s.past OFFSET 0)
                            OR EXISTS (SELECT FROM {{schema}}.chrononaut_lease AS l
                                        WHERE l.record_hash OPERATOR(pg_catalog.=) {{.Table.RecordHashOf "k.key"}} AND l.enforced AND l.released IS NULL OFFSET 0))
{{- end -}}
{{- define "insert_history"}}INSERT INTO {{schema}}.chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id, database_user){{end -}}
{{- define "user"}}(SELECT '{"user_id": null, "remote_addr": null}'::pg_catalog.jsonb OPERATOR(pg_catalog.||) coalesce(v.context OPERATOR(pg_catalog.->) 'user_info', '{}')){{end -}}
{{- define "info"}}coalesce(v.context OPERATOR(pg_catalog.->) 'extra_info', '{}'){{end -}}
{{- define "extra"}}CASE WHEN v.context OPERATOR(pg_catalog.?) 'records' THEN {{template "info"}} OPERATOR(pg_catalog.||) {{schema}}.record_info(v.context, {{literal .Schema}}, {{literal .Name}}, k.key) ELSE {{template "info"}} END{{end -}}
{{- /* Notes once that there are such rows, and is false. */ -}}
{{- define "unusual"}}coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on' AND pg_catalog.set_config('chrononaut.unusual', 'on', true) IS NULL{{end -}}
{{- /* Whether the INSERT of this statement has written row n. */ -}}
{{- define "written"}}EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                     WHERE {{.RecordHash "a.key"}} OPERATOR(pg_catalog.=) {{.RecordHashOf "n.key"}}
                       AND a.version OPERATOR(pg_catalog.=) (CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN n.version OPERATOR(pg_catalog.+) 1 ELSE n.version END) AND a.id OPERATOR(pg_catalog.>) v.mark
                       AND a.transaction_id OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id()){{end -}}
{{- define "hidden"}}CASE WHEN pg_catalog.cardinality(h.hidden) OPERATOR(pg_catalog.>) 0 THEN pg_catalog.jsonb_build_object('hidden_cols_changed', pg_catalog.to_jsonb(h.hidden)) ELSE '{}' END{{end -}}
{{- define "record_updates"}}
            {{- $row := .RowAlias}}
            {{template "insert_history"}}
            SELECT {{literal .Name}}, pg_catalog.clock_timestamp(), {{$row}}.{{ident .VersionColumn}}, k.key, {{.RowImage $row false}}, {{template "user"}}, {{template "extra" .}}
                   {{- if .Hidden}} OPERATOR(pg_catalog.||) {{template "hidden"}}{{end}}, 'update', {{literal .Schema}}, pg_catalog.pg_current_xact_id(), session_user
              FROM {{if .Hidden}}(SELECT {{$row}}.*, pg_catalog.row_number() OVER () AS {{.PlaceAlias}} FROM new_rows AS {{$row}}) AS {{$row}}
              -- Which of them changed, only both rows say. The transition tables have them in
              -- the same order.
              JOIN (SELECT pg_catalog.row_number() OVER () AS {{.PlaceAlias}}{{range .Hidden}}, {{$row}}.{{ident .}}{{end}} FROM old_rows AS {{$row}}) AS o
                ON o.{{.PlaceAlias}} OPERATOR(pg_catalog.=) {{$row}}.{{.PlaceAlias}}
{{- else}}new_rows AS {{$row}}{{end}}, LATERAL (SELECT {{.KeyObject $row}} AS key) AS k
{{- if .Hidden}}, LATERAL (SELECT pg_catalog.array_remove(ARRAY[
{{- range $i, $c := .Hidden}}{{if $i}}, {{end}}CASE WHEN pg_catalog.record_image_ne(ROW(o.{{ident $c}}), ROW({{$row}}.{{ident $c}})) THEN {{literal $c}} END{{end}}]::pg_catalog.text[], NULL) AS hidden OFFSET 0) AS h
{{- end}}
             WHERE CASE WHEN {{with .Plainly $row}}{{.}}
                        AND {{end}}{{if .Settled}}{{template "free" (.Of $row)}}{{else}}{{template "next" (.Of $row)}}{{end}} THEN true
                        ELSE {{template "unusual"}} END;
{{end -}}
{{- define "record_inserts"}}
            {{- $row := .RowAlias}}
            {{template "insert_history"}}
            SELECT {{literal .Name}}, pg_catalog.clock_timestamp(), {{$row}}.{{ident .VersionColumn}}, k.key, {{.RowImage $row false}}, {{template "user"}}, {{template "extra" .}}
                   {{- if .Hidden}} OPERATOR(pg_catalog.||) {{template "hidden"}}{{end}}, 'insert', {{literal .Schema}}, pg_catalog.pg_current_xact_id(), session_user
              FROM new_rows AS {{$row}}, LATERAL (SELECT {{.KeyObject $row}} AS key) AS k
{{- if .Hidden}}, LATERAL (SELECT pg_catalog.array_remove(ARRAY[
{{- range $i, $c := .Hidden}}{{if $i}}, {{end}}CASE WHEN {{$row}}.{{ident $c}} IS NOT NULL THEN {{literal $c}} END{{end}}]::pg_catalog.text[], NULL) AS hidden OFFSET 0) AS h
{{- end}}
             WHERE CASE WHEN {{with .Plainly $row}}{{.}}
                        AND {{end}}{{template "free" (.Of $row)}}
{{- if not .Settled}}
                        -- A record that had the key and has another one now.
                        AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                                         WHERE {{.RecordHash "a.previous_key"}} OPERATOR(pg_catalog.=) {{.RecordHashOf "k.key"}}
                                           AND a.previous_key IS NOT NULL AND a.version OPERATOR(pg_catalog.>=) {{$row}}.{{ident .VersionColumn}})
{{- end}} THEN true
                        ELSE {{template "unusual"}} END;
            -- The keys, by which queries of the past find the records.
            INSERT INTO {{.KeysTable}} (record, key{{range .Keys}}, {{.KeysColumn}}{{end}})
            SELECT {{.RecordHashOf "k.key"}}, k.key{{range .Keys}}, {{$.KeysValue . $row}}{{end}}
              FROM new_rows AS {{$row}}, LATERAL (SELECT {{.KeyObject $row}} AS key) AS k
                ON CONFLICT DO NOTHING;
{{end -}}
{{- define "record_deletes"}}
            {{- $row := .RowAlias}}
        {{template "departed" .Table}}
            {{template "insert_history"}}
            SELECT {{literal .Name}}, pg_catalog.clock_timestamp(), {{$row}}.{{ident .VersionColumn}} OPERATOR(pg_catalog.+) 1, k.key, {{.RowImage $row true}}, {{template "user"}}, {{template "extra" .}}, 'delete', {{literal .Schema}}, pg_catalog.pg_current_xact_id(), session_user
              FROM old_rows AS {{$row}}, LATERAL (SELECT {{.KeyObject $row}} AS key) AS k
             WHERE CASE WHEN {{with .Plainly $row}}{{.}}
                        AND {{end}}{{if .Settled}}{{template "free" (.After $row)}}{{else}}{{template "next" (.After $row)}}{{end}} THEN true
                        ELSE {{template "unusual"}} END;
{{- end -}}
{{- /* The rows before and after, by their places. */ -}}
{{- define "pairs"}}{{.RowsOf "old_rows" .Qualified true}} AS o
                JOIN {{.RowsOf "new_rows" .Qualified true}} AS n ON n.place OPERATOR(pg_catalog.=) o.place{{end -}}
CREATE OR REPLACE FUNCTION {{.Function "statement"}}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
{{- if .StatementSettings}}
    {{template "settings"}}
{{- end}}
{{- if .Hidden}}
    SET enable_nestloop = off{{/* Plans are kept, and may have been made for one row. */}}
{{- end}}
    SET jit = off{{/* Or for many, for which compiling looks worth while, */}}
    SET plan_cache_mode = force_generic_plan{{/* and which look dearer than planning each time. */}}
AS {{dollar}}
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
{{- if .Zoned}}
    zone       pg_catalog.text;
{{- end}}
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
        way := CASE WHEN {{if .Awkward}}false AND {{end}}{{template "fits" .}} AND TG_WHEN OPERATOR(pg_catalog.=) 'AFTER'
            AND pg_catalog.concat(pg_catalog.current_setting('chrononaut.suppressed', true), pg_catalog.current_setting('chrononaut.rekeyed', true),
                                  pg_catalog.current_setting('chrononaut.renumber', true)) OPERATOR(pg_catalog.=) ''
            AND (TG_OP OPERATOR(pg_catalog.<>) 'INSERT' OR pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.=) 'read committed')
            AND (context IS NULL
                 OR NOT context OPERATOR(pg_catalog.?|) '{leases,operation}'::pg_catalog.text[]
                    AND pg_catalog.concat(pg_catalog.jsonb_typeof(context), pg_catalog.jsonb_typeof(context OPERATOR(pg_catalog.->) 'user_info'),
                                          pg_catalog.jsonb_typeof(context OPERATOR(pg_catalog.->) 'extra_info'))
                        OPERATOR(pg_catalog.=) ANY ('{object,objectobject,objectobjectobject}'::pg_catalog.text[]))
{{- if .Strict}}
            AND context IS NOT NULL AND (context OPERATOR(pg_catalog.?) 'change_info' OR coalesce((context OPERATOR(pg_catalog.->) 'extra_info') OPERATOR(pg_catalog.?) 'rationale', false))
{{- end}}
            THEN {{if .Settling}}CASE WHEN {{template "bit_clear" (named . "chrononaut_unsettled")}} THEN 2 ELSE 1 END{{else}}1{{end}}
                 OPERATOR(pg_catalog.*) CASE WHEN {{template "bit_clear" (named . "chrononaut_guarded")}} THEN 1 ELSE -1 END
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
                OR EXISTS (SELECT FROM {{schema}}.chrononaut_hold_shape AS s
                            WHERE s.table_schema OPERATOR(pg_catalog.=) {{literal .Schema}} AND s.table_name OPERATOR(pg_catalog.=) {{literal .Name}}
                              AND NOT (s.columns OPERATOR(pg_catalog.@>) {{textArray .KeyColumns}} AND s.columns OPERATOR(pg_catalog.<@) {{textArray .KeyColumns}}));
            IF NOT guarded AND TG_OP OPERATOR(pg_catalog.<>) 'DELETE' THEN
                guarded := {{template "guarded" (named . "new_rows")}};
            END IF;
            IF NOT guarded AND (TG_OP OPERATOR(pg_catalog.=) 'DELETE' OR TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND way OPERATOR(pg_catalog.<>) -2) THEN
                guarded := {{template "guarded" (named . "old_rows")}};
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
        differs := EXISTS (SELECT FROM {{template "pairs" .}}
            WHERE pg_catalog.record_image_ne(o.r, n.r));
        PERFORM pg_catalog.set_config('enable_nestloop', nested, true);
        IF NOT differs THEN
            RETURN NULL;
        END IF;
    END IF;
    IF way OPERATOR(pg_catalog.>) 0 THEN
{{- if .Zoned}}
        -- Points in time are written in UTC.
        IF pg_catalog.current_setting('TimeZone') OPERATOR(pg_catalog.<>) ALL ('{UTC,Etc/UTC}'::pg_catalog.text[]) THEN
            zone := pg_catalog.current_setting('TimeZone');
            PERFORM pg_catalog.set_config('TimeZone', 'UTC', true);
        END IF;
{{- end}}
        mark := coalesce(pg_catalog.pg_sequence_last_value({{literal (print schema ".chrononaut_activity_id_seq")}}::pg_catalog.regclass), 0);
        IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE'{{if .Settling}} AND way OPERATOR(pg_catalog.=) 2 THEN
            {{- template "record_updates" (settled . true)}}
        ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE'{{end}} THEN
            {{- template "record_updates" (settled . false)}}
        ELSIF TG_OP OPERATOR(pg_catalog.=) 'INSERT'{{if .Settling}} AND way OPERATOR(pg_catalog.=) 2 THEN
            {{- template "record_inserts" (settled . true)}}
        ELSIF TG_OP OPERATOR(pg_catalog.=) 'INSERT'{{end}} THEN
            {{- template "record_inserts" (settled . false)}}
        ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE'{{if .Settling}} AND way OPERATOR(pg_catalog.=) 2 THEN
            {{- template "record_deletes" (settled . true)}}
        ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE'{{end}} THEN
            {{- template "record_deletes" (settled . false)}}
        END IF;
        -- Mostly that was all.
        IF coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on'{{if .Zoned}} AND zone IS NULL{{end}}
           AND pg_catalog.clock_timestamp() OPERATOR(pg_catalog.<=) (pg_catalog.now() OPERATOR(pg_catalog.+) interval '1 second')
        THEN
            RETURN NULL;
        END IF;
{{- if .Zoned}}
        IF zone IS NOT NULL THEN
            PERFORM pg_catalog.set_config('TimeZone', zone, true);
        END IF;
{{- end}}
        IF pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.+) interval '1 second') THEN
            PERFORM {{schema}}.note_long();
        END IF;
        IF coalesce(pg_catalog.current_setting('chrononaut.unusual', true), '') OPERATOR(pg_catalog.<>) 'on' THEN
            RETURN NULL;
        END IF;
        PERFORM pg_catalog.set_config('chrononaut.unusual', '', true);
    ELSIF TG_WHEN OPERATOR(pg_catalog.=) 'BEFORE' THEN
        -- Whether foreign keys still need what goes, is seen after the last change.
        IF {{template "unending"}} THEN
            PERFORM {{schema}}.note_ending(TG_RELID);
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
    fits := {{template "fits" .}};
    -- Plans are kept, and may have been made for one row.
    nested := pg_catalog.current_setting('enable_nestloop');
    PERFORM pg_catalog.set_config('enable_nestloop', 'off', true);
    IF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        -- The transition tables have the rows before and after in the same order.
        IF fits THEN
            OPEN changes FOR SELECT o.r AS before, n.r AS after FROM {{template "pairs" .}}
                WHERE v.way OPERATOR(pg_catalog.=) 0 OR pg_catalog.record_image_ne(o.r, n.r) AND NOT {{template "written" .}}
                ORDER BY n.place;
        ELSE
            OPEN changes FOR EXECUTE pg_catalog.format({{literal (print "SELECT o.r AS before, n.r AS after FROM " (.RowsOf "old_rows" "%1$s" false)
                " AS o JOIN " (.RowsOf "new_rows" "%1$s" false) " AS n ON n.place OPERATOR(pg_catalog.=) o.place ORDER BY n.place")}}, TG_RELID::pg_catalog.regclass);
        END IF;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        IF fits THEN
            OPEN changes FOR SELECT n.r AS after FROM {{.RowsOf "new_rows" .Qualified true}} AS n
                WHERE v.way OPERATOR(pg_catalog.=) 0 OR NOT {{template "written" .}}
                ORDER BY n.place;
        ELSE
            OPEN changes FOR EXECUTE pg_catalog.format({{literal (print "SELECT n.r AS after FROM " (.RowsOf "new_rows" "%1$s" false) " AS n ORDER BY n.place")}}, TG_RELID::pg_catalog.regclass);
        END IF;
    ELSE
        IF fits THEN
            OPEN changes FOR SELECT n.r AS before FROM {{.RowsOf "old_rows" .Qualified true}} AS n
                WHERE v.way OPERATOR(pg_catalog.=) 0 OR NOT {{template "written" .}}
                ORDER BY n.place;
        ELSE
            OPEN changes FOR EXECUTE pg_catalog.format({{literal (print "SELECT n.r AS before FROM " (.RowsOf "old_rows" "%1$s" false) " AS n ORDER BY n.place")}}, TG_RELID::pg_catalog.regclass);
        END IF;
    END IF;
    PERFORM pg_catalog.set_config('enable_nestloop', nested, true);
    LOOP
        FETCH changes INTO change;
        EXIT WHEN NOT FOUND;
        IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
            PERFORM {{.Function "record"}}(TG_OP, TG_RELID, NULL, change.after);
        ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
            PERFORM {{.Function "record"}}(TG_OP, TG_RELID, change.before, change.after);
        ELSE
            PERFORM {{.Function "record"}}(TG_OP, TG_RELID, change.before, NULL);
        END IF;
    END LOOP;
    CLOSE changes; -- Else it stays open until the transaction ends.
    RETURN NULL;
END
{{dollar}}
