{{- if .Table.Light -}}
CREATE TRIGGER main.{{ident .Trigger}} AFTER UPDATE OF {{.Table.OfColumns}} ON {{ident .Table.Name}}
BEGIN
    -- The version that the row has in history: mostly the next one.
    UPDATE {{ident .Table.Name}}
       SET {{ident .Table.VersionColumn}} = OLD.{{ident .Table.VersionColumn}} + 1
     WHERE {{.Table.Match (ident .Table.Name) "NEW"}}
       AND {{ident .Table.VersionColumn}} IS NOT OLD.{{ident .Table.VersionColumn}} + 1
       AND OLD.{{ident .Table.VersionColumn}} + 1 = {{.Table.Newest (.Table.KeyObject "NEW")}};
{{- template "number_light" (row .Table "OLD")}}
END
{{- else -}}
CREATE TRIGGER main.{{ident .Trigger}} AFTER UPDATE OF {{.Table.OfColumns}} ON {{ident .Table.Name}}
WHEN {{template "captured"}}
{{- if .Table.History}}
 AND {{template "not_numbering" .Table}}
{{- end}}
 AND {{.Table.Changed}}
BEGIN
{{- template "number" .Table}}
END
{{- end}}
