{{- if .Table.Light -}}
CREATE TRIGGER main.{{ident .Trigger}} AFTER INSERT ON {{ident .Table.Name}}
BEGIN
    -- The version that the row has in history.
{{- template "number_light" (row .Table "NEW")}}
END
{{- else -}}
CREATE TRIGGER main.{{ident .Trigger}} AFTER INSERT ON {{ident .Table.Name}}
WHEN {{template "captured"}}
{{- if .Table.History}}
 AND {{template "not_numbering" .Table}}
{{- end}}
BEGIN
{{- template "number" .Table}}
END
{{- end}}
