-- Opens the door. The first column tells whether it was open already; it is
-- computed before the record of this call is written.
WITH door AS MATERIALIZED (
    SELECT coalesce(pg_catalog.current_setting('chrononaut.suppressed', true), '') = 'on'
           AND {{schema}}.is_suppressed() AS open
)
SELECT door.open
  FROM door, LATERAL (SELECT {{schema}}.suppress($1::text, $2::boolean) WHERE door.open IS NOT NULL) AS suppressed
