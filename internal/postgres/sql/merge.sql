{{- /* The statements of a merge: $1 is the key of a record, $2 a version, the
values of the columns follow. */ -}}
{{- define "merge_match" -}}
{{range $i, $c := .Table.KeyColumns}}{{if $i}} AND {{end}}t.{{ident $c}} = {{$.Table.ValueIn $c "$1::jsonb"}}{{end}}
{{- end}}
{{- /* Writes the record, if it is at the version. */ -}}
{{- define "merge_update" -}}
UPDATE {{.Table.Qualified}} AS t
   SET {{range $i, $c := .Columns}}{{if $i}}, {{end}}{{ident $c.Name}} = {{$c.Value}}{{end}}
 WHERE {{template "merge_match" .}} AND coalesce(t.{{ident .Table.VersionColumn}}, 0) = $2::integer
RETURNING coalesce(t.{{ident .Table.VersionColumn}}, 0)
{{- end}}
{{- /* The version of the record, which nobody writes until the transaction ends. The
lock is that of an UPDATE: rows that refer to the record can come meanwhile. */ -}}
{{- define "merge_lock" -}}
SELECT coalesce(t.{{ident .Table.VersionColumn}}, 0) FROM {{.Table.Qualified}} AS t WHERE {{template "merge_match" .}} FOR NO KEY UPDATE
{{- end}}
{{- /* What has happened to the record since the version, and which of the columns,
by their places, had the values at the version, and are what they were, whatever
their type was then. */ -}}
{{- define "merge_compare" -}}
SELECT r.report::text,
       pg_catalog.array_to_json(ARRAY[
{{- range $i, $c := .Columns}}{{if $i}},{{end}}
           CASE WHEN (pg_catalog.jsonb_typeof(r.report -> 'base' -> {{literal $c.Name}}) = 'null') = ({{$c.Rounded}} IS NULL)
                 AND ROW({{$c.Was}})::record OPERATOR(pg_catalog.*=) ROW({{$c.Rounded}})::record THEN {{$i}} END
{{- end}}]::integer[])::text,
       pg_catalog.array_to_json(ARRAY[
{{- range $i, $c := .Columns}}{{if $i}},{{end}}
           CASE WHEN (pg_catalog.jsonb_typeof(r.report -> 'base' -> {{literal $c.Name}}) = 'null') = (t.{{ident $c.Name}} IS NULL)
                 AND ROW({{$c.Was}})::record OPERATOR(pg_catalog.*=) ROW(t.{{ident $c.Name}}::{{$c.BaseType}})::record THEN {{$i}} END
{{- end}}]::integer[])::text
  FROM (SELECT {{schema}}.changes_since({{literal .Table.Schema}}, {{literal .Table.Name}}, {{schema}}.normalize_key({{literal .Table.Schema}}, {{literal .Table.Name}}, $1::jsonb), $2::integer) AS report
        OFFSET 0) AS r
 CROSS JOIN {{.Table.Qualified}} AS t
 WHERE {{template "merge_match" .}}
{{- end}}
