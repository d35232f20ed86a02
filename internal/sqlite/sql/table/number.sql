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

{{- /* The same where no trigger of the application looks at updates of the version.
The change is the last entry of history, but for odd cases. What is written through the
unsafe door is not numbered; the entry that tells of the door is the last one then. */ -}}
{{- define "number_light"}}
{{- $name := ident .Table.Name}}{{$version := ident .Table.VersionColumn}}{{with .Table}}
    UPDATE {{$name}}
       SET {{$version}} = coalesce({{.Newest (.KeyObject "NEW")}}, {{.Recorded (.KeyObject "NEW")}})
     WHERE {{if eq $.Row "OLD"}}changes() = 0
       AND {{end}}{{.Match $name "NEW"}}
       AND {{$version}} IS NOT coalesce({{.Newest (.KeyObject "NEW")}}, iif({{template "suppressed"}}, NULL, {{.Recorded (.KeyObject "NEW")}}), {{$version}});
{{- end}}
{{- end -}}
