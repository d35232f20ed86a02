{{- /* The statements of a plan, and what the engine runs besides. */ -}}
{{define "add_version_column"}}ALTER TABLE main.{{ident .Table.Name}} ADD COLUMN {{ident .Table.VersionColumn}} INTEGER{{end}}
{{define "drop_version_column"}}ALTER TABLE main.{{ident .Table.Name}} DROP COLUMN {{ident .Table.VersionColumn}}{{end}}
{{define "add_record_change_column"}}ALTER TABLE main.{{ident .Table.Name}} ADD COLUMN {{ident .Name}} {{.Type}}{{end}}
{{define "drop_record_change_column"}}ALTER TABLE main.{{ident .Table.Name}} DROP COLUMN {{ident .Name}}{{end}}
{{define "drop_trigger"}}DROP TRIGGER main.{{ident .Name}}{{end}}
{{define "register"}}INSERT INTO main.chrononaut_table (table_schema, table_name, tracked, key_columns, options)
VALUES ('main', {{literal .Table.HistoryName}}, 1, {{literal .KeyColumns}}, {{literal .Options}})
    ON CONFLICT (table_schema, table_name) DO UPDATE
   SET tracked = 1, key_columns = excluded.key_columns, options = excluded.options{{end}}
{{define "unregister"}}UPDATE main.chrononaut_table SET tracked = 0, baseline = NULL
 WHERE table_schema = 'main' AND table_name = {{literal .Table.HistoryName}}{{end}}
{{define "forget"}}DELETE FROM main.chrononaut_replaced WHERE table_name = {{literal .Table.HistoryName}}{{end}}
{{define "record"}}INSERT INTO main.chrononaut_activity (table_name, version, operation, data, user_info, extra_info, transaction_id)
SELECT {{literal .Table.HistoryName}}, 0, {{literal .Name}}, {{literal .Options}}, c.user_info, c.extra_info, c.transaction_id
  FROM main.chrononaut_context AS c{{end}}
{{define "migrated"}}INSERT INTO main.chrononaut_migration (version, name) VALUES ({{.Version}}, {{literal .Name}}){{end}}
{{define "reverted"}}{{if eq .Version 1}}DROP TABLE main.chrononaut_migration{{else}}DELETE FROM main.chrononaut_migration WHERE version = {{.Version}}{{end}}{{end}}
{{define "null_keys"}}SELECT EXISTS (SELECT 1 FROM main.{{ident .Table.Name}} AS r WHERE {{.Table.NullKey "r"}}){{end}}
{{define "count"}}SELECT count(*) FROM main.{{ident .Table.Name}}{{end}}
