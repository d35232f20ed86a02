-- The versions $1 to $1 + $2 - 1 of $3, as the triggers would have written them. Ten
-- of each record, far apart as they are in life: every record has its nth version
-- before any has the next. Each table has a hundred changes a day, however many there
-- are in all, ten changes are a transaction, and there are a thousand actors. The
-- status changes in every fifth version.
INSERT INTO chrononaut.chrononaut_activity
       (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema, transaction_id)
SELECT 'past_' || r % 20 + 1, '2026-07-01'::timestamptz - ($3::bigint - i) * interval '43.2 seconds', v,
       jsonb_build_object('id', r / 20 + 1),
       jsonb_build_object('id', r / 20 + 1, 'name', 'Name ' || r, 'balance', (i % 100000) / 100.0, 'status', (ARRAY['new', 'open'])[v / 5 + 1],
                          'visits', i % 1000, 'note', 'lorem ipsum dolor sit amet, consetetur sadipscing elitr', 'version', v),
       jsonb_build_object('user_id', 'user ' || i / 10 * 7919 % 1000, 'remote_addr', NULL), '{"rationale": "benchmark"}',
       CASE v WHEN 0 THEN 'insert' ELSE 'update' END, 'public', (1000000 + i / 10)::text::xid8
  FROM generate_series($1::bigint, $1::bigint + $2::bigint - 1) AS i
 CROSS JOIN LATERAL (SELECT i % ($3::bigint / 10) AS r, (i / ($3::bigint / 10))::integer AS v) AS c
