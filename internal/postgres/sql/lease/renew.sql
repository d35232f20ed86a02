-- Renews the lease $1 with the token $2.
SELECT l.id, '', {{template "lease"}}
  FROM {{schema}}.renew_lease($1::bigint, $2::text, $3::text::interval) AS l
