{{- /* The id of the last change in the life of a key: see last.sql. */ -}}
{{define "last_id" -}}
SELECT CASE WHEN parted.id IS NULL OR latest.version >= parted.version OR latest.id > parted.id THEN latest.id ELSE parted.id END AS id
              FROM (VALUES (1)) AS one (x)
              LEFT JOIN LATERAL
                   (SELECT a.id, a.version
                      FROM {{schema}}.chrononaut_activity AS a
                     WHERE {{template "is" (.Args.Is "key" .Key)}}
                       AND a.changed <= {{.Until}}
                     ORDER BY a.version DESC, a.id DESC LIMIT 1) AS latest ON true
              LEFT JOIN LATERAL
                   (SELECT a.id, a.version
                      FROM {{schema}}.chrononaut_activity AS a
                     WHERE {{template "is" (.Args.Is "previous_key" .Key)}}
                       AND a.previous_key IS NOT NULL
                       AND a.changed <= {{.Until}}
                     ORDER BY a.version DESC, a.id DESC LIMIT 1) AS parted ON true
{{- end -}}
-- The keys of a table that have changes in a time, in the order of their last
-- changes in it. page is the next part of the log; last_changes are those in it
-- that were the last of their key or took a key away, and the last one of the
-- page, which says where the next begins; ends adds the state that the key had
-- before the time. Every step is a look-up in an index, and as the page comes
-- first, the planner knows that there are few.
WITH page AS MATERIALIZED (
    SELECT w.id, w.key, w.previous_key
      -- OFFSET 0 keeps the index on times out of this: for every page it would
      -- find all that is left.
      FROM (SELECT l.id, l.key, l.previous_key, l.changed
              FROM {{schema}}.chrononaut_activity AS l
             WHERE l.table_schema = {{literal .Schema}} AND l.table_name = {{literal .Name}}
               AND l.id > {{.AfterID}} AND l.id <= {{.UpToID}}
             ORDER BY l.id OFFSET 0) AS w
     WHERE w.changed > {{.From}} AND w.changed <= {{.To}}
     LIMIT {{.Limit}}
), last_changes AS MATERIALIZED (
    SELECT p.id, p.key, p.previous_key, latest.id = p.id AND p.key <> '{}' AS is_last
      FROM page AS p
     CROSS JOIN LATERAL (
            {{template "last_id" (.LastID "p.key" .To)}}
            ) AS latest
     WHERE latest.id = p.id OR p.previous_key IS NOT NULL OR p.id = (SELECT max(id) FROM page)
), ends AS MATERIALIZED (
    SELECT p.id, p.key, p.previous_key, p.is_last,
           CASE WHEN p.is_last THEN coalesce(before.id, (
              -- What a baseline found was there before it.
              SELECT CASE WHEN first.operation = 'baseline' THEN first.id END
                FROM (SELECT a.id, a.operation
                        FROM {{schema}}.chrononaut_activity AS a
                       WHERE {{template "is" (.Is "key" "p.key")}}
                       ORDER BY a.version, a.id LIMIT 1) AS first)) END AS before_id
      FROM last_changes AS p
      LEFT JOIN LATERAL (
            {{template "last_id" (.LastID "p.key" .From)}}
            ) AS before ON p.is_last
)
SELECT {{template "change" .}},
       {{template "record" .}},
       e.id, part.role, e.is_last, e.key::text, coalesce(e.previous_key::text, ''),
       EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                WHERE {{template "is" (.Is "key" "e.key")}}
                  AND a.previous_key IS NOT NULL),
       EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                WHERE {{template "is" (.Is "previous_key" "e.key")}}
                  AND a.previous_key IS NOT NULL),
{{- if .HiddenChanges}}
       CASE WHEN part.role = 1 AND e.is_last THEN coalesce((
            SELECT pg_catalog.jsonb_agg(DISTINCT n.name)
              FROM {{schema}}.chrononaut_activity AS a
             CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(a.extra_info -> 'hidden_cols_changed') AS n (name)
             WHERE {{template "is" (.Is "key" "e.key")}}
               AND a.extra_info ? 'hidden_cols_changed'
               AND a.changed > {{.From}} AND a.changed <= {{.To}}), '[]')::text ELSE '[]' END
{{- else}}
       '[]'
{{- end}}
  FROM ends AS e
 CROSS JOIN (VALUES (0), (1)) AS part (role)
  JOIN {{schema}}.chrononaut_activity AS a ON a.id = CASE part.role WHEN 1 THEN e.id ELSE e.before_id END
 ORDER BY e.id, part.role
