{{- /*
The condition that finds changes by a key in the index; k is the column that
holds it. $1 and $2 are the table's names in history.
*/ -}}
{{define "is" -}}
pg_catalog.jsonb_hash_extended(a.{{.Column}}, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                    = pg_catalog.jsonb_hash_extended({{.Key}}, pg_catalog.hashtextextended($1::text || '.' || $2::text, 0))
                AND a.{{.Column}} = {{.Key}} AND a.table_name = $2::text AND a.table_schema = $1::text
                AND a.previous_key IS NOT NULL
{{- end -}}
-- Deletes the history of the record that has the key $3, or had it last, under
-- all keys that it ever had.
--
-- A key passes from record to record: one arrives with a change of its primary
-- key, another departs. The versions of a key only grow, so arrivals and
-- departures cut the history of a key into pieces, each of one record. Where
-- both have one version (two records swapped keys in one statement), the
-- departure was that of the earlier record.
WITH RECURSIVE last_holder AS (
    SELECT (SELECT pg_catalog.max(a.version) FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" is "key" "$3::jsonb"}}) AS arrival,
           (SELECT pg_catalog.max(a.version) FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" is "previous_key" "$3::jsonb"}}) AS departure,
           (SELECT pg_catalog.max(a.version) FROM {{schema}}.chrononaut_activity AS a
             WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                    = pg_catalog.jsonb_hash_extended($3::jsonb, pg_catalog.hashtextextended($1::text || '.' || $2::text, 0))
                AND a.key = $3::jsonb AND a.table_name = $2::text AND a.table_schema = $1::text) AS newest
),
-- From that record's piece on to the newest one, when it has moved on.
onward (step, key, since) AS (
    SELECT 0, coalesce(moved.key, $3::jsonb), greatest(h.arrival, h.departure)
      FROM last_holder AS h
      LEFT JOIN LATERAL (
               SELECT a.key
                 FROM {{schema}}.chrononaut_activity AS a
                WHERE {{template "is" is "previous_key" "$3::jsonb"}}
                  AND a.version = h.departure
                  AND h.departure > coalesce(h.newest, -1)
                LIMIT 1) AS moved ON true
    UNION ALL
    SELECT o.step + 1, departure.key, departure.version
      FROM onward AS o,
           LATERAL (
               SELECT a.key, a.version
                 FROM {{schema}}.chrononaut_activity AS a
                WHERE {{template "is" is "previous_key" "o.key"}}
                  AND (o.since IS NULL OR a.version > o.since)
                ORDER BY a.version LIMIT 1) AS departure
     WHERE NOT EXISTS (
               SELECT FROM {{schema}}.chrononaut_activity AS a
                WHERE {{template "is" is "key" "o.key"}}
                  AND (o.since IS NULL OR a.version > o.since)
                  AND a.version < departure.version)
),
-- And from the newest piece back to the first.
life (key, lower, upper) AS (
    SELECT o.key, o.since,
           (SELECT pg_catalog.min(a.version) FROM {{schema}}.chrononaut_activity AS a
             WHERE {{template "is" is "key" "o.key"}}
               AND (o.since IS NULL OR a.version > o.since))
      FROM (SELECT * FROM onward ORDER BY step DESC LIMIT 1) AS o
    UNION ALL
    SELECT arrival.previous_key,
           greatest((SELECT pg_catalog.max(a.version) FROM {{schema}}.chrononaut_activity AS a
                      WHERE {{template "is" is "key" "arrival.previous_key"}} AND a.version < l.lower),
                    (SELECT pg_catalog.max(a.version) FROM {{schema}}.chrononaut_activity AS a
                      WHERE {{template "is" is "previous_key" "arrival.previous_key"}} AND a.version < l.lower)),
           l.lower
      FROM life AS l,
           LATERAL (
               SELECT a.previous_key
                 FROM {{schema}}.chrononaut_activity AS a
                WHERE {{template "is" is "key" "l.key"}} AND a.version = l.lower
                LIMIT 1) AS arrival
)
DELETE FROM {{schema}}.chrononaut_activity AS a
 USING life AS l
 WHERE pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
       = pg_catalog.jsonb_hash_extended(l.key, pg_catalog.hashtextextended($1::text || '.' || $2::text, 0))
   AND a.key = l.key AND a.table_name = $2::text AND a.table_schema = $1::text
   AND (l.lower IS NULL OR a.version >= l.lower)
   AND (l.upper IS NULL OR a.version < l.upper)
