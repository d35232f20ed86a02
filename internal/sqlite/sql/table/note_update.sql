CREATE TRIGGER main.{{ident .Trigger}} BEFORE UPDATE OF {{.Table.UniqueColumns}} ON {{ident .Table.Name}}
WHEN {{template "captured"}}
 AND {{.Table.UniqueChanged}}
BEGIN
    -- Other rows that the new values exclude: see the trigger for INSERT.
{{- template "note" (note .Table (print " AND NOT (" (.Table.Match "r" "OLD") ")"))}}
END
