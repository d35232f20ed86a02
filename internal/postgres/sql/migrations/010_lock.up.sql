-- Who keeps others from locking a row, as a JSON array of objects; empty where
-- the database cannot tell. A row itself knows the transaction that locked it, or
-- the number of a set of them; sessions are found by the locks that transactions
-- hold on themselves. With no row it is who has the whole table locked.
--
-- For whoever may lock rows: of sessions of other roles it says no more than
-- pg_stat_activity does.
CREATE FUNCTION {{schema}}.lock_holders(of_table oid, of_row xid, strength text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
AS {{dollar}}
DECLARE
    lockers xid[] := '{}';
    harmless text[];
    holders jsonb;
BEGIN
    IF of_row IS NOT NULL THEN
        harmless := CASE strength WHEN 'UPDATE' THEN '{}'::text[]
                                  WHEN 'SHARE' THEN '{keysh,sh}'
                                  ELSE '{keysh}' END;
        BEGIN
            lockers := ARRAY(SELECT m.xid FROM pg_get_multixact_members(of_row) AS m WHERE m.mode <> ALL (harmless));
        EXCEPTION WHEN internal_error OR invalid_parameter_value THEN
            -- It is not the number of a set.
        END;
        -- Or not of this one: a number means nothing unless who it stands for is
        -- running and has written to the table or locked rows of it.
        lockers := lockers || of_row;
    END IF;
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'pid', h.pid, 'application', nullif(s.application_name, ''), 'database_user', coalesce(s.usename, p.owner),
               'client', s.client_addr, 'since', coalesce(s.xact_start, p.prepared), 'prepared', p.gid)) ORDER BY s.xact_start, h.pid)
      INTO holders
      FROM (SELECT DISTINCT l.pid, x.transactionid AS prepared
              FROM pg_locks AS l
              LEFT JOIN pg_locks AS x ON x.virtualtransaction = l.virtualtransaction AND x.pid IS NULL AND x.locktype = 'transactionid'
             WHERE l.locktype = 'relation' AND l.granted AND l.relation = of_table
               AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
               AND l.pid IS DISTINCT FROM pg_backend_pid()
               AND CASE WHEN of_row IS NULL THEN l.mode IN ('ExclusiveLock', 'AccessExclusiveLock')
                        ELSE l.mode NOT IN ('AccessShareLock', 'SIReadLock') AND EXISTS (
                             SELECT FROM pg_locks AS t
                              WHERE t.virtualtransaction = l.virtualtransaction AND t.locktype = 'transactionid' AND t.granted
                                AND t.transactionid = ANY (lockers)) END) AS h
      LEFT JOIN pg_stat_activity AS s ON s.pid = h.pid
      LEFT JOIN pg_prepared_xacts AS p ON h.pid IS NULL AND p.transaction = h.prepared;
    RETURN coalesce(holders, '[]');
END
{{dollar}};
