-- The same with 12 columns more, which are hidden.
CREATE TABLE hidden_none (
    LIKE account_none INCLUDING ALL,
    secret_1  text NOT NULL,
    secret_2  text NOT NULL,
    secret_3  text NOT NULL,
    secret_4  text NOT NULL,
    secret_5  text NOT NULL,
    secret_6  text NOT NULL,
    secret_7  text NOT NULL,
    secret_8  text NOT NULL,
    secret_9  text NOT NULL,
    secret_10 text NOT NULL,
    secret_11 text NOT NULL,
    secret_12 text NOT NULL
) WITH (autovacuum_enabled = off);

CREATE FUNCTION hidden_rows(first bigint, n bigint) RETURNS SETOF hidden_none
    LANGUAGE sql STABLE
AS $$
    SELECT a.*, md5('1' || a.id), md5('2' || a.id), md5('3' || a.id), md5('4' || a.id), md5('5' || a.id), md5('6' || a.id),
           md5('7' || a.id), md5('8' || a.id), md5('9' || a.id), md5('10' || a.id), md5('11' || a.id), md5('12' || a.id)
      FROM account_rows(first, n) AS a
$$;
