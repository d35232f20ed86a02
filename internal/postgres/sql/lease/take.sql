-- Leases the record with the key $3 of the table $2 in the schema $1.
WITH taken AS MATERIALIZED (
    SELECT t.token, t.lease
      FROM {{schema}}.lease($1::text, $2::text, $3::jsonb, $4::text::interval, $5::boolean, $6::boolean, $7::text, $8::integer) AS t
)
SELECT l.id, t.token, {{template "lease"}}
  FROM taken AS t, LATERAL (SELECT (t.lease).*) AS l
