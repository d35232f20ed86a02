{{- /* The table of keys of a table, and what is not recorded of its rows. */ -}}
{{define "keys"}}main.{{ident .Table.KeyTable}}{{end -}}
{{define "create"}}{{.Table.KeyTableSQL}}{{end}}
{{define "index"}}CREATE INDEX main.{{ident .Table.KeyIndex}} ON {{ident .Table.KeyTable}} ({{range $n, $c := .Table.Key}}{{if $n}}, {{end}}{{ident $c}}{{end}}){{end}}
{{define "drop"}}DROP TABLE {{template "keys" .}}{{end}}
{{define "add_rows"}}INSERT INTO {{template "keys" .}} ({{.Table.KeyTableColumns}})
SELECT {{.Table.KeyTableValues "r"}} FROM main.{{ident .Table.Name}} AS r
 WHERE NOT EXISTS (SELECT 1 FROM {{template "keys" .}} AS k WHERE {{.Table.KeyTableMatch "k" "r"}}){{end}}
{{define "add_history"}}INSERT INTO {{template "keys" .}} ({{.Table.KeyTableColumns}})
SELECT {{.Table.KeyTableRead "h.key"}}
  FROM (SELECT a.key FROM main.chrononaut_activity AS a WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key <> '{}'
        UNION
        SELECT a.previous_key FROM main.chrononaut_activity AS a WHERE a.table_name = {{literal .Table.HistoryName}} AND a.previous_key IS NOT NULL
        UNION
        SELECT u.key FROM main.chrononaut_unrecorded AS u WHERE u.table_name = {{literal .Table.HistoryName}} AND u.key <> '{}') AS h
 WHERE {{.Table.ReadableKey "h.key"}}
   AND NOT EXISTS (SELECT 1 FROM {{template "keys" .}} AS k WHERE {{.Table.KeyText "k"}} = h.key){{end}}
{{- /* How many of these the table of keys lacks. */ -}}
{{define "lost_keys"}}SELECT count(*)
  FROM (SELECT a.key FROM main.chrononaut_activity AS a WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key <> '{}'
        UNION
        SELECT a.previous_key FROM main.chrononaut_activity AS a WHERE a.table_name = {{literal .Table.HistoryName}} AND a.previous_key IS NOT NULL
        UNION
        SELECT u.key FROM main.chrononaut_unrecorded AS u WHERE u.table_name = {{literal .Table.HistoryName}} AND u.key <> '{}') AS h
 WHERE {{.Table.ReadableKey "h.key"}}
   AND NOT EXISTS (SELECT 1 FROM {{template "keys" .}} AS k WHERE {{.Table.KeyTableFound "k" "h.key"}}){{end}}
{{define "other_keys"}}INSERT OR REPLACE INTO main.chrononaut_unrecorded (table_name, key, id, is_there)
SELECT {{literal .Table.HistoryName}}, '{}', (SELECT max(id) FROM main.chrononaut_activity), 0
 WHERE EXISTS (SELECT 1 FROM (SELECT DISTINCT a.key FROM main.chrononaut_activity AS a WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key <> '{}') AS h
                WHERE NOT ({{.Table.ReadableKey "h.key"}})){{end}}
{{- /* The id of the entry that says that tracking began, the last time. */ -}}
{{define "began"}}(SELECT min(e.id) FROM main.chrononaut_activity AS e INDEXED BY chrononaut_activity_operation
         WHERE e.operation = 'track' AND e.operation NOT IN ('insert', 'update') AND e.table_name = {{literal .Table.HistoryName}}
           AND NOT coalesce(json_extract(e.data, '$.no_history'), 0)
           AND e.id > coalesce((SELECT max(g.id) FROM main.chrononaut_activity AS g INDEXED BY chrononaut_activity_operation
                                 WHERE g.operation IN ('track', 'untrack') AND g.operation NOT IN ('insert', 'update') AND g.table_name = {{literal .Table.HistoryName}}
                                   AND (g.operation = 'untrack' OR json_extract(g.data, '$.no_history'))), 0)){{end}}
{{define "unknown"}}INSERT OR REPLACE INTO main.chrononaut_unrecorded (table_name, key, id, is_there)
SELECT {{literal .Table.HistoryName}}, i.key, {{template "began" .}}, 1
  FROM (SELECT {{.Table.KeyObject "r"}} AS key FROM main.{{ident .Table.Name}} AS r) AS i
 WHERE {{.Table.Last "i.key"}} < 0
UNION
SELECT a.table_name, a.key, {{template "began" .}}, 1
  FROM main.chrononaut_activity AS a
 WHERE a.table_name = {{literal .Table.HistoryName}} AND a.operation = 'baseline' AND a.operation NOT IN ('insert', 'update')
   AND a.id > {{template "began" .}}
   AND NOT EXISTS (SELECT 1 FROM main.chrononaut_activity AS b
                    WHERE b.table_name = {{literal .Table.HistoryName}} AND b.key = a.key AND b.version < a.version){{end}}
{{define "changed"}}INSERT OR REPLACE INTO main.chrononaut_unrecorded (table_name, key, id, is_there)
SELECT {{literal .Table.HistoryName}}, i.key, (SELECT max(id) FROM main.chrononaut_activity), 1
  FROM (SELECT k.*, {{.Table.Last "k.key"}} AS last
          FROM (SELECT {{.Table.KeyObject "r"}} AS key, {{.Table.Image "r"}} AS image FROM main.{{ident .Table.Name}} AS r LIMIT -1) AS k
         LIMIT -1) AS i
 WHERE i.last >= 0
   AND NOT EXISTS (SELECT 1 FROM main.chrononaut_activity AS a
                    WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key = i.key AND a.version = i.last
                      AND a.operation <> 'delete' AND a.data = i.image || {{.Table.VersionSuffix "i.last"}}){{end}}
{{define "gone"}}INSERT OR REPLACE INTO main.chrononaut_unrecorded (table_name, key, id, is_there)
SELECT {{literal .Table.HistoryName}}, {{.Table.KeyText "k"}}, (SELECT max(id) FROM main.chrononaut_activity), 0
  FROM {{template "keys" .}} AS k
 WHERE NOT EXISTS (SELECT 1 FROM main.{{ident .Table.Name}} AS r WHERE {{.Table.Match "r" "k"}} AND {{.Table.KeyObject "r"}} = {{.Table.KeyText "k"}})
   AND coalesce((SELECT a.operation FROM main.chrononaut_activity AS a
                  WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key = {{.Table.KeyText "k"}}
                  ORDER BY a.version DESC LIMIT 1), '') NOT IN ('delete', 'truncate'){{end}}
