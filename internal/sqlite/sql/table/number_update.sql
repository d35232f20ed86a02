CREATE TRIGGER main.{{ident .Trigger}} AFTER UPDATE OF {{.Table.OfColumns}} ON {{ident .Table.Name}}
WHEN {{template "captured"}}
{{- if .Table.History}}
 AND {{template "not_numbering" .Table}}
{{- end}}
 AND {{.Table.Changed}}
BEGIN
{{- template "number" .Table}}
END
