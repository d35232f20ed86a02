CREATE TRIGGER main.{{ident .Trigger}} BEFORE INSERT ON {{ident .Table.Name}}
WHEN {{template "captured"}}
BEGIN
    -- Rows that this one excludes. If it is put in their place (OR REPLACE), the
    -- insert trigger finds them here; nothing else tells it about them.
{{- template "note" (note .Table "")}}
END
