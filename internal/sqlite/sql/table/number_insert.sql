CREATE TRIGGER main.{{ident .Trigger}} AFTER INSERT ON {{ident .Table.Name}}
{{- if .Table.History}}
WHEN {{template "captured"}}
{{- else if .Table.RecordChanges}}
WHEN {{template "captured"}}
{{- end}}
BEGIN
{{- template "number" .Table}}
END
