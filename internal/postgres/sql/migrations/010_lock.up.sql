-- Who keeps others from locking a row, as a JSON array of objects; empty where
-- the database cannot tell. With no row it is who has the whole table locked, and
-- for the strength WRITE also who writes to it.
--
-- For whoever may lock rows: of sessions of other roles it says no more than
-- pg_stat_activity does.
CREATE FUNCTION {{schema}}.lock_holders(of_table oid, of_row xid, strength text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
AS {{dollar}}
DECLARE
    harmless text[] := CASE strength WHEN 'UPDATE' THEN '{}' WHEN 'SHARE' THEN '{keysh,sh}' ELSE '{keysh}' END;
    lockers  xid[];
    owners   text[];
    several  boolean := false;
BEGIN
    -- A transaction holds a lock of the table, which tells those that may have
    -- locked rows of it, and one of its own number.
    IF of_row IS NULL THEN
        owners := ARRAY(SELECT l.virtualtransaction FROM pg_locks AS l
                         WHERE l.locktype = 'relation' AND l.relation = of_table AND l.granted
                           AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
                           AND (l.mode IN ('ExclusiveLock', 'AccessExclusiveLock')
                                OR strength = 'WRITE' AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'SIReadLock')));
    ELSE
        -- A row has the number of the transaction that locked it, or that of a set
        -- of them, and does not say which.
        lockers := ARRAY[of_row];
        BEGIN
            lockers := lockers || ARRAY(SELECT m.xid FROM pg_get_multixact_members(of_row) AS m WHERE m.mode <> ALL (harmless));
        EXCEPTION WHEN internal_error OR invalid_parameter_value THEN
            -- It is not the number of a set.
        END;
        WITH writer AS MATERIALIZED (
            SELECT l.virtualtransaction AS owner, l.pid, t.transactionid AS number
              FROM pg_locks AS l
              JOIN pg_locks AS t ON t.virtualtransaction = l.virtualtransaction AND t.locktype = 'transactionid' AND t.granted
             WHERE l.locktype = 'relation' AND l.relation = of_table AND l.granted
               AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
               AND l.mode NOT IN ('AccessShareLock', 'SIReadLock')
               AND l.pid IS DISTINCT FROM pg_backend_pid()
        ), known AS (
            SELECT DISTINCT w.owner FROM writer AS w WHERE w.number = ANY (lockers)
        ), possible AS (
            -- A savepoint has a number of its own, which is nobody's any more when it
            -- is released. It is greater than that of its transaction.
            SELECT DISTINCT w.owner
              FROM writer AS w
             WHERE NOT EXISTS (SELECT FROM known)
               AND EXISTS (SELECT FROM unnest(lockers) AS n (number)
                            WHERE {{schema}}.in_progress(n.number) AND age(w.number) > age(n.number))
        )
        SELECT array_agg(o.owner), count(*) > 1 AND bool_or(o.possible)
          INTO owners, several
          FROM (SELECT k.owner, false AS possible FROM known AS k UNION ALL SELECT p.owner, true FROM possible AS p) AS o;
    END IF;
    RETURN coalesce((
        SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'pid', h.pid, 'application', nullif(s.application_name, ''), 'database_user', coalesce(s.usename, p.owner),
                   'client', s.client_addr, 'since', coalesce(s.xact_start, p.prepared), 'possible', several, 'prepared', p.gid)))
          FROM (SELECT DISTINCT l.pid, CASE WHEN l.pid IS NULL THEN l.transactionid END AS number
                  FROM pg_locks AS l
                 WHERE l.virtualtransaction = ANY (owners) AND l.pid IS DISTINCT FROM pg_backend_pid()
                   AND (l.pid IS NOT NULL OR l.locktype = 'transactionid')) AS h
          LEFT JOIN pg_stat_activity AS s ON s.pid = h.pid
          LEFT JOIN pg_prepared_xacts AS p ON p.transaction = h.number
         WHERE h.pid IS NOT NULL OR p.gid IS NOT NULL), '[]');
END
{{dollar}};

-- Whether a transaction, or a savepoint of one, is running.
CREATE FUNCTION {{schema}}.in_progress(number xid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    -- Numbers go round: the one that is meant is less than half of them away.
    at    bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    ahead bigint := (number::text::bigint - at) & 4294967295;
BEGIN
    at := at + CASE WHEN ahead < 2147483648 THEN ahead ELSE ahead - 4294967296 END;
    RETURN coalesce(pg_xact_status(at::text::xid8) = 'in progress', false);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
{{dollar}};
