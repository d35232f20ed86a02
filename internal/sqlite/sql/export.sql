{{- /*
Statements that only files for migration tools have. SQLite raises errors only in
triggers; so the conditions are rows that a trigger refuses.
*/ -}}
{{define "open"}}-- Refuse to run where history or the table is not as this file expects it.
DROP TABLE IF EXISTS temp.chrononaut_guard;
CREATE TEMP TABLE chrononaut_guard (problem TEXT);
CREATE TEMP TRIGGER chrononaut_guard BEFORE INSERT ON chrononaut_guard WHEN NEW.problem IS NOT NULL
BEGIN
{{- range .Problems}}
    SELECT RAISE(ABORT, {{literal .Message}}) WHERE NEW.problem = {{literal .Name}};
{{- end}}
END;{{end}}
{{define "close"}}DROP TABLE temp.chrononaut_guard;{{end}}
{{define "require_nothing"}}INSERT INTO temp.chrononaut_guard SELECT 'installed' FROM main.sqlite_schema WHERE name = 'chrononaut_migration';{{end}}
{{define "require_version"}}INSERT INTO temp.chrononaut_guard SELECT 'version' WHERE (SELECT max(version) FROM main.chrononaut_migration) IS NOT {{.Version}};{{end}}
{{define "require_untracked"}}INSERT INTO temp.chrononaut_guard SELECT 'tracked' WHERE EXISTS (SELECT 1 FROM main.chrononaut_table WHERE tracked);{{end}}
{{define "require_no_history"}}INSERT INTO temp.chrononaut_guard SELECT 'history' WHERE EXISTS (SELECT 1 FROM main.chrononaut_activity)
   AND NOT EXISTS (SELECT 1 FROM main.chrononaut_setting WHERE name = 'drop_history' AND value = 'true');{{end}}
{{define "shape"}}SELECT json_array(
    (SELECT json_group_array(json_array(name, type, pk, hidden)) FROM (SELECT name, type, pk, hidden FROM pragma_table_xinfo({{literal .Table.Name}}) ORDER BY cid)),
    (SELECT json_group_array(json_array(of_index, of_column))
       FROM (SELECT l.name AS of_index, coalesce(i.name, '') AS of_column
               FROM pragma_index_list({{literal .Table.Name}}) AS l JOIN pragma_index_info(l.name) AS i WHERE l."unique" ORDER BY l.name, i.seqno))){{end}}
{{define "require_shape"}}-- The columns, and the unique indexes, by which OR REPLACE finds rows.
INSERT INTO temp.chrononaut_guard SELECT 'shape' WHERE ({{template "shape" .}}) <> {{literal .Shape}};{{end}}
{{define "require_keys"}}{{if .Table.NullKey "r"}}INSERT INTO temp.chrononaut_guard SELECT 'keys' WHERE EXISTS (SELECT 1 FROM main.{{ident .Table.Name}} AS r WHERE {{.Table.NullKey "r"}});{{end}}{{end}}
{{define "require_not_tracked"}}INSERT INTO temp.chrononaut_guard SELECT 'twice' WHERE EXISTS (
    SELECT 1 FROM main.chrononaut_table WHERE table_schema = 'main' AND table_name = {{literal .Table.HistoryName}} AND tracked);{{end}}
