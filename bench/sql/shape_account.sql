-- 11 columns of the types that business tables have, about 450 bytes a row.
-- Autovacuum stays out of the figures: the rounds vacuum between the measurements.
CREATE TABLE account_none (
    id       bigint         PRIMARY KEY,
    name     text           NOT NULL,
    email    text           NOT NULL,
    balance  numeric(12, 2) NOT NULL,
    visits   integer        NOT NULL,
    active   boolean        NOT NULL,
    born     date           NOT NULL,
    created  timestamptz    NOT NULL,
    tags     text[]         NOT NULL,
    settings jsonb          NOT NULL,
    body     text           NOT NULL
) WITH (autovacuum_enabled = off);

CREATE FUNCTION account_rows(first bigint, n bigint) RETURNS SETOF account_none
    LANGUAGE sql STABLE
AS $$
    SELECT i, 'Name ' || i, 'name.' || i || '@example.com', (i % 100000) / 100.0, i % 1000, i % 7 <> 0,
           '1990-01-01'::date + (i % 10000)::integer, '2026-01-01'::timestamptz + i * '1 second'::interval,
           ARRAY['tag ' || i % 10, 'tag ' || i % 11],
           jsonb_build_object('theme', 'dark', 'size', i % 20, 'nested', jsonb_build_object('a', NULL, 'b', i)),
           repeat('lorem ipsum ', 20)
      FROM generate_series(first, first + n - 1) AS i
$$;
