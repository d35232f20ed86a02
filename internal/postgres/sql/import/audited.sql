-- The audits of one model ($1).
SELECT a.auditable_id::text, a.created_at::timestamp AT TIME ZONE 'UTC', pg_catalog.to_json(a)::text
  FROM {{.Source}} AS a
 WHERE a.auditable_type = $1::text
 ORDER BY a.auditable_id, a.version, a.id
