-- Whether writes to a table have to be looked at, because records of it are held
-- or leased. The triggers ask at every row, so that the answer must cost next to
-- nothing: it is one bit of a sequence's value, which is read without a query and
-- without a snapshot. Tables share bits; a bit that is set for nothing costs a
-- look at the index. Bits are set and never taken back, so that no rollback can
-- leave a hold without its bit.
CREATE SEQUENCE {{schema}}.chrononaut_guarded AS bigint MINVALUE 0 START 0;
SELECT pg_catalog.setval({{literal (print schema ".chrononaut_guarded")}}, 0, true);

-- The owners of trigger functions may be others than that of history. Who may not
-- read the value does not see that it is 0.
GRANT SELECT ON SEQUENCE {{schema}}.chrononaut_guarded TO PUBLIC;

-- The transaction that was the last to place a hold or a lease, for transactions
-- whose snapshot is older: they would not see it. It may be running still, or have
-- been rolled back; before it came the last one that was committed.
CREATE SEQUENCE {{schema}}.chrononaut_guarded_by AS bigint MINVALUE 0 START 0;
SELECT pg_catalog.setval({{literal (print schema ".chrononaut_guarded_by")}}, 0, true);
CREATE SEQUENCE {{schema}}.chrononaut_guarded_before AS bigint MINVALUE 0 START 0;
SELECT pg_catalog.setval({{literal (print schema ".chrononaut_guarded_before")}}, 0, true);

-- Whether a transaction of this cluster was committed. Others come with a dump.
CREATE FUNCTION {{schema}}.guard_committed(id xid8) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    RETURN pg_xact_status(id) IS NOT DISTINCT FROM 'committed';
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
{{dollar}};

-- The bit of a table. Constant for the triggers, which name the table.
CREATE FUNCTION {{schema}}.guard_bit(of_schema text, of_table text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 1::bigint << (pg_catalog.abs(pg_catalog.hashtextextended(of_schema || '.' || of_table, 0) % 62))::integer;

-- Makes the triggers of a table look from now on. Called before rows are locked,
-- so that whoever has to be waited for has not looked yet or is waited for. One
-- transaction at a time until its end: the last one that is noted is then the
-- last one that ends.
CREATE FUNCTION {{schema}}.guard(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    last xid8;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended({{literal (print rawSchema " guard")}}, 0));
    PERFORM setval({{literal (print schema ".chrononaut_guarded")}},
                   pg_sequence_last_value({{literal (print schema ".chrononaut_guarded")}}) | {{schema}}.guard_bit(of_schema, of_table), true);
    last := pg_sequence_last_value({{literal (print schema ".chrononaut_guarded_by")}})::text::xid8;
    IF last <> pg_current_xact_id() AND {{schema}}.guard_committed(last) THEN
        PERFORM setval({{literal (print schema ".chrononaut_guarded_before")}}, last::text::bigint, true);
    END IF;
    PERFORM setval({{literal (print schema ".chrononaut_guarded_by")}}, pg_current_xact_id()::text::bigint, true);
END
{{dollar}};

REVOKE EXECUTE ON FUNCTION {{schema}}.guard(text, text) FROM PUBLIC;

-- Refuses a write of a transaction whose snapshot does not see the last hold or
-- lease. Where that is still being placed the rows decide: it waits for those
-- that are being written, and they for it.
CREATE FUNCTION {{schema}}.guard_snapshot() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    sequence regclass;
    last     xid8;
BEGIN
    -- In this order: guard() writes them in the other one.
    FOREACH sequence IN ARRAY ARRAY[{{literal (print schema ".chrononaut_guarded_by")}}, {{literal (print schema ".chrononaut_guarded_before")}}]::regclass[] LOOP
        last := pg_sequence_last_value(sequence)::text::xid8;
        IF NOT pg_visible_in_snapshot(last, pg_current_snapshot()) AND last <> pg_current_xact_id() AND {{schema}}.guard_committed(last) THEN
            RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
                MESSAGE = 'records were held or leased since this transaction took its snapshot',
                HINT = 'Repeat the transaction.';
        END IF;
    END LOOP;
END
{{dollar}};

-- Refuses to change a row that is held, or leased to somebody else. Called by the
-- capture trigger, with the row as to_jsonb() writes it, where the bit is set.
CREATE FUNCTION {{schema}}.guard_row(of_schema text, of_table text, operation text, old_row jsonb, new_row jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM {{schema}}.guard_snapshot();
    END IF;
    PERFORM {{schema}}.guard_hold(of_schema, of_table, operation, old_row, new_row);
    PERFORM {{schema}}.guard_lease(of_schema, of_table, operation, old_row, new_row);
END
{{dollar}};

-- The same for TRUNCATE, of a table any record of which is held or leased.
CREATE FUNCTION {{schema}}.guard_truncate(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM {{schema}}.guard_snapshot();
    END IF;
    PERFORM {{schema}}.guard_hold_truncate(of_schema, of_table);
    PERFORM {{schema}}.guard_lease_truncate(of_schema, of_table);
END
{{dollar}};

-- What they say of a row is for who may write it.
REVOKE EXECUTE ON FUNCTION {{schema}}.guard_row(text, text, text, jsonb, jsonb), {{schema}}.guard_truncate(text, text) FROM PUBLIC;
