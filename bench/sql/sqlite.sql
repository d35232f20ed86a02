-- The same 11 columns, as SQLite has them. TABLE_NAME is one of three; that
-- of the limit gets a column for versions.
CREATE TABLE TABLE_NAME (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    email    TEXT    NOT NULL,
    balance  REAL    NOT NULL,
    visits   INTEGER NOT NULL,
    active   INTEGER NOT NULL,
    born     TEXT    NOT NULL,
    created  TEXT    NOT NULL,
    tags     TEXT    NOT NULL,
    settings TEXT    NOT NULL,
    body     TEXT    NOT NULL
);

WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ROWS)
INSERT INTO TABLE_NAME
SELECT i, 'Name ' || i, 'name.' || i || '@example.com', (i % 100000) / 100.0, i % 1000, i % 7 <> 0,
       date('1990-01-01', (i % 10000) || ' days'), datetime('2026-01-01', i || ' seconds'),
       json_array('tag ' || i % 10, 'tag ' || i % 11), json_object('theme', 'dark', 'size', i % 20),
       replace(hex(zeroblob(20)), '00', 'lorem ipsum ')
  FROM s;
