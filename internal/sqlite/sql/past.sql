{{- /* A table as of an entry of the log. The rows of the table of keys, each with
its last entry up to the cut. */ -}}
{{define "past" -}}
SELECT {{range $n, $c := .Columns}}{{if $n}},
       {{end}}{{$c}}{{end}}
  FROM main.{{ident .Table.KeyTable}} AS k
 CROSS JOIN main.chrononaut_activity AS a
    ON a.id = {{if .Unrecorded}}{{template "known" .}}{{else}}{{template "last" .}}{{end}}
 WHERE a.operation NOT IN ('delete', 'truncate')
{{- if .Moves}}
   AND a.key = {{.Key}}{{end}}
{{- end}}
{{- /* The last entry of the key: a change of its record, or the one that took it
from its record. */ -}}
{{define "last" -}}
{{if .Moves -}}
(SELECT c.id
           FROM (SELECT * FROM (SELECT b.id, b.version FROM main.chrononaut_activity AS b
                                 WHERE b.table_name = {{literal .Table.HistoryName}} AND b.key = {{.Key}} AND b.id <= {{.CutSQL}}
                                 ORDER BY b.version DESC LIMIT 1)
                 UNION ALL
                 SELECT * FROM (SELECT b.id, b.version FROM main.chrononaut_activity AS b
                                 WHERE b.table_name = {{literal .Table.HistoryName}} AND b.previous_key = {{.Key}} AND b.previous_key IS NOT NULL AND b.id <= {{.CutSQL}}
                                 ORDER BY b.version DESC LIMIT 1)) AS c
          ORDER BY c.version DESC, c.id DESC LIMIT 1)
{{- else -}}
(SELECT b.id FROM main.chrononaut_activity AS b
          WHERE b.table_name = {{literal .Table.HistoryName}} AND b.key = {{.Key}} AND b.id <= {{.CutSQL}}
          ORDER BY b.version DESC LIMIT 1)
{{- end}}
{{- end}}
{{- /* The same where something is known besides the changes. From an entry on of
which the state is not recorded, the row is as the next baseline says, if that
comes before any other. */ -}}
{{define "known" -}}
(SELECT CASE WHEN i.mark <= i.last THEN i.last
                 WHEN i.mark < 0 OR NOT (SELECT u.is_there FROM main.chrononaut_unrecorded AS u
                                          WHERE u.table_name = {{literal .Table.HistoryName}} AND u.key = {{.Key}} AND u.id = i.mark) THEN NULL
                 ELSE coalesce((SELECT n.id
                                  FROM (SELECT b.id, b.operation FROM main.chrononaut_activity AS b
                                         WHERE b.table_name = {{literal .Table.HistoryName}} AND b.key = {{.Key}} AND b.id > {{.CutSQL}}
                                         ORDER BY b.version LIMIT 1) AS n
                                 WHERE n.operation = 'baseline'{{with .UntilSQL}} AND n.id < {{.}}{{end}}
                                   AND NOT EXISTS (SELECT 1 FROM main.chrononaut_unrecorded AS u
                                                    WHERE u.table_name = {{literal .Table.HistoryName}} AND u.key = {{.Key}} AND u.id > {{.CutSQL}} AND u.id < n.id)),
                               {{.NotRecorded}})
            END
           FROM (SELECT coalesce({{template "last" .}}, -1) AS last,
                        coalesce((SELECT max(u.id) FROM main.chrononaut_unrecorded AS u
                                   WHERE u.table_name = {{literal .Table.HistoryName}} AND u.key = {{.Key}} AND u.id <= {{.CutSQL}}), -1) AS mark) AS i)
{{- end}}
{{- /* The first entry after the time ?1. Times grow with ids from one entry behind
which the clock was set back to the next, so the first of these that is later
says where to look. */ -}}
{{define "entry_after" -}}
SELECT coalesce((SELECT a.id
                   FROM main.chrononaut_activity AS a INDEXED BY chrononaut_activity_changed
                  WHERE a.changed > ?1
                    AND a.id <= coalesce((SELECT min(c.id) FROM main.chrononaut_clock AS c WHERE c.changed > ?1), 9223372036854775807)
                    AND a.id > coalesce((SELECT max(c.id) FROM main.chrononaut_clock AS c
                                          WHERE c.id < coalesce((SELECT min(c.id) FROM main.chrononaut_clock AS c WHERE c.changed > ?1), 9223372036854775807)), 0)
                  ORDER BY a.changed, a.id LIMIT 1), 0)
{{- end}}
{{- /* The cut of a point in time before the entry ?1: a transaction that straddles it
is left out. 0 is no entry. */ -}}
{{define "cut_before" -}}
SELECT coalesce((SELECT min(a.id) FROM main.chrononaut_activity AS a
                  WHERE a.transaction_id = (SELECT b.transaction_id FROM main.chrononaut_activity AS b WHERE b.id = ?1)), ?1) - 1
{{- end}}
{{define "cut_transaction" -}}
SELECT coalesce((SELECT a.id FROM main.chrononaut_activity AS a
                  WHERE a.transaction_id <= ?1 AND a.transaction_id IS NOT NULL
                  ORDER BY a.transaction_id DESC, a.id DESC LIMIT 1), 0),
       ?1 <= (SELECT c.last_transaction FROM main.chrononaut_context AS c)
{{- end}}
{{define "last_entry" -}}
SELECT coalesce((SELECT max(a.id) FROM main.chrononaut_activity AS a), 0)
{{- end}}
{{- /* What a transaction sees, without what it has written itself: only its own
number is to be seen. */ -}}
{{define "snapshot" -}}
SELECT coalesce((SELECT min(a.id) - 1 FROM main.chrononaut_activity AS a
                  WHERE a.transaction_id = (SELECT c.transaction_id FROM main.chrononaut_context AS c)),
                (SELECT max(a.id) FROM main.chrononaut_activity AS a), 0)
{{- end}}
{{define "now"}}SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now'){{end}}
{{define "last_change" -}}
SELECT coalesce((SELECT a.changed FROM main.chrononaut_activity AS a ORDER BY a.id DESC LIMIT 1), '')
{{- end}}
{{- /* The relations of the main database, and how they are tracked as of the cut ?1:
one JSON object each. */ -}}
{{define "relations" -}}
SELECT s.name, s.type, coalesce(s.sql, ''), coalesce(t.options, ''),
       coalesce(t.tracked AND NOT coalesce(json_extract(t.options, '$.no_history'), 0), 0),
       coalesce((SELECT e.operation = 'track' AND NOT coalesce(json_extract(e.data, '$.no_history'), 0) FROM main.chrononaut_activity AS e INDEXED BY chrononaut_activity_operation
                  WHERE e.operation IN ('track', 'untrack') AND e.operation NOT IN ('insert', 'update') AND e.table_name = t.table_name AND e.id <= ?1
                  ORDER BY e.id DESC LIMIT 1), 0)
           AND NOT EXISTS (SELECT 1 FROM main.chrononaut_unrecorded AS u WHERE u.table_name = t.table_name AND u.key = '{}' AND u.id > ?1),
       coalesce((SELECT min(e.id) FROM main.chrononaut_activity AS e INDEXED BY chrononaut_activity_operation
                  WHERE e.operation = 'untrack' AND e.operation NOT IN ('insert', 'update') AND e.table_name = t.table_name AND e.id > ?1), 0),
       EXISTS (SELECT 1 FROM main.chrononaut_activity AS m INDEXED BY chrononaut_activity_arrival WHERE m.table_name = t.table_name AND m.previous_key IS NOT NULL),
       EXISTS (SELECT 1 FROM main.chrononaut_unrecorded AS u WHERE u.table_name = t.table_name AND u.key <> '{}'),
       coalesce((SELECT k.sql FROM main.sqlite_schema AS k WHERE k.type = 'table' AND k.name = 'chrononaut_keys_' || t.table_name), '')
  FROM main.sqlite_schema AS s
  LEFT JOIN main.chrononaut_table AS t ON t.table_schema = 'main' AND t.table_name = s.name COLLATE NOCASE
 WHERE s.type IN ('table', 'view')
   AND substr(s.name, 1, 7) <> 'sqlite_' COLLATE NOCASE AND substr(s.name, 1, 11) <> 'chrononaut_' COLLATE NOCASE
   {{- if .Name}}
   AND s.name = ?2 COLLATE NOCASE{{end}}
 ORDER BY s.name
{{- end}}
