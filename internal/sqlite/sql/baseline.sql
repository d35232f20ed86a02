{{- /*
One chunk of a baseline: the rows after the key ?1 (NULL for the first), ?2 of
them at most. The row in the registry says how far it is.
*/ -}}
{{- define "rows" -}}
SELECT r.key, r.version, r.image, {{.Table.Last "r.key"}} AS last
          FROM (SELECT {{.Table.KeyObject "t"}} AS key, {{.Table.Image "t"}} AS image, t.{{ident .Table.VersionColumn}} AS version
                  FROM main.{{ident .Table.Name}} AS t
                 {{- if .After}}
                 WHERE ({{range $n, $c := .Table.Key}}{{if $n}}, {{end}}t.{{ident $c}}{{end}}) > ({{.Table.ReadKey "?1"}})
                 {{- end}}
                 ORDER BY {{range $n, $c := .Table.Key}}{{if $n}}, {{end}}t.{{ident $c}}{{end}}
                 LIMIT ?2) AS r
         LIMIT -1
{{- end -}}
{{define "keys" -}}
-- The keys of the rows, in their order.
SELECT {{.Table.KeyObject "t"}}
  FROM main.{{ident .Table.Name}} AS t
 {{- if .After}}
 WHERE ({{range $n, $c := .Table.Key}}{{if $n}}, {{end}}t.{{ident $c}}{{end}}) > ({{.Table.ReadKey "?1"}})
 {{- end}}
 ORDER BY {{range $n, $c := .Table.Key}}{{if $n}}, {{end}}t.{{ident $c}}{{end}}
 LIMIT ?2
{{- end}}
{{define "record" -}}
-- Rows that history does not know, and rows that are not as it says, because
-- they changed while nothing captured them.
INSERT INTO main.chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
SELECT {{literal .Table.HistoryName}}, i.next, i.key, i.image || {{.Table.VersionSuffix "i.next"}},
       c.user_info, c.extra_info, 'baseline', c.transaction_id
  FROM (SELECT k.*, iif(k.last < 0, coalesce(CAST(k.version AS INTEGER), 0), 1 + max(k.last, coalesce(CAST(k.version AS INTEGER), 0))) AS next
          FROM ({{template "rows" .}}) AS k
         LIMIT -1) AS i, main.chrononaut_context AS c
 WHERE i.last < 0
    OR NOT EXISTS (SELECT 1 FROM main.chrononaut_activity AS a
                    WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key = i.key AND a.version = i.last
                      AND a.operation <> 'delete' AND a.data = i.image || {{.Table.VersionSuffix "i.last"}})
{{- end}}
{{define "number" -}}
-- Rows whose version has to move on with history: ?1 is the last id before.
UPDATE main.{{ident .Table.Name}}
   SET {{ident .Table.VersionColumn}} = {{.Table.Recorded (.Table.KeyObject (ident .Table.Name))}}
 WHERE {{.Table.KeyColumns}} IN (
           SELECT {{.Table.ReadKey "b.key"}}
             FROM main.chrononaut_activity AS b
            WHERE b.table_name = {{literal .Table.HistoryName}} AND b.id > ?1 AND b.operation = 'baseline' AND b.version > 0)
   AND {{ident .Table.VersionColumn}} IS NOT {{.Table.Recorded (.Table.KeyObject (ident .Table.Name))}}
{{- end}}
