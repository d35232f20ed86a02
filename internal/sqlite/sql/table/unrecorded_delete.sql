CREATE TRIGGER main.{{ident .Trigger}} AFTER DELETE ON {{ident .Table.Name}}
WHEN (SELECT suppressed FROM chrononaut_context)
BEGIN
{{- template "unrecorded" (row .Table "OLD")}}
END
