{{- /* Statements that place holds and leases, and read them. */ -}}
{{- /* Takes the lock of the writer: a transaction that reads first cannot write any
more when another has written. */ -}}
{{define "begin"}}UPDATE main.chrononaut_context SET id = id WHERE id = 1{{end}}
{{define "row"}}{{.Table.KeyColumns}} IN (SELECT {{.Table.ReadKey "?1"}}) AND {{.Table.KeyObject "r"}} = ?1{{end}}
{{define "version"}}SELECT {{.Table.RowVersion "r"}} FROM main.{{ident .Table.Name}} AS r WHERE {{template "row" .}}{{end}}
{{- /* Refuses to lease what is held. */ -}}
{{define "unheld"}}INSERT INTO main.chrononaut_write (table_name, operation, own, columns, old_match)
SELECT {{literal .Table.HistoryName}}, 'lease', 0, c.columns, (SELECT {{.Table.GuardMatch "c.columns" "r"}})
  FROM main.chrononaut_guarded AS c, main.{{ident .Table.Name}} AS r
 WHERE c.table_name = {{literal .Table.HistoryName}} AND {{template "row" .}}{{end}}
{{define "take"}}INSERT INTO main.chrononaut_lease_call (operation, table_name, key, token, version, seconds, enforced, take_over, rationale)
VALUES ('take', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8){{end}}
{{define "renew"}}INSERT INTO main.chrononaut_lease_call (operation, id, token, seconds) VALUES ('renew', ?1, ?2, ?3){{end}}
{{define "release_lease"}}INSERT INTO main.chrononaut_lease_call (operation, id, token) VALUES ('release', ?1, ?2){{end}}
{{define "leases"}}SELECT l.id, l.table_name, l.key, coalesce(json_extract(l.user_info, '$.user_id'), ''), l.version,
       l.granted, l.renewed, l.expires, l.enforced, coalesce(l.rationale, '')
  FROM main.chrononaut_lease_state AS l
 WHERE true
{{- range .Where}}
   AND {{.}}
{{- end}}
 ORDER BY l.id DESC
{{- if .Limit}}
 LIMIT {{.Limit}}
{{- end}}{{end}}
{{- /* Whether there is no record with one of the keys ?1, a JSON array of texts, nor
was it deleted. */ -}}
{{define "missing"}}SELECT EXISTS (SELECT 1 FROM json_each(?1) AS k
                WHERE NOT EXISTS (SELECT 1 FROM main.{{ident .Table.Name}} AS r
                                   WHERE {{.Table.KeyColumns}} IN (SELECT {{.Table.ReadKey "k.value"}}) AND {{.Table.KeyObject "r"}} = k.value)
                  AND coalesce((SELECT a.operation FROM main.chrononaut_activity AS a
                                 WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key = k.value
                                 ORDER BY a.version DESC LIMIT 1), '') NOT IN ('delete', 'truncate')){{end}}
{{- /* The columns by which others refer to the records with the keys ?1, also to
deleted ones. */ -}}
{{define "parents"}}SELECT {{range $n, $c := .Columns}}{{if $n}}, {{end}}r.{{ident $c}}{{end}}
  FROM json_each(?1) AS k, main.{{ident .Table.Name}} AS r
 WHERE {{range $n, $c := .Table.Key}}{{if $n}} AND {{end}}r.{{ident $c}} = {{value "k.value" $c}}{{end}} AND {{.Table.KeyObject "r"}} = k.value
 UNION ALL
SELECT {{range $n, $c := .Columns}}{{if $n}}, {{end}}{{value "a.data" $c}}{{end}}
  FROM json_each(?1) AS k, main.chrononaut_activity AS a
 WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key = k.value AND a.operation = 'delete'
   AND a.version = (SELECT max(b.version) FROM main.chrononaut_activity AS b WHERE b.table_name = {{literal .Table.HistoryName}} AND b.key = k.value){{end}}
{{- /* The rows of a relation, by the columns by which others refer to them. */ -}}
{{define "children"}}SELECT {{range $n, $c := .Columns}}{{if $n}}, {{end}}c.{{ident $c}}{{else}}1{{end}}
  FROM main.{{ident .Table.Name}} AS c
 WHERE {{template "refers" .}}{{end}}
{{- /* As the parent's columns compare, as foreign keys do. The parents are values from
two sources, which have no affinity. */ -}}
{{define "refers"}}({{range $n, $p := .Pairs}}{{if $n}}, {{end}}{{$p.Compared "c"}}{{end}}) IN (SELECT {{range $n, $p := .Pairs}}{{if $n}}, {{end}}+p.{{ident $p.Parent}}{{end}} FROM ({{.Parents}}) AS p){{end}}
{{- /* What of a relation is held, as chrononaut_hold.scopes has it. */ -}}
{{define "scopes"}}SELECT DISTINCT json_object('table_name', {{literal .Table.HistoryName}}, 'columns', {{literal .Spec}}, 'match', {{.Match}})
  FROM ({{.Parents}}) AS p
 WHERE {{range $n, $p := .Pairs}}{{if $n}} AND {{end}}p.{{ident $p.Parent}} IS NOT NULL{{end}}
 UNION ALL
SELECT json_object('table_name', {{literal .Table.HistoryName}}, 'columns', {{literal .KeySpec}}, 'match', {{.Table.KeyObject "c"}})
  FROM main.{{ident .Table.Name}} AS c
 WHERE {{template "refers" .}}{{end}}
{{define "place"}}INSERT INTO main.chrononaut_hold (table_name, record_keys, children, scopes, allow_insert, two_people, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7){{end}}
{{define "placed"}}{{template "holds_of" .}} WHERE h.id = last_insert_rowid(){{end}}
{{define "release"}}UPDATE main.chrononaut_hold SET rationale = ?2 WHERE id = ?1{{end}}
{{define "released"}}{{template "holds_of" .}} WHERE h.id = ?1{{end}}
{{define "holds_of"}}SELECT {{template "hold" .}}
  FROM main.chrononaut_hold AS h{{end}}
{{define "holds"}}{{template "holds_of" .}}
{{- range $n, $w := .Where}}
 {{if $n}}  AND{{else}}WHERE{{end}} {{$w}}
{{- end}}
 ORDER BY h.id DESC
{{- if .Limit}}
 LIMIT {{.Limit}}
{{- end}}{{end}}
{{define "hold_columns"}}SELECT DISTINCT c.key FROM main.chrononaut_guarded AS g, json_each(iif(g.columns = '{}', '{"": null}', g.columns)) AS c WHERE g.table_name = ?1{{end}}
