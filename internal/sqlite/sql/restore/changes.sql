{{- /* What has happened to the record that has a key, or had it last, since it was at a
version. In walk are its changes, newest first, down to that version: if it is the
last one and nothing ended the record since, it is the state that counts. */ -}}
{{define "walk"}}WITH RECURSIVE walk (n, id, key, version, previous_key, ended) AS (
    SELECT 0, a.id, a.key, a.version, a.previous_key, 0
      FROM main.chrononaut_activity AS a
     WHERE a.id = (SELECT s.id
                     FROM (SELECT * FROM (SELECT b.id, b.version FROM main.chrononaut_activity AS b
                                           WHERE b.table_name = {{.Name}} AND b.key = {{.Key}} ORDER BY b.version DESC LIMIT 1)
                           UNION ALL
                           SELECT * FROM (SELECT b.id, b.version FROM main.chrononaut_activity AS b
                                           WHERE b.table_name = {{.Name}} AND b.previous_key = {{.Key}} AND b.previous_key IS NOT NULL ORDER BY b.version DESC LIMIT 1)) AS s
                    ORDER BY s.version DESC, s.id DESC LIMIT 1)
    UNION ALL
    SELECT w.n + 1, a.id, a.key, a.version, a.previous_key,
           w.ended OR p.operation IN ('delete', 'truncate', 'insert') OR p.operation = 'restore' AND coalesce(json_extract(p.extra_info, '$.restore.operation') = 'insert', 0)
      FROM walk AS w
      JOIN main.chrononaut_activity AS p ON p.id = w.id
      JOIN main.chrononaut_activity AS a
        ON a.id = (SELECT b.id FROM main.chrononaut_activity AS b
                    WHERE b.table_name = {{.Name}} AND b.key = coalesce(w.previous_key, w.key) AND b.version < w.version
                    ORDER BY b.version DESC LIMIT 1)
     WHERE w.version > {{.Version}} AND w.n < 10000),
state (base, present) AS MATERIALIZED (
    SELECT (SELECT a.data FROM walk AS w JOIN main.chrononaut_activity AS a ON a.id = w.id WHERE w.version <= {{.Version}} AND NOT w.ended),
           (SELECT a.data FROM walk AS w JOIN main.chrononaut_activity AS a ON a.id = w.id WHERE w.n = 0)),
since (name) AS MATERIALIZED (
    SELECT d.key FROM (SELECT z.key
         FROM (SELECT j.key, j.type, j.value FROM json_each((SELECT s.base FROM state AS s)) AS j UNION ALL SELECT j.key, j.type, j.value FROM json_each((SELECT s.present FROM state AS s)) AS j) AS z
        WHERE z.type <> 'null' AND z.key NOT IN (SELECT v.value FROM json_each({{.Versions}}) AS v)
        GROUP BY z.key HAVING count(*) = 1 OR min(z.type) <> max(z.type) OR min(z.value) <> max(z.value)) AS d WHERE (SELECT s.base FROM state AS s) IS NOT NULL
    UNION
    SELECT h.value FROM walk AS w JOIN main.chrononaut_activity AS a ON a.id = w.id, json_each(a.extra_info, '$.hidden_cols_changed') AS h WHERE w.version > {{.Version}}){{end}}
{{define "changes"}}{{template "walk" .}}
SELECT json_object('changes', json((SELECT json_group_array(json(c.change))
                             FROM (SELECT json_object('version', a.version, 'changed', substr(a.changed, 1, 23) || '000Z', 'operation', coalesce(a.operation, ''),
                                                      'actor', coalesce(json_extract(a.user_info, '$.user_id'), ''), 'rationale', substr(coalesce(json_extract(a.extra_info, '$.rationale'), ''), 1, 1000),
                                                      'columns', json((SELECT json_group_array(x.name)
                                                                         FROM (SELECT d.key AS name
                                                                                 FROM (SELECT z.key
         FROM (SELECT j.key, j.type, j.value FROM json_each(iif(a.operation = 'insert' OR a.operation = 'restore' AND coalesce(json_extract(a.extra_info, '$.restore.operation') = 'insert', 0), '{}', coalesce(b.data, a.data))) AS j UNION ALL SELECT j.key, j.type, j.value FROM json_each(a.data) AS j) AS z
        WHERE z.type <> 'null' AND z.key NOT IN (SELECT v.value FROM json_each({{.Versions}}) AS v)
        GROUP BY z.key HAVING count(*) = 1 OR min(z.type) <> max(z.type) OR min(z.value) <> max(z.value)) AS d
                                                                               UNION
                                                                               SELECT h.value FROM json_each(a.extra_info, '$.hidden_cols_changed') AS h) AS x))) AS change
                                     FROM walk AS w
                                     JOIN main.chrononaut_activity AS a ON a.id = w.id
                                     LEFT JOIN walk AS o ON o.n = w.n + 1
                                     LEFT JOIN main.chrononaut_activity AS b ON b.id = o.id
                                    WHERE w.version > {{.Version}} AND w.n < 50
                                    ORDER BY w.n) AS c)),
           'more', json(iif((SELECT count(*) FROM walk AS w WHERE w.version > {{.Version}}) > 50, 'true', 'false')),
           'since', json((SELECT json_group_array(s.name) FROM (SELECT s.name FROM since AS s ORDER BY s.name) AS s)),
           'base', json((SELECT s.base FROM state AS s))){{end}}
