-- 100 columns: a key and 33 each of text, integer and numeric.
DO $do$
BEGIN
    EXECUTE (
        SELECT 'CREATE TABLE wide_none (id bigint PRIMARY KEY, '
               || string_agg(format('c%s %s NOT NULL', i, (ARRAY['text', 'integer', 'numeric(12, 2)'])[i % 3 + 1]), ', ' ORDER BY i)
               || ') WITH (autovacuum_enabled = off)'
          FROM generate_series(1, 99) AS i);
    EXECUTE (
        SELECT 'CREATE FUNCTION wide_rows(first bigint, n bigint) RETURNS SETOF wide_none LANGUAGE sql STABLE AS $$ SELECT i, '
               || string_agg((ARRAY['''value '' || i', 'i::integer', '(i % 100000) / 100.0'])[i % 3 + 1], ', ' ORDER BY i)
               || ' FROM generate_series(first, first + n - 1) AS i $$'
          FROM generate_series(1, 99) AS i);
END
$do$;
