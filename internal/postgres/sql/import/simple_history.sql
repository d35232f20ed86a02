-- The rows of a history table of django-simple-history.
SELECT h.history_date, pg_catalog.to_json(h)::text
  FROM {{.Source}} AS h
 ORDER BY {{range $k := .Key}}h.{{ident $k}}, {{end}}h.history_date, h.history_id
