-- A text of 1 MB, which compression hardly makes shorter.
CREATE TABLE toast_none (
    id     bigint  PRIMARY KEY,
    visits integer NOT NULL,
    body   text    NOT NULL
) WITH (autovacuum_enabled = off);

CREATE FUNCTION toast_rows(first bigint, n bigint) RETURNS SETOF toast_none
    LANGUAGE sql STABLE
AS $$
    SELECT i, 0, (SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 32768) AS j)
      FROM generate_series(first, first + n - 1) AS i
$$;
