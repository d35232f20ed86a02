{{- if .Table.Light -}}
{{- /* It names as few columns as it can: SQLite reads all that are named for each
version that is written. Where what counts was changed too, the trigger for that has
refused a stale write before. */ -}}
CREATE TRIGGER main.{{ident .Trigger}} AFTER UPDATE OF {{ident .Table.VersionColumn}} ON {{ident .Table.Name}}
WHEN OLD.{{ident .Table.VersionColumn}} IS NOT NEW.{{ident .Table.VersionColumn}}
 AND NEW.{{ident .Table.VersionColumn}} IS NOT coalesce({{.Table.Newest (.Table.KeyObject "NEW")}}, {{.Table.Recorded (.Table.KeyObject "NEW")}}, iif({{.Table.BasedOnPresent}}, NEW.{{ident .Table.VersionColumn}}, -1))
 AND {{template "captured"}}
BEGIN
{{- template "stale" (row .Table "keep")}}
    -- The version is not the application's to change.
    UPDATE {{ident .Table.Name}} SET {{ident .Table.VersionColumn}} = {{.Table.Recorded (.Table.KeyObject "NEW")}}
     WHERE {{.Table.Match (ident .Table.Name) "NEW"}};
END
{{- else -}}
CREATE TRIGGER main.{{ident .Trigger}} AFTER UPDATE OF {{ident .Table.VersionColumn}} ON {{ident .Table.Name}}
WHEN {{template "captured"}}
 AND OLD.{{ident .Table.VersionColumn}} IS NOT NEW.{{ident .Table.VersionColumn}}
 AND NOT {{.Table.Changed}}
 AND NEW.{{ident .Table.VersionColumn}} IS NOT coalesce({{.Table.Recorded (.Table.KeyObject "NEW")}}, iif({{.Table.BasedOnPresent}}, NEW.{{ident .Table.VersionColumn}}, -1))
BEGIN
{{- template "stale" (row .Table "keep")}}
    -- The version is not the application's to change.
    UPDATE {{ident .Table.Name}} SET {{ident .Table.VersionColumn}} = {{.Table.Recorded (.Table.KeyObject "NEW")}}
     WHERE {{.Table.Match (ident .Table.Name) "NEW"}};
END
{{- end}}
