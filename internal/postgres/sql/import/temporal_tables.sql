-- The periods of each record: those of the history table, and the live row.
SELECT pg_catalog.lower(s.period), pg_catalog.upper(s.period), pg_catalog.lower(s.period)::text, pg_catalog.upper(s.period)::text,
       s.row::text, pg_catalog.to_json(pg_catalog.tstzrange(pg_catalog.lower(s.period), NULL))::text
  FROM (SELECT {{range $k := .Key}}h.{{ident $k}}, {{end}}h.{{ident .Period}} AS period, pg_catalog.to_json(h) AS row
          FROM {{.Source}} AS h
         WHERE NOT pg_catalog.isempty(h.{{ident .Period}})
        UNION ALL
        SELECT {{range $k := .Key}}t.{{ident $k}}, {{end}}t.{{ident .Period}}, pg_catalog.to_json(t)
          FROM {{.Qualified}} AS t) AS s
 ORDER BY {{range $k := .Key}}s.{{ident $k}}, {{end}}pg_catalog.lower(s.period)
