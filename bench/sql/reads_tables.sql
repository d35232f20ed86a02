-- 20 tables of the same columns.
DO $do$
BEGIN
    FOR t IN 1 .. 20 LOOP
        EXECUTE format('CREATE TABLE past_%s (id bigint PRIMARY KEY, name text, balance numeric(12, 2), status text, visits integer, note text)', t);
    END LOOP;
END
$do$;
