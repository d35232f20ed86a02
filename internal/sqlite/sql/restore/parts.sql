{{- /* What the statements of plans have in common. Items are objects with the
members n, key (as text), id, before, after, version and set, in the array ?1. */ -}}
{{- define "items" -}}
(SELECT e.value ->> '$.n' AS n, e.value ->> '$.key' AS key, e.value ->> '$.id' AS id, e.value -> '$.set' AS chosen,
               e.value ->> '$.before' AS before, e.value ->> '$.after' AS after, e.value ->> '$.version' AS version
          FROM json_each(?1) AS e)
{{- end}}
{{- /* The row t of an item k. */ -}}
{{- define "match" -}}
{{range $i, $c := .Table.Key}}{{if $i}} AND {{end}}t.{{ident $c}} = {{value "k.key" $c}}{{end}}
{{- end}}
{{- /* The recorded states of the items. */ -}}
{{- define "states" -}}
(SELECT i.n, i.key, i.chosen, a.data
          FROM {{template "items"}} AS i
          JOIN main.chrononaut_activity AS a ON a.id = i.id)
{{- end}}
{{- define "chosen" -}}
EXISTS (SELECT 1 FROM json_each(k.chosen) AS s WHERE s.value = {{literal .Name}})
{{- end}}
