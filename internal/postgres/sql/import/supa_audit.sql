{{- define "key" -}}
pg_catalog.jsonb_build_object({{range $i, $k := .Key}}{{if $i}}, {{end}}{{literal $k}}, {{$.Of}} -> {{literal $k}}{{end}})
{{- end -}}
-- The versions of one table ($1, $2) by primary key: record_id depends on the
-- table's OID, which a dump and restore changes. A change of the primary key is
-- there twice, the second time for the key that it leaves.
SELECT s.ts, s.row::text, s.departed
  FROM (SELECT {{template "key" (.KeyOf "coalesce(v.record, v.old_record)")}} AS key, v.id, v.ts, pg_catalog.to_json(v) AS row, false AS departed
          FROM {{.Source}} AS v
         WHERE v.table_schema = $1::text AND v.table_name = $2::text AND v.op::text <> 'TRUNCATE'
        UNION ALL
        SELECT {{template "key" (.KeyOf "v.old_record")}}, v.id, v.ts, pg_catalog.to_json(v), true
          FROM {{.Source}} AS v
         WHERE v.table_schema = $1::text AND v.table_name = $2::text AND v.op::text = 'UPDATE'
           AND {{template "key" (.KeyOf "v.old_record")}} <> {{template "key" (.KeyOf "v.record")}}) AS s
 ORDER BY s.key, s.id
