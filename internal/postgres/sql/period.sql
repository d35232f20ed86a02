{{- /* Parts of the functions that make periods, and of the views that read them. */ -}}
{{- /* Sets the variables of the key from a key as history has it. */ -}}
{{- define "period_key"}}
        BEGIN
{{- range .Table.Keys}}
            {{.Variable}} := {{$.Row}} ->> {{literal .Name}};
{{- end}}
        EXCEPTION WHEN {{template "misfit"}} THEN
{{- range .Table.Keys}}
            {{.Variable}} := NULL;
{{- end}}
        END;
{{- end -}}
{{- /* Whether a key is longer than an entry of an index can be. */ -}}
{{- define "period_long"}}{{range $i, $k := .Keys}}{{if $i}} + {{end}}pg_column_size({{$k.Variable}}){{end}} > 2600{{end -}}
{{- define "period_is"}}{{range $i, $k := .Keys}}{{if $i}} AND {{end}}k.{{$k.KeysColumn}} = {{$k.Variable}}{{end}}{{end -}}
{{- define "period_unplaced"}}{{range $i, $k := .Keys}}{{if $i}} OR {{end}}{{$k.Variable}} IS NULL{{end}}{{end -}}
{{- define "period_columns"}}{{range .Keys}}, {{.KeysColumn}}{{end}}{{if .PeriodKey}}, key{{end}}{{range .PeriodFields}}, {{.Slot}}{{end}}{{end -}}
{{- define "period_values"}}{{range .Table.Keys}}, {{.Variable}}{{end}}{{if .Table.PeriodKey}}, {{.Row}}{{end}}{{range .Table.PeriodFields}}, fields.{{.Slot}}{{end}}{{end -}}
{{- /* Reads the state in image; if it does not fit, raw keeps it. */ -}}
{{- define "period_fields"}}
        raw := NULL;
{{- if .PeriodFields}}
        BEGIN
            SELECT {{range $i, $f := .PeriodFields}}{{if $i}},
                   {{end}}{{$.PeriodValue $f}} AS {{$f.Slot}}{{end}}
              INTO fields;
        EXCEPTION WHEN {{template "misfit"}} THEN
            raw := image;
            SELECT {{range $i, $f := .PeriodFields}}{{if $i}}, {{end}}NULL::{{$f.SlotType}} AS {{$f.Slot}}{{end}}
              INTO fields;
        END;
{{- end}}
{{- end -}}
{{- /* Whether the point sees a change: its id and its transaction. */ -}}
{{- define "period_seen" -}}
(k.{{.}}_id < (SELECT {{schema}}.as_of_from())
              OR k.{{.}}_id < (SELECT {{schema}}.as_of_to())
                 AND k.{{.}}_by <> ALL ((SELECT {{schema}}.as_of_except())::pg_catalog.xid8[])
                 AND pg_catalog.pg_visible_in_snapshot(k.{{.}}_by, (SELECT {{schema}}.as_of_sight())))
{{- end -}}
{{- define "periods" -}}
  FROM {{.Table.PeriodTable}} AS k
 WHERE k.valid_to > (SELECT {{schema}}.as_of_low())
   AND k.valid_from <= (SELECT {{schema}}.as_of())
   -- Transactions that also wrote later, and snapshots.
   -- What a baseline found was there before it.
   AND (k.found_at IS NULL OR k.found_at <= (SELECT {{schema}}.as_of()) OR (SELECT {{schema}}.past_found({{literal .Table.Schema}}, {{literal .Table.Name}})))
   AND ((SELECT {{schema}}.as_of_plain())
        OR (k.unsure OR {{template "period_seen" "began"}}
            OR k.found_at IS NOT NULL AND (SELECT {{schema}}.past_found({{literal .Table.Schema}}, {{literal .Table.Name}})))
           AND (k.ended_id IS NULL OR k.valid_to > (SELECT {{schema}}.as_of()) OR NOT {{template "period_seen" "ended"}}))
   AND (NOT k.unsure OR k.began_id = {{schema}}.past_newest(k.began_id))
   AND (SELECT {{schema}}.periods_complete({{literal .Table.Schema}}, {{literal .Table.Name}}))
{{- end -}}
