{{- /* The id of the last change in the life of a key: see last.sql. */ -}}
{{define "last_id" -}}
(SELECT c.id
              FROM (SELECT * FROM (
                      SELECT a.id, a.version FROM main.chrononaut_activity AS a
                       WHERE a.table_name = ?2 AND a.key = {{.Key}} AND a.changed <= {{.Until}}
                       ORDER BY a.version DESC LIMIT 1)
                    UNION ALL
                    SELECT * FROM (
                      SELECT a.id, a.version FROM main.chrononaut_activity AS a
                       WHERE a.table_name = ?2 AND a.previous_key = {{.Key}} AND a.previous_key IS NOT NULL AND a.changed <= {{.Until}}
                       ORDER BY a.version DESC LIMIT 1)) AS c
             ORDER BY c.version DESC, c.id DESC LIMIT 1)
{{- end -}}
-- The keys of the table ?2 that have changes in a time, in the order of their last
-- changes in it. page is the next part of the log; last_changes are those in it
-- that were the last of their key or took a key away, and the last one of the
-- page, which says where the next begins; ends adds the state that the key had
-- before the time. Every step is a look-up in an index.
WITH page AS MATERIALIZED (
    SELECT w.id, w.key, w.previous_key
      -- The table's log is in the order of ids.
      FROM main.chrononaut_activity AS w INDEXED BY chrononaut_activity_table
     WHERE w.table_name = ?2
       AND w.id > {{.AfterID}} AND w.id <= {{.UpToID}}
       AND w.changed > {{.From}} AND w.changed <= {{.To}}
     ORDER BY w.id
     LIMIT {{.Limit}}
), last_changes AS MATERIALIZED (
    SELECT p.id, p.key, p.previous_key,
           p.key <> '{}' AND p.id = {{template "last_id" (.LastID "p.key" .To)}} AS is_last
      FROM page AS p
), ends AS MATERIALIZED (
    SELECT p.id, p.key, p.previous_key, p.is_last,
           CASE WHEN p.is_last THEN coalesce({{template "last_id" (.LastID "p.key" .From)}}, (
              -- What a baseline found was there before it.
              SELECT CASE WHEN f.operation = 'baseline' THEN f.id END
                FROM (SELECT a.id, a.operation FROM main.chrononaut_activity AS a
                       WHERE a.table_name = ?2 AND a.key = p.key
                       ORDER BY a.version LIMIT 1) AS f)) END AS before_id
      FROM last_changes AS p
     WHERE p.is_last OR p.previous_key IS NOT NULL OR p.id = (SELECT max(id) FROM page)
)
SELECT {{template "change"}},
       {{template "stamp"}},
       e.id, part.role, e.is_last, e.key, coalesce(e.previous_key, ''),
       EXISTS (SELECT 1 FROM main.chrononaut_activity AS a
                WHERE a.table_name = ?2 AND a.key = e.key AND a.previous_key IS NOT NULL),
       EXISTS (SELECT 1 FROM main.chrononaut_activity AS a
                WHERE a.table_name = ?2 AND a.previous_key = e.key AND a.previous_key IS NOT NULL),
       CASE WHEN part.role = 1 AND e.is_last THEN
            (SELECT json_group_array(DISTINCT n.value)
               FROM main.chrononaut_activity AS a, json_each(a.extra_info, '$.hidden_cols_changed') AS n
              WHERE a.table_name = ?2 AND a.key = e.key AND a.changed > {{.From}} AND a.changed <= {{.To}}) ELSE '[]' END
  FROM ends AS e
 CROSS JOIN (SELECT 0 AS role UNION ALL SELECT 1) AS part
 CROSS JOIN main.chrononaut_activity AS a ON a.id = CASE part.role WHEN 1 THEN e.id ELSE e.before_id END
 ORDER BY e.id, part.role
