{{- /* Whether this table's triggers are not writing versions already. */ -}}
{{- define "not_numbering"}}NOT EXISTS (SELECT 1 FROM chrononaut_numbering WHERE table_name = {{literal .HistoryName}} AND statement = {{.Now}}){{end -}}

{{- /* Writes into the row what the database keeps there. */ -}}
{{- define "number"}}
{{- $name := ident .Name}}{{$version := ident .VersionColumn}}
{{- if .NoHistory}}
{{- template "refuse" (row . "NEW")}}
    UPDATE {{$name}} SET {{.Stamps}}
     WHERE {{.Match $name "NEW"}};
{{- else}}
    -- The version that the row has in history. This fires the application's
    -- UPDATE triggers, whose changes are in history then, but not numbered.
    DELETE FROM chrononaut_numbering WHERE table_name = {{literal .HistoryName}};
    INSERT INTO chrononaut_numbering (table_name, statement) VALUES ({{literal .HistoryName}}, {{.Now}});
    UPDATE {{$name}}
       SET {{$version}} = {{.Recorded (.KeyObject "NEW")}}
           {{- if .RecordChanges}}, {{.Stamps}}{{end}}
     WHERE {{.Match $name "NEW"}}
       AND {{$version}} IS NOT {{.Recorded (.KeyObject "NEW")}};
    -- The rows that those triggers have changed.
    UPDATE {{$name}}
       SET {{$version}} = {{.Recorded (.KeyObject $name)}}
     WHERE {{.KeyColumns}} IN (
               SELECT {{.ReadKey "b.key"}}
                 FROM chrononaut_activity AS b
                WHERE b.table_name = {{literal .HistoryName}} AND b.key <> '{}'
                  AND b.id > (SELECT a.id FROM {{$name}} AS r, chrononaut_activity AS a
                               WHERE {{.Match "r" "NEW"}}
                                 AND a.table_name = {{literal .HistoryName}} AND a.key = {{.KeyObject "NEW"}} AND a.version = r.{{$version}}))
       AND {{$version}} IS NOT {{.Recorded (.KeyObject $name)}};
    DELETE FROM chrononaut_numbering WHERE table_name = {{literal .HistoryName}};
{{- end}}
{{- end -}}
