CREATE TRIGGER main.{{ident .Trigger}} AFTER UPDATE OF {{.Table.OfColumns}} ON {{ident .Table.Name}}
WHEN (SELECT suppressed FROM chrononaut_context)
 AND {{.Table.Changed}}
BEGIN
{{- template "add_key" (row .Table "NEW")}}
{{- template "unrecorded" (row .Table "OLD")}}
{{- template "unrecorded" (row .Table "NEW")}}
END
