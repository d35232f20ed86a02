-- The columns whose recorded value the present type does not take, by item.
SELECT k.n, m.misfits
  FROM {{template "restore_states" .}}
 CROSS JOIN LATERAL (
       SELECT {{range $i, $e := .Table.RecordRead "k.data"}}{{if $i}},
              {{end}}{{$e}}{{end}}
       OFFSET 0) AS v
 CROSS JOIN LATERAL (
       SELECT {{.Table.Misfits "k.data" "v"}}{{.Table.Tighter "k.data" "v"}}{{if .Python}} || {{.Table.PythonMisfits "k.data"}}{{end}} AS misfits) AS m
 WHERE m.misfits <> ''
