CREATE TRIGGER main.{{ident .Trigger}} AFTER INSERT ON {{ident .Table.Name}}
WHEN (SELECT suppressed FROM chrononaut_context)
BEGIN
{{- template "add_key" (row .Table "NEW")}}
{{- template "unrecorded" (row .Table "NEW")}}
END
