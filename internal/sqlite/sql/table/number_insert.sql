CREATE TRIGGER main.{{ident .Trigger}} AFTER INSERT ON {{ident .Table.Name}}
WHEN {{template "captured"}}
{{- if .Table.History}}
 AND {{template "not_numbering" .Table}}
{{- end}}
BEGIN
{{- template "number" .Table}}
END
