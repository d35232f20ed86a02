-- What the point $1 means, and why the past of the table $2.$3 is not known there.
SELECT p.point::text, coalesce({{schema}}.past_unknown($2::text, $3::text, (p.point ->> 'clock')::timestamptz), '')
  FROM {{schema}}.resolve_point($1::jsonb) AS p (point)
