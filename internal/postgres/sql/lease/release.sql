-- Releases the lease $1 with the token $2.
SELECT l.id, '', {{template "lease"}}
  FROM {{schema}}.release_lease($1::bigint, $2::text) AS l
