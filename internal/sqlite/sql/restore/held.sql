-- The holds on states of records of the table ?2, which ?1 gives with the number of an
-- item and whether it is inserted: of each the oldest.
SELECT f.n, {{template "hold" .}}
  FROM (SELECT s.value ->> '$.n' AS n, min(r.id) AS id
          FROM json_each(?1) AS s
          JOIN main.chrononaut_guarded AS f ON f.table_name = ?2
          JOIN main.chrononaut_refusal AS r ON r.table_name = f.table_name AND r.columns = f.columns AND r.kind = 'hold'
         WHERE r.match = (SELECT coalesce('{' || group_concat(json_quote(v.name) || ':' ||
                                     CASE WHEN v.how IS NULL THEN v.json
                                          WHEN v.type = 'object' THEN v.value
                                          WHEN v.type = 'null' THEN 'null'
                                          WHEN typeof(v.v) = 'text' THEN json_quote(CASE WHEN v.how LIKE '% NOCASE' THEN lower(v.v) WHEN v.how LIKE '% RTRIM' THEN rtrim(v.v) ELSE v.v END)
                                          WHEN v.v = CAST(v.v AS INTEGER) THEN CAST(v.v AS INTEGER)
                                          ELSE json_quote(v.v) END, ',') || '}', '{}')
                            FROM (SELECT c.key AS name, c.value AS how, j.type, j.value,
                                         CASE j.type WHEN 'object' THEN j.value WHEN 'real' THEN s.value -> ('$.state' || substr(j.fullkey, 8)) ELSE json_quote(j.atom) END AS json,
                                         CASE WHEN c.value LIKE 'text %' THEN CAST(j.atom AS TEXT)
                                              WHEN c.value LIKE 'numeric %' AND j.type = 'text' AND CAST(j.atom AS NUMERIC) = j.atom THEN CAST(j.atom AS NUMERIC)
                                              ELSE j.atom END AS v
                                    FROM json_each(f.columns) AS c
                                    JOIN json_each(s.value, '$.state') AS j ON j.key = c.key) AS v)
           AND NOT (r.allow_insert AND coalesce(s.value ->> '$.inserted', 0))
         GROUP BY 1) AS f
  JOIN main.chrononaut_hold AS h ON h.id = f.id
