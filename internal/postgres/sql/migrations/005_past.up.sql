-- The time machine: queries read the past. For each tracked table the schema
-- chrononaut_past has a view of the same name and columns that reads history as
-- of the point that travel() has set for the transaction.
--
-- The views read history and the tables of keys below, never the tables
-- themselves: so no view stands in the way of an ALTER or DROP of a table, and
-- travel_end() can tell whether a transaction has read anything of the present.

-- --------------------------------------------------------------- registry --

-- The tables that have a past to be queried.
CREATE TABLE {{schema}}.chrononaut_past (
    table_schema text    NOT NULL,
    table_name   text    NOT NULL,
    -- The table of its keys, in this schema.
    keys_table   text    NOT NULL,
    -- A key was written whose type was not that of the table of keys: until track
    -- has run again nobody can say where it is.
    unplaced     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (table_schema, table_name)
);

-- Views of the application that are mirrored over the past.
CREATE TABLE {{schema}}.chrononaut_past_mirror (
    view_schema text NOT NULL,
    view_name   text NOT NULL,
    PRIMARY KEY (view_schema, view_name)
);

-- Views of the past that are put aside while a type is dropped.
CREATE TABLE {{schema}}.chrononaut_past_aside (
    transaction_id xid8 NOT NULL,
    place          serial,
    definition     text NOT NULL
);

-- The schemas of views: of the past of a schema, and of what is refused there
-- because it is not tracked.
CREATE TABLE {{schema}}.chrononaut_past_schema (
    table_schema     text PRIMARY KEY,
    past_schema      text NOT NULL,
    untracked_schema text NOT NULL
);

-- When history knew all rows of a table (complete), when something changed that
-- was not recorded (disturbed), and from when on history was erased (erased).
-- The past of a table is known at a time if history was complete at some time
-- before and nothing disturbed it in between, or after, and nothing did until then.
CREATE TABLE {{schema}}.chrononaut_coverage (
    id           bigserial   PRIMARY KEY,
    table_schema text        NOT NULL,
    table_name   text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('complete', 'disturbed', 'erased')),
    since        timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    until        timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    -- One row for each transaction that disturbed a table or erased of it.
    transaction_id xid8,
    UNIQUE (table_schema, table_name, kind, transaction_id)
);

-- Transactions that went on writing for longer than a second: of those the
-- greatest time of a change is far from the others, see past_except().
CREATE TABLE {{schema}}.chrononaut_long (
    transaction_id xid8      NOT NULL,
    span           tstzrange NOT NULL,
    -- When it ended, where that matters: see note_ending().
    ended          timestamptz
);
CREATE INDEX chrononaut_long_span ON {{schema}}.chrononaut_long USING gist (span);
CREATE INDEX chrononaut_long_transaction ON {{schema}}.chrononaut_long (transaction_id);

-- Called by the capture triggers of a transaction that is older than a second,
-- and by what else writes history. Each entry reaches ahead by as long as the
-- transaction has lasted, so that there are few of them.
CREATE FUNCTION {{schema}}.note_long() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    moment timestamptz := clock_timestamp();
    ahead  timestamptz;
BEGIN
    -- A setting would be quicker, and anybody could set it.
    IF moment <= now() + interval '1 second'
       OR EXISTS (SELECT FROM {{schema}}.chrononaut_long AS l
                   WHERE l.transaction_id = pg_current_xact_id() AND l.ended IS NULL AND upper(l.span) > moment)
    THEN
        RETURN;
    END IF;
    ahead := moment + greatest(moment - now(), interval '1 second') * 2;
    INSERT INTO {{schema}}.chrononaut_long (transaction_id, span) VALUES (pg_current_xact_id(), tstzrange(now(), ahead));
END
{{dollar}};

-- Transactions that have to look at the others' once more when they end.
CREATE TABLE {{schema}}.chrononaut_ending (
    transaction_id xid8    NOT NULL,
    -- What it saw before its first such change; NULL when that does not move on.
    seen           pg_snapshot,
    round          integer NOT NULL DEFAULT 0
);

-- A transaction may come to an end because of what others have done after its last
-- change: the deletion of a row waits for those who delete the rows that refer to
-- it, and a deferred check sees what has been committed meanwhile. Its end is noted
-- then, and counts as if it had written at that time. Called by the capture
-- triggers before the first change of each table whose foreign keys are checked
-- afterwards.
CREATE FUNCTION {{schema}}.note_ending(relation oid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    noted text := coalesce(nullif(current_setting('chrononaut.ending', true), ''), 'no');
BEGIN
    IF noted NOT LIKE 'yes%'
       AND EXISTS (SELECT FROM pg_trigger AS g JOIN pg_constraint AS c ON c.oid = g.tgconstraint
                    WHERE g.tgrelid = relation AND c.contype = 'f' AND (c.confrelid = relation OR c.condeferrable))
    THEN
        INSERT INTO {{schema}}.chrononaut_ending (transaction_id, seen)
        VALUES (pg_current_xact_id(), CASE current_setting('transaction_isolation') WHEN 'read committed' THEN pg_current_snapshot() END);
        noted := 'yes' || substr(noted, 3);
    END IF;
    PERFORM set_config('chrononaut.ending', noted || '|' || relation || '|', true);
END
{{dollar}};

-- Runs when the transaction ends, the second time after all other deferred
-- triggers. If nobody else has ended meanwhile, there was nothing to be seen.
CREATE FUNCTION {{schema}}.note_ended() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    moment timestamptz;
BEGIN
    IF NEW.round = 0 THEN
        UPDATE {{schema}}.chrononaut_ending AS e SET round = 1 WHERE e.transaction_id = NEW.transaction_id;
        RETURN NULL;
    END IF;
    DELETE FROM {{schema}}.chrononaut_ending AS e WHERE e.transaction_id = NEW.transaction_id;
    PERFORM set_config('chrononaut.ending', '', true);
    IF NEW.seen IS NULL OR NEW.seen::text <> pg_current_snapshot()::text THEN
        moment := clock_timestamp();
        INSERT INTO {{schema}}.chrononaut_long (transaction_id, span, ended) VALUES (NEW.transaction_id, tstzrange(now(), moment, '[]'), moment);
    END IF;
    RETURN NULL;
END
{{dollar}};

CREATE CONSTRAINT TRIGGER chrononaut_ended
    AFTER INSERT OR UPDATE ON {{schema}}.chrononaut_ending
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION {{schema}}.note_ended();
ALTER TABLE {{schema}}.chrononaut_ending ENABLE ALWAYS TRIGGER chrononaut_ended;

-- ------------------------------------------------------------------ points --

-- A point that a transaction reads at is in settings that are local to it:
--   chrononaut.as_of           the time; history later than it is not seen
--   chrononaut.as_of_whole     the time up to which everything is seen: what follows
--                              is about later changes
--   chrononaut.as_of_except    transactions that are not seen, because they also
--                              wrote later
--   chrononaut.as_of_snapshot  a pg_snapshot: what it does not see is not seen
--   chrononaut.as_of_from, _to ids of history: rows before the first are of an
--                              earlier cluster, whose transaction ids mean nothing
--                              here; rows from the second on are of a later one
--   chrononaut.as_of_clock     the time, in which also a snapshot was taken
--   chrononaut.as_of_options   what travel() was asked for

CREATE FUNCTION {{schema}}.as_of() RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    at text := nullif(current_setting('chrononaut.as_of', true), '');
BEGIN
    IF at IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'TM013',
            MESSAGE = 'the past is read without a point in time',
            HINT = {{literal (print "Call " rawSchema ".travel() first in the transaction, or read under chrononaut.AsOf in Go.")}};
    END IF;
    RETURN at::timestamptz;
END
{{dollar}};

CREATE FUNCTION {{schema}}.as_of_whole() RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(pg_catalog.current_setting('chrononaut.as_of_whole', true), '')::timestamptz;

CREATE FUNCTION {{schema}}.as_of_except() RETURNS xid8[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(pg_catalog.current_setting('chrononaut.as_of_except', true), ''), '{}')::xid8[];

CREATE FUNCTION {{schema}}.as_of_snapshot() RETURNS pg_snapshot
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(pg_catalog.current_setting('chrononaut.as_of_snapshot', true), '')::pg_snapshot;

CREATE FUNCTION {{schema}}.as_of_from() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(pg_catalog.current_setting('chrononaut.as_of_from', true), '')::bigint;

CREATE FUNCTION {{schema}}.as_of_to() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(pg_catalog.current_setting('chrononaut.as_of_to', true), '')::bigint, 9223372036854775807);

-- Whether the point sees a change that is not plainly seen, its time apart. To set up
-- its parts in each query would cost more than a call for these few rows; and so
-- do pinned settings: it reads no table.
CREATE FUNCTION {{schema}}.as_of_sees(change_id bigint, of_transaction xid8) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
AS {{dollar}}
BEGIN
    IF change_id OPERATOR(pg_catalog.<) pg_catalog.current_setting('chrononaut.as_of_from')::bigint THEN
        RETURN true;
    END IF;
    IF change_id OPERATOR(pg_catalog.>=) {{schema}}.as_of_to() THEN
        RETURN false;
    END IF;
    IF pg_catalog.current_setting('chrononaut.as_of_snapshot') OPERATOR(pg_catalog.<>) '' THEN
        RETURN coalesce(pg_catalog.pg_visible_in_snapshot(of_transaction, pg_catalog.current_setting('chrononaut.as_of_snapshot')::pg_snapshot), true);
    END IF;
    RETURN coalesce(of_transaction OPERATOR(pg_catalog.<>) ALL ({{schema}}.as_of_except()), true);
END
{{dollar}};

-- The transactions of one cluster, whose ids of history are from the first up to
-- the second, that wrote both up to a time and later, or ended later where that
-- counts. A transaction that is not among chrononaut_long wrote for at most a
-- second.
CREATE FUNCTION {{schema}}.past_except(at timestamptz, from_id bigint, to_id bigint) RETURNS xid8[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan
AS {{dollar}}
BEGIN
    RETURN (
    SELECT coalesce(array_agg(w.transaction_id), '{}')
      FROM ((SELECT a.transaction_id
               FROM {{schema}}.chrononaut_activity AS a
              WHERE a.changed > at AND a.changed <= at + interval '1.5 seconds'
                AND a.id >= from_id AND a.id < to_id
             INTERSECT
             SELECT a.transaction_id
               FROM {{schema}}.chrononaut_activity AS a
              WHERE a.changed <= at AND a.changed > at - interval '1.5 seconds'
                AND a.id >= from_id AND a.id < to_id)
            UNION
            SELECT l.transaction_id
              FROM (SELECT l.transaction_id, bool_or(l.ended > at) AS ends
                      FROM {{schema}}.chrononaut_long AS l WHERE l.span @> at GROUP BY l.transaction_id) AS l
             WHERE EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                            WHERE a.transaction_id = l.transaction_id AND a.changed <= at
                              AND a.id >= from_id AND a.id < to_id)
               AND (l.ends OR EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                                       WHERE a.transaction_id = l.transaction_id AND a.changed > at
                                         AND a.id >= from_id AND a.id < to_id))) AS w
     WHERE w.transaction_id IS NOT NULL);
END
{{dollar}};

-- The time from which on a transaction has written at the earliest, as its id says:
-- it got that later than any with a lower id got theirs, which begin at most a
-- second before what they write unless they are among chrononaut_long. NULL when
-- history says nothing of it.
CREATE FUNCTION {{schema}}.begun_after(id xid8) RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT a.changed - interval '1 second'
      FROM {{schema}}.chrononaut_activity AS a
     WHERE a.transaction_id < begun_after.id AND a.id >= (SELECT {{schema}}.cluster_start(9223372036854775807))
       AND a.operation IN ('insert', 'update', 'delete')
       AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_long AS l WHERE l.transaction_id = a.transaction_id)
     ORDER BY a.transaction_id DESC, a.id DESC
     LIMIT 1
{{dollar}};

-- Whether a transaction id has been given out.
CREATE FUNCTION {{schema}}.is_given(id xid8) RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    PERFORM pg_xact_status(id);
    RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false; -- it is in the future
END
{{dollar}};

-- The first transaction that a snapshot does not see although it has ended. NULL
-- when there is none.
CREATE FUNCTION {{schema}}.ended_since(seen pg_snapshot) RETURNS xid8
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    ended xid8 := (SELECT x FROM pg_snapshot_xip(seen) AS x WHERE pg_xact_status(x) <> 'in progress' ORDER BY x LIMIT 1);
    first bigint := pg_snapshot_xmax(seen)::text::bigint;
BEGIN
    IF ended IS NULL THEN
        FOR n IN 0 .. 100 LOOP
            ended := (first + n)::text::xid8;
            IF n = 100 OR pg_xact_status(ended) <> 'in progress' THEN
                RETURN ended;
            END IF;
        END LOOP;
    END IF;
    RETURN ended;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN NULL; -- this id, and so each one after it, is in the future
END
{{dollar}};

-- The settled past: no transaction that is still open can have changes up to this
-- time, or ever will. A transaction that writes history holds a lock on it to its
-- end, which everybody may see. Since when it has been open, the membership in
-- pg_read_all_stats shows where it is of another role, and nobody where it is
-- prepared: its id tells a time from before. NULL when that is not known.
CREATE FUNCTION {{schema}}.past_horizon() RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    fixed   boolean := current_setting('transaction_isolation') IN ('repeatable read', 'serializable');
    standby boolean := pg_is_in_recovery();
    -- What is seen later than a fixed snapshot is not seen at all. On a standby the
    -- first record of a transaction that it knows nothing of comes after the last
    -- end that was replayed.
    moment  timestamptz := CASE WHEN standby AND fixed THEN NULL
                                WHEN standby THEN pg_last_xact_replay_timestamp()
                                WHEN fixed THEN now()
                                ELSE clock_timestamp() END;
    -- Not before the time.
    seen    pg_snapshot := pg_current_snapshot();
    writers integer;
    known   integer;
    oldest  timestamptz;
    ended   xid8;
BEGIN
    -- Nothing is under way. A snapshot does not name those that began after the last
    -- one that has ended.
    IF moment IS NOT NULL AND pg_snapshot_xmin(seen) = pg_snapshot_xmax(seen) AND NOT {{schema}}.is_given(pg_snapshot_xmax(seen)) THEN
        RETURN moment;
    END IF;
    IF standby THEN
        -- A primary does not say since when its transactions have been open.
        oldest := {{schema}}.begun_after(pg_snapshot_xmin(seen));
        RETURN CASE WHEN oldest IS NOT NULL THEN least(moment, oldest) END;
    END IF;
    SELECT count(*), count(s.xact_start), min(s.xact_start)
      INTO writers, known, oldest
      FROM (SELECT DISTINCT l.pid, l.virtualtransaction
              FROM pg_locks AS l
             WHERE l.locktype = 'relation' AND l.granted
               AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
               AND l.relation = {{literal (print schema ".chrononaut_activity")}}::regclass
               -- Whoever inserts has this one; VACUUM and ANALYZE have another.
               AND l.mode = 'RowExclusiveLock'
               AND l.pid IS DISTINCT FROM pg_backend_pid()) AS w
      LEFT JOIN pg_stat_activity AS s ON s.pid = w.pid;
    -- Its first change came later than its start.
    moment := least(moment, oldest - interval '1 microsecond');
    -- A transaction that has ended since a fixed snapshot is invisible although it
    -- holds no lock any more.
    IF fixed THEN
        ended := {{schema}}.ended_since(seen);
        oldest := {{schema}}.begun_after(ended);
        moment := CASE WHEN ended IS NULL OR oldest IS NOT NULL THEN least(moment, oldest) END;
    END IF;
    IF known < writers THEN
        oldest := {{schema}}.begun_after(pg_snapshot_xmin(seen));
        moment := CASE WHEN oldest IS NOT NULL THEN least(moment, oldest) END;
    END IF;
    RETURN moment;
END
{{dollar}};

CREATE FUNCTION {{schema}}.iso_time(at timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- A token of what the running transaction sees, for travel(). Transactions that
-- end later are not in it, and neither are changes of the running one.
CREATE FUNCTION {{schema}}.take_snapshot() RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'TM010',
            MESSAGE = 'a standby cannot say which transactions it sees',
            HINT = 'Take the token on the primary, or use a time.';
    END IF;
    RETURN format('snapshot:%s:%s:%s', {{schema}}.cluster_start(9223372036854775807),
                  (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, pg_current_snapshot());
END
{{dollar}};

-- When a transaction took effect: at its last change, of those from an id of history
-- on, or when it ended, where that counts. NULL when history has no change of it.
CREATE FUNCTION {{schema}}.transaction_end(of_transaction xid8, from_id bigint) RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT greatest(w.changed, (SELECT max(l.ended) FROM {{schema}}.chrononaut_long AS l WHERE l.transaction_id = of_transaction AND l.span @> w.changed))
      FROM (SELECT max(a.changed) AS changed FROM {{schema}}.chrononaut_activity AS a WHERE a.transaction_id = of_transaction AND a.id >= from_id) AS w
{{dollar}};

-- The transactions that a time does not see although they have written by then, and
-- the first id of history of their cluster: see past_except().
CREATE FUNCTION {{schema}}.straddling(at timestamptz) RETURNS TABLE (transaction_id xid8, from_id bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT x, p.from_id
      FROM (SELECT coalesce(max(c.first_id), 0) AS from_id FROM {{schema}}.chrononaut_cluster AS c WHERE c.marked <= at) AS p
     CROSS JOIN LATERAL unnest({{schema}}.past_except(at, p.from_id,
                coalesce((SELECT min(c.first_id) FROM {{schema}}.chrononaut_cluster AS c WHERE c.first_id > p.from_id), 9223372036854775807))) AS x
{{dollar}};

-- Whether a column of a type, with its modifier and the constraints of a domain, takes
-- a value of data. As an assignment does, and unlike a cast, nothing is cut off.
CREATE FUNCTION {{schema}}.value_fits(value jsonb, type text) RETURNS boolean
    LANGUAGE plpgsql STABLE
AS {{dollar}}
DECLARE
    result record;
BEGIN
    EXECUTE pg_catalog.format('SELECT r.v FROM pg_catalog.jsonb_to_record(pg_catalog.jsonb_build_object(''v'', $1)) AS r (v %s)', type)
       INTO result USING CASE WHEN pg_catalog.jsonb_typeof(value) = 'object' AND value ? 'chrononaut:text' THEN pg_catalog.to_jsonb(value ->> 'chrononaut:text') ELSE value END;
    RETURN true;
EXCEPTION
    WHEN {{template "misfit"}} THEN
        RETURN false;
END
{{dollar}};

-- The settings of a point that travel() and the readers of two points at once
-- need: {"at", "clock", "except", "snapshot", "from", "to"}.
CREATE FUNCTION {{schema}}.resolve_point(point jsonb) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
    SET DateStyle = 'ISO, YMD'
AS {{dollar}}
DECLARE
    at       timestamptz;
    horizon  timestamptz;
    parts    text[];
    newest   bigint := {{schema}}.cluster_start(9223372036854775807);
    part     bigint;
    next     bigint;
    seen     pg_snapshot;
    excepted xid8[];
    plain    timestamptz;
BEGIN
    IF jsonb_typeof(point) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'TM015', MESSAGE = 'the point in time is malformed';
    END IF;
    IF point ? 'snapshot' THEN
        BEGIN
            parts := regexp_match(point ->> 'snapshot', '^snapshot:([0-9]+):([0-9]+):([0-9]+:[0-9]+:[0-9,]*)$');
            part := parts[1]::bigint;
            at := timestamptz 'epoch' + parts[2]::bigint * interval '1 microsecond';
            seen := parts[3]::pg_snapshot;
        EXCEPTION WHEN data_exception THEN
            seen := NULL;
        END;
        IF seen IS NULL OR NOT EXISTS (SELECT FROM {{schema}}.chrononaut_cluster AS c WHERE c.first_id = part) THEN
            RAISE EXCEPTION USING ERRCODE = 'TM015', MESSAGE = 'the snapshot token is malformed, or of another database';
        END IF;
        IF part = newest AND pg_snapshot_xmax(seen)::text::numeric > pg_snapshot_xmax(pg_current_snapshot())::text::numeric THEN
            RAISE EXCEPTION USING ERRCODE = 'TM010', MESSAGE = 'the snapshot token is newer than the database',
                HINT = 'A standby that lags behind, or an older backup, cannot answer.';
        END IF;
        RETURN jsonb_build_object('at', 'infinity', 'plain', '-infinity', 'clock', {{schema}}.iso_time(at), 'except', '', 'snapshot', seen::text, 'from', part,
            'to', (SELECT min(c.first_id) FROM {{schema}}.chrononaut_cluster AS c WHERE c.first_id > part));
    END IF;
    IF point ? 'transaction' THEN
        at := {{schema}}.transaction_end((point ->> 'transaction')::xid8, newest);
        IF at IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'TM011', MESSAGE = 'history has no change of this transaction',
                HINT = 'Transaction ids of before a dump and restore cannot be travelled to; use a time.';
        END IF;
    ELSE
        BEGIN
            -- Sub-microseconds are cut: rounding up would be later than asked.
            at := regexp_replace(point ->> 'at', '(?<=[.][0-9]{6})[0-9]+', '')::timestamptz;
        EXCEPTION WHEN data_exception THEN
            at := NULL;
        END;
        IF at IS NULL OR NOT isfinite(at) THEN
            RAISE EXCEPTION USING ERRCODE = 'TM015', MESSAGE = 'the point in time is malformed';
        END IF;
    END IF;
    IF NOT coalesce((point ->> 'unsettled')::boolean, false) THEN
        horizon := {{schema}}.past_horizon();
        IF horizon IS NULL OR at > horizon THEN
            RAISE EXCEPTION USING
                ERRCODE = 'TM010',
                MESSAGE = CASE WHEN horizon IS NULL THEN 'the past is not settled: it is not known since when a transaction has been open'
                               ELSE format('the past is settled up to %s', {{schema}}.iso_time(horizon)) END,
                HINT = CASE WHEN horizon IS NULL THEN 'Grant pg_read_all_stats to the owner of history. A prepared transaction has to be ended.'
                            ELSE 'Transactions that are still open may add to what is later. Ask again when they have ended, or allow what is not settled.' END;
        END IF;
    END IF;
    -- The cluster that history was written in at the time: its transactions may have
    -- written on, those of the ones before have all ended.
    part := CASE WHEN point ? 'transaction' THEN newest
                 ELSE coalesce((SELECT max(c.first_id) FROM {{schema}}.chrononaut_cluster AS c WHERE c.marked <= at), 0) END;
    SELECT min(c.first_id) INTO next FROM {{schema}}.chrononaut_cluster AS c WHERE c.first_id > part;
    excepted := {{schema}}.past_except(at, part, coalesce(next, 9223372036854775807));
    -- Before the first change of those that straddle the time everything is seen.
    IF next IS NULL THEN
        SELECT coalesce(min(a.changed) - interval '1 microsecond', at) INTO plain
          FROM {{schema}}.chrononaut_activity AS a
         WHERE a.transaction_id = ANY (excepted) AND a.id >= part;
    END IF;
    RETURN jsonb_build_object('at', {{schema}}.iso_time(at), 'clock', {{schema}}.iso_time(at),
                              'plain', CASE WHEN plain IS NULL THEN '-infinity' ELSE {{schema}}.iso_time(least(plain, at)) END, 'except', excepted::text,
                              'snapshot', '', 'from', part, 'to', next);
END
{{dollar}};

-- Makes the rest of the transaction read the past, and only read. To be called
-- before anything else in the transaction. The argument is one of
--   {"at": TIME}, {"transaction": ID}, {"snapshot": TOKEN}, with
--   "untracked": "present"   tables that are not tracked are read as they are now
--   "unsettled": true        the point may be one at which transactions are open
--   "incomplete": true       also where history does not know all rows
-- Without pinned settings, because it sets the search path of the caller.
CREATE FUNCTION {{schema}}.travel(point jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE
AS {{dollar}}
DECLARE
    resolved jsonb := {{schema}}.resolve_point(point);
    before   text := coalesce(nullif(pg_catalog.current_setting('chrononaut.as_of_path', true), ''), pg_catalog.current_setting('search_path'));
BEGIN
    PERFORM pg_catalog.set_config('transaction_read_only', 'on', true),
            pg_catalog.set_config('chrononaut.as_of', resolved OPERATOR(pg_catalog.->>) 'at', true),
            -- A query of the past looks up many keys; compiling it would take longer.
            pg_catalog.set_config('jit', 'off', true),
            pg_catalog.set_config('chrononaut.as_of_whole', resolved OPERATOR(pg_catalog.->>) 'plain', true),
            pg_catalog.set_config('chrononaut.as_of_clock', resolved OPERATOR(pg_catalog.->>) 'clock', true),
            pg_catalog.set_config('chrononaut.as_of_except', resolved OPERATOR(pg_catalog.->>) 'except', true),
            pg_catalog.set_config('chrononaut.as_of_snapshot', resolved OPERATOR(pg_catalog.->>) 'snapshot', true),
            pg_catalog.set_config('chrononaut.as_of_from', resolved OPERATOR(pg_catalog.->>) 'from', true),
            pg_catalog.set_config('chrononaut.as_of_to', coalesce(resolved OPERATOR(pg_catalog.->>) 'to', ''), true),
            pg_catalog.set_config('chrononaut.as_of_options', point::text, true),
            pg_catalog.set_config('chrononaut.as_of_recorded', '', true),
            pg_catalog.set_config('chrononaut.as_of_path', before, true),
            pg_catalog.set_config('search_path', {{schema}}.past_path(point, before), true);
END
{{dollar}};

CREATE FUNCTION {{schema}}.past_schemas() RETURNS TABLE (table_schema text, past_schema text, untracked_schema text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT s.table_schema, s.past_schema, s.untracked_schema FROM {{schema}}.chrononaut_past_schema AS s
{{dollar}};

-- The search path of the past: in front of each schema its past, and what is
-- refused there, so that a name means the table that it means in the present, or
-- nothing; then the path itself, with what it names that is not there yet. The path
-- is that of the caller, whose settings it reads.
CREATE FUNCTION {{schema}}.past_path(point jsonb, path text) RETURNS text
    LANGUAGE sql STABLE
AS {{dollar}}
    SELECT coalesce(pg_catalog.string_agg(coalesce(pg_catalog.quote_ident(p.past_schema)
                        || CASE WHEN (point OPERATOR(pg_catalog.->>) 'untracked') OPERATOR(pg_catalog.=) 'present' THEN ''
                                ELSE ', ' || pg_catalog.quote_ident(p.untracked_schema) END || ', ', '')
                        || pg_catalog.quote_ident(s.name) || ', ', '' ORDER BY s.place), '') || path
      FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS s (name, place)
      LEFT JOIN {{schema}}.past_schemas() AS p ON p.table_schema OPERATOR(pg_catalog.=) s.name
     -- Those of a travel before this one.
     WHERE NOT EXISTS (SELECT FROM {{schema}}.past_schemas() AS o WHERE s.name OPERATOR(pg_catalog.=) ANY (ARRAY[o.past_schema, o.untracked_schema]))
{{dollar}};

-- The relations of the past: what a name that is qualified with a schema stands for.
CREATE FUNCTION {{schema}}.past_relations() RETURNS TABLE (table_schema text, relation text, past_schema text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT s.table_schema, c.relname::text, n.nspname::text
      FROM {{schema}}.chrononaut_past_schema AS s
      JOIN pg_namespace AS n ON n.nspname IN (s.past_schema, s.untracked_schema)
      JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind = 'v'
{{dollar}};

-- Raises when the transaction, which reads the past, has read anything of the
-- present: a table by its qualified name, or in a function that looks elsewhere
-- than the search path says. What a transaction has read is locked to its end.
CREATE FUNCTION {{schema}}.travel_end() RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    present regclass;
BEGIN
    IF coalesce(current_setting('chrononaut.as_of', true), '') = '' THEN
        RETURN;
    END IF;
    SELECT c.oid INTO present
      FROM pg_locks AS l
      JOIN pg_class AS c ON c.oid = l.relation
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
       AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
       AND c.relkind IN ('r', 'p', 'm', 'f', 'v')
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', {{literal rawSchema}})
       AND NOT starts_with(n.nspname, 'pg_temp_')
       AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_past_schema AS s WHERE n.nspname IN (s.past_schema, s.untracked_schema))
       AND (coalesce(nullif(current_setting('chrononaut.as_of_options', true), '')::jsonb ->> 'untracked', '') <> 'present'
            OR EXISTS (SELECT FROM {{schema}}.chrononaut_past AS p WHERE p.table_schema = n.nspname AND p.table_name = c.relname))
     LIMIT 1;
    IF present IS NULL THEN
        RETURN;
    END IF;
    -- A table that was made since the last one was tracked has no view that refuses it.
    IF NOT EXISTS (SELECT FROM {{schema}}.chrononaut_past AS p
                     JOIN pg_class AS c ON c.oid = present AND c.relname = p.table_name
                     JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = p.table_schema) THEN
        PERFORM {{schema}}.past_refused(present::text);
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'TM012',
        MESSAGE = format('the present of %s was read in the past', present),
        HINT = 'Leave the schema out of the name, also in functions that the query calls.';
END
{{dollar}};

-- Read by the views of what is not tracked.
CREATE FUNCTION {{schema}}.past_refused(name text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'TM012',
        MESSAGE = format('%s is not tracked, so that it has no past', name),
        HINT = 'Track it, mirror a view with chrononaut track --view, or allow the present of what is not tracked.';
END
{{dollar}};

-- A value that a column cannot hold any more, because its type has changed.
CREATE FUNCTION {{schema}}.past_misfit(name text, prototype anyelement) RETURNS anyelement
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = '22000',
        MESSAGE = format('column %s had a value that its present type cannot hold', name),
        HINT = 'chrononaut show prints what was recorded.';
END
{{dollar}};

-- Raises unless history knows all rows of the table at the point, and remembers
-- for the transaction that it does.
CREATE FUNCTION {{schema}}.past_recorded(of_schema text, of_table text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    known  text := coalesce(current_setting('chrononaut.as_of_recorded', true), '');
    name   text := quote_ident(of_schema) || '.' || quote_ident(of_table);
    -- As the views look for it, before they call.
    marked text := format('"%s"."%s"', replace(of_schema, '"', '""'), replace(of_table, '"', '""'));
    reason text;
BEGIN
    IF strpos(known, ';' || marked || ';') > 0 THEN
        RETURN true;
    END IF;
    -- Without a point there is nothing to look for.
    IF {{schema}}.as_of() IS NOT NULL AND NOT coalesce((current_setting('chrononaut.as_of_options')::jsonb ->> 'incomplete')::boolean, false) THEN
        reason := {{schema}}.past_unknown(of_schema, of_table, current_setting('chrononaut.as_of_clock')::timestamptz);
        IF reason IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'TM011',
                MESSAGE = format('the past of %s at this point is not recorded: %s', name, reason),
                HINT = 'chrononaut track --baseline records rows that history does not know; from then on it knows the table.';
        END IF;
    END IF;
    PERFORM set_config('chrononaut.as_of_recorded', coalesce(nullif(known, ''), ';') || marked || ';', true);
    RETURN true;
END
{{dollar}};

-- Whether history has known all rows of a table since some time before, so that a
-- row that is not in it was not there.
CREATE FUNCTION {{schema}}.past_complete(of_schema text, of_table text, at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT EXISTS (SELECT FROM {{schema}}.chrononaut_coverage AS c
                    WHERE c.table_schema = of_schema AND c.table_name = of_table AND c.kind = 'complete' AND c.since <= at
                      AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_coverage AS d
                                       WHERE d.table_schema = of_schema AND d.table_name = of_table AND d.kind = 'disturbed'
                                         AND d.since <= at AND d.until >= c.since))
{{dollar}};

-- Whether rows that a baseline found later were there at the point already.
CREATE FUNCTION {{schema}}.past_found(of_schema text, of_table text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT NOT {{schema}}.past_complete(of_schema, of_table, nullif(current_setting('chrononaut.as_of_clock', true), '')::timestamptz)
{{dollar}};

-- Why history does not know a table as of a time; NULL when it does.
CREATE FUNCTION {{schema}}.past_unknown(of_schema text, of_table text, at timestamptz) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF (SELECT p.unplaced FROM {{schema}}.chrononaut_past AS p WHERE p.table_schema = of_schema AND p.table_name = of_table) THEN
        RETURN 'its key has changed; run chrononaut track';
    END IF;
    IF NOT EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t
                    WHERE t.table_schema = of_schema AND t.table_name = of_table AND t.tracked_since <= at) THEN
        RETURN 'it was not tracked yet';
    END IF;
    IF EXISTS (SELECT FROM {{schema}}.chrononaut_coverage AS e
                WHERE e.table_schema = of_schema AND e.table_name = of_table AND e.kind = 'erased' AND e.since <= at AND at < e.until) THEN
        RETURN 'history of it was erased';
    END IF;
    IF {{schema}}.past_complete(of_schema, of_table, at)
       -- Or a baseline has found the rows that were there when tracking began. One
       -- after a disturbance finds what that has left, not since when.
       OR EXISTS (SELECT FROM {{schema}}.chrononaut_coverage AS c
                   WHERE c.table_schema = of_schema AND c.table_name = of_table AND c.kind = 'complete' AND c.since > at
                     AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_coverage AS d
                                      WHERE d.table_schema = of_schema AND d.table_name = of_table AND d.kind = 'disturbed'
                                        AND d.since <= c.since))
    THEN
        RETURN NULL;
    END IF;
    RETURN 'rows were there before tracking, or changed while it was off';
END
{{dollar}};

-- ---------------------------------------------------------------- coverage --

-- Something changed that is not recorded: called by the triggers under
-- suppress(). What a baseline finds is recorded.
CREATE FUNCTION {{schema}}.note_disturbed(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF coalesce(current_setting('chrononaut.baseline', true), '') = 'on' OR NOT {{schema}}.is_suppressed() THEN
        RETURN;
    END IF;
    INSERT INTO {{schema}}.chrononaut_coverage (table_schema, table_name, kind, since, until, transaction_id)
    VALUES (of_schema, of_table, 'disturbed', now(), clock_timestamp(), pg_current_xact_id())
        ON CONFLICT (table_schema, table_name, kind, transaction_id) DO NOTHING;
END
{{dollar}};

-- History knows all rows of a table from now on: it is empty, or a baseline has
-- gone through it.
CREATE FUNCTION {{schema}}.note_complete(of_schema text, of_table text) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    INSERT INTO {{schema}}.chrononaut_coverage (table_schema, table_name, kind) VALUES (of_schema, of_table, 'complete')
{{dollar}};

-- Whether the triggers of a table capture all changes: those of TRUNCATE and of
-- single rows, which fire always; or, of a table that is not partitioned, those of
-- statements, which fire in ordinary sessions, and that of single rows in others.
-- With anything else changes are missed or recorded twice.
CREATE FUNCTION {{schema}}.captures(relation regclass) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT coalesce(bool_or(g.tgname = '000_chrononaut_truncate' AND g.tgenabled = 'A'), false)
       AND (bool_or(g.tgname = '000_chrononaut_capture' AND g.tgenabled = 'A')
            OR bool_or(g.tgname = '000_chrononaut_capture' AND g.tgenabled = 'R')
               AND count(*) FILTER (WHERE starts_with(g.tgname, '000_chrononaut_capture_') AND g.tgenabled = 'O') = 4)
      FROM pg_trigger AS g
     WHERE g.tgrelid = relation
       AND g.tgname IN ('000_chrononaut_truncate', '000_chrononaut_capture', '000_chrononaut_capture_insert',
                        '000_chrononaut_capture_update', '000_chrononaut_capture_delete', '000_chrononaut_capture_partition')
{{dollar}};

-- Capture begins, for the first time or again, with the triggers that follow in the
-- same transaction; nobody else writes to the table until then. It may have been
-- off since the last change that was recorded. Where capture is on, nothing happens.
CREATE FUNCTION {{schema}}.note_tracked(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    relation regclass := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
    empty    boolean;
BEGIN
    IF {{schema}}.captures(relation) THEN
        RETURN;
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', relation);
    UPDATE {{schema}}.chrononaut_coverage AS c SET until = clock_timestamp()
     WHERE c.table_schema = of_schema AND c.table_name = of_table AND c.until = 'infinity';
    IF EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t WHERE t.table_schema = of_schema AND t.table_name = of_table) THEN
        INSERT INTO {{schema}}.chrononaut_coverage (table_schema, table_name, kind, since)
        SELECT of_schema, of_table, 'disturbed', coalesce(max(a.changed), '-infinity')
          FROM {{schema}}.chrononaut_activity AS a
         WHERE a.id = (SELECT max(l.id) FROM {{schema}}.chrononaut_activity AS l
                        WHERE l.table_schema = of_schema AND l.table_name = of_table);
    END IF;
    -- Records may have gone meanwhile, and with them keys that history knows.
    IF EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                WHERE a.table_schema = of_schema AND a.table_name = of_table AND a.key <> '{}') THEN
        PERFORM {{schema}}.note_departed(of_schema, of_table);
    END IF;
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', relation) INTO empty;
    -- A table that was dropped and made again may be empty, history is not.
    IF empty AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t WHERE t.table_schema = of_schema AND t.table_name = of_table) THEN
        PERFORM {{schema}}.note_complete(of_schema, of_table);
    END IF;
END
{{dollar}};

-- SQL for whether the row t of a table has a key, which an expression holds.
CREATE FUNCTION {{schema}}.key_match_sql(relation oid, of_key text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT string_agg(format('t.%I = (%s)', a.attname, replace({{schema}}.key_value_sql(a.attname::text, a.atttypid, a.atttypmod), '($1 ->', '(' || of_key || ' ->')), ' AND ')
      FROM pg_index AS i,
           LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
      JOIN pg_attribute AS a ON a.attnum = k.attnum
     WHERE i.indrelid = relation AND i.indisprimary AND a.attrelid = relation AND k.position <= i.indnkeyatts
{{dollar}};

-- Forgets keys of which history has nothing any more and that are not in the table,
-- and the leases of their records.
-- Reports whether others of them are in the table, which may run code of its owner.
CREATE FUNCTION {{schema}}.forget_keys(of_schema text, of_table text, keys_table text, keys jsonb[]) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    relation regclass := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
    present  text := 'false';
    live     boolean;
BEGIN
    IF relation IS NOT NULL AND {{schema}}.key_sql(relation, 't') IS NOT NULL THEN
        present := format('EXISTS (SELECT FROM %s AS t WHERE %s)', relation, {{schema}}.key_match_sql(relation, 'g.key'));
    END IF;
    EXECUTE format('
        WITH gone AS MATERIALIZED (
            SELECT g.key, jsonb_hash_extended(g.key, hashtextextended(%3$L || ''.'' || %4$L, 0)) AS record, %5$s AS live
              FROM (SELECT DISTINCT u.key FROM unnest($1) AS u (key) WHERE u.key IS NOT NULL) AS g
        ), forgotten AS (
            DELETE FROM %1$s.%2$I AS k USING gone AS g
             WHERE k.record = g.record AND k.key = g.key AND NOT g.live
               AND NOT EXISTS (SELECT FROM %1$s.chrononaut_activity AS a
                                WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '''') || ''.'' || a.table_name, 0)) = g.record
                                  AND a.key = g.key AND a.table_name || '''' = %4$L AND a.table_schema || '''' = %3$L)
               AND NOT EXISTS (SELECT FROM %1$s.chrononaut_activity AS a
                                WHERE jsonb_hash_extended(a.previous_key, hashtextextended(coalesce(a.table_schema, '''') || ''.'' || a.table_name, 0)) = g.record
                                  AND a.previous_key IS NOT NULL AND a.previous_key = g.key AND a.table_name || '''' = %4$L AND a.table_schema || '''' = %3$L)
            RETURNING g.key
        ), unleased AS (
            DELETE FROM %1$s.chrononaut_lease AS l USING forgotten AS f
             WHERE l.record_hash = %1$s.lease_hash(%3$L, %4$L, f.key) AND l.key = f.key
        ), unlogged AS (
            DELETE FROM %1$s.chrononaut_activity AS a USING forgotten AS f
             WHERE a.operation IN (''lease'', ''lease_release'', ''lease_takeover'') AND a.operation NOT IN (''insert'', ''update'')
               AND a.table_name || '''' = %4$L AND a.table_schema || '''' = %3$L AND a.data -> ''key'' = f.key
        )
        SELECT coalesce(bool_or(g.live), false) FROM gone AS g',
        {{literal schema}}, keys_table, of_schema, of_table, present)
       INTO live USING keys;
    RETURN live;
END
{{dollar}};

-- Erased history: its keys go too, and the time between is not recorded.
CREATE FUNCTION {{schema}}.note_erased() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    part record;
    live boolean;
BEGIN
    -- What takes the place of a captured row says the same.
    IF coalesce(current_setting('chrononaut.suppressed', true), '') <> 'on' THEN
        RETURN NULL;
    END IF;
    FOR part IN
        SELECT p.table_schema, p.table_name, p.keys_table, min(e.changed) AS since,
               array_agg(DISTINCT e.key) || array_agg(DISTINCT e.previous_key) AS keys
          FROM erased AS e
          JOIN {{schema}}.chrononaut_past AS p ON p.table_schema = e.table_schema AND p.table_name = e.table_name
         WHERE e.operation IN ('insert', 'update', 'delete', 'truncate', 'baseline')
         GROUP BY p.table_schema, p.table_name, p.keys_table
    LOOP
        -- A record that is still there keeps its key; what it is, history does not
        -- know any more.
        live := {{schema}}.forget_keys(part.table_schema, part.table_name, part.keys_table, part.keys);
        INSERT INTO {{schema}}.chrononaut_coverage (table_schema, table_name, kind, since, transaction_id)
        VALUES (part.table_schema, part.table_name, 'erased', part.since, pg_current_xact_id())
            ON CONFLICT (table_schema, table_name, kind, transaction_id)
            DO UPDATE SET since = least(chrononaut_coverage.since, excluded.since), until = excluded.until;
        IF live THEN
            INSERT INTO {{schema}}.chrononaut_coverage (table_schema, table_name, kind) VALUES (part.table_schema, part.table_name, 'disturbed');
        END IF;
        PERFORM {{schema}}.unsettle(part.table_schema, part.table_name);
    END LOOP;
    RETURN NULL;
END
{{dollar}};

-- -------------------------------------------------------------------- keys --

-- Each tracked table has a table of the keys that its history has: the hash by
-- which the index of records finds them, the key as history has it, and the
-- columns of the key as the table has them, k1, k2, …, so that a condition on the
-- key finds its records. The capture trigger adds new keys; nothing is written
-- there when a record changes. departed says that a record left the key for
-- another one.

-- The type of a key column in the table of keys: the column's own, unless it is one
-- of the application's, on which nothing of ours may depend; then it is text.
CREATE FUNCTION {{schema}}.key_type(type_id oid, modifier integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype <> 'd' AND {{schema}}.column_form(type_id) IN ('plain', 'float')
                THEN format_type(type_id, modifier) ELSE 'text' END
      FROM pg_type AS t WHERE t.oid = type_id
{{dollar}};

-- Makes the table of keys, or makes it anew when the table's key has changed: its
-- comment, which says what the key is, is not the wanted one. Its owner is the
-- owner of the function that adds to it.
CREATE FUNCTION {{schema}}.make_keys(of_schema text, of_table text, keys_name text, capture_function text, wanted text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    relation regclass := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
    keys     text := {{literal schema}} || '.' || quote_ident(keys_name);
    present  text;
    typed    text;
    columns  text;
    owner    name;
    roles    jsonb := {{schema}}.hardened();
BEGIN
    -- The roles of a hardened database find the table by its name.
    IF NOT (has_schema_privilege(roles ->> 'owner', of_schema, 'USAGE') AND has_schema_privilege(roles ->> 'writer', of_schema, 'USAGE')) THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I, %I', of_schema, roles ->> 'owner', roles ->> 'writer');
    END IF;
    SELECT string_agg(format('k%s %s%s', k.position, {{schema}}.key_type(a.atttypid, a.atttypmod),
                             CASE WHEN a.attcollation <> t.typcollation AND {{schema}}.key_type(a.atttypid, a.atttypmod) = format_type(a.atttypid, a.atttypmod)
                                  THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END), ', ' ORDER BY k.position),
           string_agg(format('k%s', k.position), ', ' ORDER BY k.position)
      INTO typed, columns
      FROM pg_index AS i,
           LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
      JOIN pg_attribute AS a ON a.attnum = k.attnum
      JOIN pg_type AS t ON t.oid = a.atttypid
     WHERE i.indrelid = relation AND i.indisprimary AND a.attrelid = relation AND k.position <= i.indnkeyatts;
    SELECT obj_description(c.oid, 'pg_class') INTO present FROM pg_class AS c WHERE c.oid = to_regclass(keys);
    IF present IS DISTINCT FROM wanted THEN
        -- A view of the past depends on it and is made again afterwards.
        EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', keys);
        EXECUTE format('CREATE TABLE %s (record bigint NOT NULL, key jsonb NOT NULL, departed boolean NOT NULL DEFAULT false, %s)',
                       keys, typed);
        -- Keys that are equal to the type, as intervals can be, are two in history.
        EXECUTE format('CREATE UNIQUE INDEX ON %s (%s, record)', keys, columns);
        EXECUTE format('COMMENT ON TABLE %s IS %L', keys, wanted);
        SELECT f.proowner::regrole::name INTO owner
          FROM pg_proc AS f
         WHERE f.pronamespace = {{literal schema}}::regnamespace AND f.proname = capture_function;
        -- Of a hardened database, which then lets the function add to it.
        owner := coalesce(roles ->> 'owner', owner);
        IF owner <> current_user THEN
            EXECUTE format('ALTER TABLE %s OWNER TO %I', keys, owner);
        END IF;
    END IF;
    INSERT INTO {{schema}}.chrononaut_past (table_schema, table_name, keys_table) VALUES (of_schema, of_table, keys_name)
        ON CONFLICT (table_schema, table_name) DO UPDATE SET keys_table = excluded.keys_table, unplaced = false;
    -- Also where the table of keys stays: some were not placed.
    IF {{schema}}.add_keys(of_schema, of_table, 0) > 0 THEN
        PERFORM {{schema}}.analyze_keys(of_schema, of_table);
    END IF;
END
{{dollar}};

-- Adds the keys of changes with a greater id that are not there yet, under
-- whatever name and in whatever form history has them. Keys that the table's
-- present key cannot be are left out.
CREATE FUNCTION {{schema}}.add_keys(of_schema text, of_table text, after_id bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    relation regclass := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
    keys     text;
    options  jsonb;
    names    text[];
    columns  text;
    fitting  text;
    typed    text;
    added    bigint;
BEGIN
    SELECT {{literal schema}} || '.' || quote_ident(p.keys_table) INTO keys
      FROM {{schema}}.chrononaut_past AS p WHERE p.table_schema = of_schema AND p.table_name = of_table;
    IF keys IS NULL OR relation IS NULL THEN
        RETURN 0;
    END IF;
    SELECT t.options INTO options FROM {{schema}}.chrononaut_table AS t WHERE t.table_schema = of_schema AND t.table_name = of_table;
    SELECT array_agg(a.attname::text),
           string_agg(format('k%s', k.position), ', ' ORDER BY k.position),
           string_agg(format('%s.fitting_text(f.key ->> %L, NULL::%s) AS k%s', {{literal schema}}, a.attname, {{schema}}.key_type(a.atttypid, a.atttypmod), k.position), ', ' ORDER BY k.position),
           string_agg(format('k%s IS NOT NULL', k.position), ' AND ')
      INTO names, columns, typed, fitting
      FROM pg_index AS i,
           LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
      JOIN pg_attribute AS a ON a.attnum = k.attnum
     WHERE i.indrelid = relation AND i.indisprimary AND a.attrelid = relation AND k.position <= i.indnkeyatts;
    EXECUTE format('
        WITH known AS (
            SELECT a.key, false AS departed FROM %5$s.chrononaut_activity AS a
             WHERE a.table_schema = $1 AND a.table_name = $2 AND a.id > $3 AND a.key <> ''{}''
            UNION ALL
            SELECT a.previous_key, true FROM %5$s.chrononaut_activity AS a
             WHERE a.table_schema = $1 AND a.table_name = $2 AND a.id > $3 AND a.previous_key IS NOT NULL
            UNION ALL
            SELECT %5$s.renamed_state($4 -> ''renames'', a.table_schema, a.table_name, a.id, c.key), c.departed
              FROM jsonb_array_elements($4 -> ''renames'') AS r
              JOIN %5$s.chrononaut_activity AS a
                ON a.table_schema = r ->> ''schema'' AND a.table_name = r ->> ''name''
               AND a.id > (r ->> ''after'')::bigint AND a.id <= (r ->> ''up_to'')::bigint AND a.id > $3
             CROSS JOIN LATERAL (VALUES (a.key, false), (a.previous_key, true)) AS c (key, departed)
             WHERE c.key <> ''{}''
            UNION ALL
            SELECT %5$s.python_native_key(a.key, p), false
              FROM jsonb_array_elements($4 -> ''python'') AS p
              JOIN %5$s.chrononaut_activity AS a ON a.table_schema IS NULL AND a.table_name = p ->> ''name'' AND a.id > $3
        ), found AS MATERIALIZED (
            SELECT f.key, bool_or(f.departed) AS departed
              FROM known AS f
             WHERE f.key ?& $5 AND NOT EXISTS (SELECT FROM jsonb_object_keys(f.key) AS n WHERE n <> ALL ($5))
             GROUP BY f.key
        )
        INSERT INTO %1$s AS k (record, key, departed, %2$s)
        SELECT jsonb_hash_extended(t.key, hashtextextended($1 || ''.'' || $2, 0)), t.key, t.departed, %2$s
          FROM (SELECT f.key, f.departed, %3$s FROM found AS f) AS t
         WHERE %4$s
            ON CONFLICT (%2$s, record) DO UPDATE SET departed = true WHERE excluded.departed AND NOT k.departed', keys, columns, typed, fitting, {{literal schema}})
      USING of_schema, of_table, after_id, options, names;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
{{dollar}};

-- The functions that trigger functions call and not everybody may.
CREATE FUNCTION {{schema}}.writer_functions() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '{add_key,add_keys,note_unplaced,note_rekeyed,rekeyed,set_bit,unsettle,note_departed,guard_row,guard_truncate,lease_fence,lease_follow,period_gap,stale_changes}'::text[];

-- The functions of the same table that one of a table's calls, as they are named.
CREATE FUNCTION {{schema}}.called_functions(function_name name) RETURNS name[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT coalesce((
        SELECT ARRAY[(c.parts[1] || CASE c.parts[2] WHEN 'version' THEN 'number' ELSE 'record' END)::name,
                     (c.parts[1] || 'number')::name, (c.parts[1] || 'baseline')::name]
          FROM regexp_match(function_name::text, '^(.*_[0-9a-f]{8}_)(version|number|capture|statement|record)$') AS c (parts)
         WHERE c.parts IS NOT NULL), '{}')
{{dollar}};

-- Lets the owner of a capture function, who may have changed, add to tables of keys,
-- and call what that function calls.
CREATE FUNCTION {{schema}}.grant_keys(to_role text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    keys   text;
    called text;
BEGIN
    FOR keys IN SELECT p.keys_table FROM {{schema}}.chrononaut_past AS p LOOP
        EXECUTE format('GRANT INSERT ON %s.%I TO %I', {{literal schema}}, keys, to_role);
    END LOOP;
    FOR called IN
        SELECT DISTINCT w.oid::regprocedure::text
          FROM pg_proc AS f
          JOIN pg_proc AS w ON w.pronamespace = f.pronamespace AND w.proowner <> f.proowner AND w.proname = ANY ({{schema}}.called_functions(f.proname))
         WHERE f.pronamespace = {{literal schema}}::regnamespace AND pg_get_userbyid(f.proowner) = to_role
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', called, to_role);
    END LOOP;
    EXECUTE (SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', string_agg({{literal schema}} || '.' || w.name, ', '), to_role)
               FROM unnest({{schema}}.writer_functions()) AS w (name));
END
{{dollar}};

-- Statistics of the keys, so that joins of the past are planned with them.
CREATE FUNCTION {{schema}}.analyze_keys(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    keys text := (SELECT p.keys_table FROM {{schema}}.chrononaut_past AS p WHERE p.table_schema = of_schema AND p.table_name = of_table);
BEGIN
    IF keys IS NOT NULL THEN
        EXECUTE format('ANALYZE %s.%I', {{literal schema}}, keys);
    END IF;
END
{{dollar}};

-- Adds one key, called by the capture trigger where that is rare: for a change of
-- the key, and for a record that history sees for the first time.
CREATE FUNCTION {{schema}}.add_key(of_schema text, of_table text, of_key jsonb, departs boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    keys    text;
    columns text;
    typed   text;
    fitting text;
    placed  boolean;
BEGIN
    SELECT {{literal schema}} || '.' || quote_ident(p.keys_table) INTO keys
      FROM {{schema}}.chrononaut_past AS p WHERE p.table_schema = of_schema AND p.table_name = of_table;
    SELECT string_agg(c.attname, ', ' ORDER BY c.attnum),
           string_agg(format('%s.fitting_text($1 ->> %L, NULL::%s) AS %s', {{literal schema}}, n.name, format_type(c.atttypid, c.atttypmod), c.attname), ', ' ORDER BY c.attnum),
           string_agg(format('t.%s IS NOT NULL', c.attname), ' AND ')
      INTO columns, typed, fitting
      FROM {{schema}}.chrononaut_table AS r
     CROSS JOIN unnest(r.key_columns) WITH ORDINALITY AS n (name, place)
      JOIN pg_attribute AS c ON c.attrelid = to_regclass(keys) AND c.attname = 'k' || n.place
     WHERE r.table_schema = of_schema AND r.table_name = of_table;
    EXECUTE format('
        WITH typed AS MATERIALIZED (SELECT %3$s), added AS (
            INSERT INTO %1$s AS k (record, key, departed, %2$s)
            SELECT jsonb_hash_extended($1, hashtextextended($2 || ''.'' || $3, 0)), $1, $4, %2$s FROM typed AS t WHERE %4$s
                ON CONFLICT (%2$s, record) DO UPDATE SET departed = true WHERE excluded.departed AND NOT k.departed
        )
        SELECT %4$s FROM typed AS t', keys, columns, typed, fitting)
       INTO placed USING of_key, of_schema, of_table, departs;
    IF placed IS NOT TRUE THEN
        PERFORM {{schema}}.note_unplaced(of_schema, of_table);
    END IF;
END
{{dollar}};

-- Records as deleted what history has and the table has not any more: it went while
-- nothing captured it. Called at the end of a baseline, when there was such a time.
CREATE FUNCTION {{schema}}.note_gone(of_schema text, of_table text, user_info jsonb, extra_info jsonb) RETURNS bigint
    LANGUAGE plpgsql
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    relation       regclass := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
    keys           text := (SELECT p.keys_table FROM {{schema}}.chrononaut_past AS p WHERE p.table_schema = of_schema AND p.table_name = of_table);
    options        jsonb := (SELECT t.options FROM {{schema}}.chrononaut_table AS t WHERE t.table_schema = of_schema AND t.table_name = of_table);
    recorded       bigint;
BEGIN
    IF keys IS NULL OR NOT EXISTS (SELECT FROM {{schema}}.chrononaut_coverage AS c
                                    WHERE c.table_schema = of_schema AND c.table_name = of_table AND c.kind = 'disturbed') THEN
        RETURN 0;
    END IF;
    -- A record of that key that is inserted meanwhile counts on from there.
    EXECUTE format('
        WITH gone AS MATERIALIZED (
            SELECT k.key FROM %1$s.%2$I AS k WHERE NOT EXISTS (SELECT FROM %3$s AS t WHERE %4$s)
        )
        INSERT INTO %1$s.chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, table_schema)
        SELECT $2, v.next, g.key, a.data || jsonb_build_object($3, v.next), $4, $5 || ''{"baseline": true}'', ''delete'', $1
          FROM gone AS g
          JOIN %1$s.chrononaut_activity AS a ON a.id = %1$s.%5$I($1, $2, g.key)
         CROSS JOIN LATERAL (SELECT %1$s.%6$I($1, $2, g.key) + 1) AS v (next)
         WHERE a.operation IN (''insert'', ''update'', ''baseline'', ''restore'')
           -- The last change has not taken the key away.
           AND (a.previous_key IS NULL OR a.key = g.key)
           AND a.table_schema IS NOT NULL
            ON CONFLICT DO NOTHING',
        {{literal schema}}, keys, relation, {{schema}}.key_match_sql(relation, 'k.key'),
        CASE WHEN options ? 'renames' THEN 'renamed_last_change' WHEN options ? 'python' THEN 'python_last_change' ELSE 'last_change' END,
        CASE WHEN options ? 'renames' THEN 'renamed_last_version' WHEN options ? 'python' THEN 'python_last_version' ELSE 'last_version' END)
      USING of_schema, of_table, coalesce(options ->> 'version_column', 'version'), user_info, extra_info;
    GET DIAGNOSTICS recorded = ROW_COUNT;
    RETURN recorded;
END
{{dollar}};

-- A key that does not fit the table of keys, called by the capture trigger.
CREATE FUNCTION {{schema}}.note_unplaced(of_schema text, of_table text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    UPDATE {{schema}}.chrononaut_past AS p SET unplaced = true
     WHERE p.table_schema = of_schema AND p.table_name = of_table AND NOT p.unplaced
{{dollar}};

-- ------------------------------------------------------------------- views --

-- The schemas of views for a schema, made when they are missing.
CREATE FUNCTION {{schema}}.make_past_schema(of_schema text, past text, other text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    INSERT INTO {{schema}}.chrononaut_past_schema (table_schema, past_schema, untracked_schema) VALUES (of_schema, past, other)
        ON CONFLICT DO NOTHING;
    SELECT s.past_schema, s.untracked_schema INTO past, other FROM {{schema}}.chrononaut_past_schema AS s WHERE s.table_schema = of_schema;
    -- Names in them are no secret; a view is read by those who may read its table.
    IF to_regnamespace(quote_ident(past)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', past);
        EXECUTE format('COMMENT ON SCHEMA %I IS %L', past, format('The past of %I: read by queries that travel.', of_schema));
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', past);
    END IF;
    IF to_regnamespace(quote_ident(other)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', other);
        EXECUTE format('COMMENT ON SCHEMA %I IS %L', other, format('What is not tracked of %I: queries that travel are refused there.', of_schema));
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', other);
    END IF;
END
{{dollar}};

-- Whether each relation of a schema has a past or is refused there.
CREATE FUNCTION {{schema}}.past_covers(of_schema text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT NOT EXISTS (
        SELECT FROM pg_class AS c
          LEFT JOIN {{schema}}.chrononaut_past_schema AS s ON s.table_schema = of_schema
         WHERE c.relnamespace = to_regnamespace(quote_ident(of_schema)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
           AND of_schema <> {{literal rawSchema}}
           AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_past AS p WHERE p.table_schema = of_schema AND p.table_name = c.relname)
           AND NOT EXISTS (SELECT FROM pg_class AS v
                            WHERE v.relname = c.relname
                              AND v.relnamespace IN (to_regnamespace(quote_ident(s.past_schema)), to_regnamespace(quote_ident(s.untracked_schema)))))
{{dollar}};

-- The row security of a table as a condition on its columns; empty when it has
-- none. Conditions that look into other tables would read their present and make
-- them depend on a view: rows are refused then to those whom row security binds.
CREATE FUNCTION {{schema}}.past_policy(relation oid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    permissive  text;
    restrictive text;
    elsewhere   boolean;
BEGIN
    IF NOT (SELECT c.relrowsecurity FROM pg_class AS c WHERE c.oid = relation) THEN
        RETURN '';
    END IF;
    SELECT string_agg(q.condition, ' OR ' ORDER BY q.polname) FILTER (WHERE q.polpermissive),
           string_agg(q.condition, ' AND ' ORDER BY q.polname) FILTER (WHERE NOT q.polpermissive),
           bool_or(q.elsewhere)
      INTO permissive, restrictive, elsewhere
      FROM (SELECT p.polname, p.polpermissive, p.polqual::text LIKE '%SUBLINK%' AS elsewhere,
                   CASE WHEN p.polpermissive THEN '(' ELSE '(NOT ' END
                   || CASE WHEN p.polroles = '{0}' THEN 'true'
                           ELSE '(' || (SELECT string_agg(format('pg_catalog.pg_has_role(%L, ''USAGE'')', r.rolname), ' OR ')
                                          FROM pg_roles AS r WHERE r.oid = ANY (p.polroles)) || ')' END
                   || CASE WHEN p.polpermissive THEN ' AND (' ELSE ' OR (' END
                   || coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') || '))' AS condition
              FROM pg_policy AS p
             WHERE p.polrelid = relation AND p.polcmd IN ('r', '*')) AS q;
    IF elsewhere THEN
        RETURN format('%s.past_refused(%L)', {{literal schema}}, relation::regclass || ', whose row security looks into other tables');
    END IF;
    RETURN coalesce('(' || permissive || ')', 'false') || coalesce(' AND ' || restrictive, '');
END
{{dollar}};

-- Makes a view without columns for each relation of a schema that has no past,
-- and drops those that are not needed any more.
CREATE FUNCTION {{schema}}.refuse_untracked(of_schema text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    spaces {{schema}}.chrononaut_past_schema;
    one    record;
BEGIN
    SELECT * INTO spaces FROM {{schema}}.chrononaut_past_schema AS s WHERE s.table_schema = of_schema;
    FOR one IN
        SELECT coalesce(p.relname, v.relname) AS name, v.oid IS NOT NULL AS made
          FROM (SELECT c.relname FROM pg_class AS c
                 WHERE c.relnamespace = to_regnamespace(quote_ident(of_schema)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
                   AND of_schema <> {{literal rawSchema}}
                   AND to_regclass(quote_ident(spaces.past_schema) || '.' || quote_ident(c.relname)) IS NULL) AS p
          FULL JOIN (SELECT c.relname, c.oid FROM pg_class AS c
                      WHERE c.relnamespace = to_regnamespace(quote_ident(spaces.untracked_schema)) AND c.relkind = 'v') AS v USING (relname)
         WHERE p.relname IS NULL OR v.relname IS NULL
    LOOP
        IF one.made THEN
            EXECUTE format('DROP VIEW %I.%I', spaces.untracked_schema, one.name);
        ELSE
            EXECUTE format('CREATE VIEW %I.%I AS SELECT WHERE %s.past_refused(%L)', spaces.untracked_schema, one.name, {{literal schema}},
                           quote_ident(of_schema) || '.' || quote_ident(one.name));
            EXECUTE format('GRANT SELECT ON %I.%I TO PUBLIC', spaces.untracked_schema, one.name);
        END IF;
    END LOOP;
END
{{dollar}};

-- Who may read a table may read its past, column by column.
CREATE FUNCTION {{schema}}.share_past(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    relation regclass := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
    past     regclass := (SELECT to_regclass(quote_ident(s.past_schema) || '.' || quote_ident(of_table))
                            FROM {{schema}}.chrononaut_past_schema AS s WHERE s.table_schema = of_schema);
    one      record;
BEGIN
    FOR one IN SELECT DISTINCT e.grantee FROM pg_class AS c, aclexplode(c.relacl) AS e
                WHERE c.oid = past AND e.grantee <> c.relowner LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', past, CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE one.grantee::regrole::text END);
    END LOOP;
    FOR one IN
        SELECT e.grantee, NULL::name AS column_name
          FROM pg_class AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS e
         WHERE c.oid = relation AND e.privilege_type = 'SELECT'
        UNION
        SELECT e.grantee, a.attname
          FROM pg_attribute AS a, aclexplode(a.attacl) AS e
         WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND e.privilege_type = 'SELECT'
           AND EXISTS (SELECT FROM pg_attribute AS v WHERE v.attrelid = past AND v.attname = a.attname)
        UNION
        SELECT r.oid, NULL FROM pg_roles AS r WHERE {{schema}}.hardened() -> 'past_readers' ? r.rolname
    LOOP
        CONTINUE WHEN {{schema}}.is_historys(one.grantee);
        EXECUTE format('GRANT SELECT%s ON %s TO %s', '(' || quote_ident(one.column_name) || ')', past,
                       CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE one.grantee::regrole::text END);
    END LOOP;
END
{{dollar}};

-- The roles of a hardened database, see the migration that hardens; NULL elsewhere.
CREATE FUNCTION {{schema}}.hardened() RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT s.value FROM {{schema}}.chrononaut_setting AS s WHERE s.name = 'hardened'
{{dollar}};

-- Whether a role is one of history itself, in a hardened database.
CREATE FUNCTION {{schema}}.is_historys(role oid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    roles jsonb := {{schema}}.hardened();
BEGIN
    RETURN role <> 0 AND coalesce(pg_get_userbyid(role) IN (roles ->> 'owner', roles ->> 'writer'), false);
END
{{dollar}};

-- Whether the same roles may read a table and its past; of a hardened database also
-- those that may only read the past.
CREATE FUNCTION {{schema}}.past_shared(of_schema text, of_table text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    WITH relations AS (
        SELECT to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table)) AS present,
               (SELECT to_regclass(quote_ident(s.past_schema) || '.' || quote_ident(of_table))
                  FROM {{schema}}.chrononaut_past_schema AS s WHERE s.table_schema = of_schema) AS past
    ), readers AS (
        SELECT c.oid = r.past AS past, e.grantee, NULL::name AS column_name
          FROM relations AS r
          JOIN pg_class AS c ON c.oid IN (r.present, r.past),
               aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS e
         WHERE e.privilege_type = 'SELECT' AND NOT {{schema}}.is_historys(e.grantee)
        UNION
        SELECT a.attrelid = r.past, e.grantee, a.attname
          FROM relations AS r
          JOIN pg_attribute AS a ON a.attrelid IN (r.present, r.past) AND a.attnum > 0 AND NOT a.attisdropped,
               aclexplode(a.attacl) AS e
         WHERE e.privilege_type = 'SELECT' AND NOT {{schema}}.is_historys(e.grantee)
        UNION
        SELECT false, o.oid, NULL FROM pg_roles AS o WHERE {{schema}}.hardened() -> 'past_readers' ? o.rolname
    )
    SELECT NOT EXISTS (SELECT FROM (SELECT grantee, column_name FROM readers WHERE NOT past EXCEPT SELECT grantee, column_name FROM readers WHERE past) AS x)
       AND NOT EXISTS (SELECT FROM (SELECT grantee, column_name FROM readers WHERE past EXCEPT SELECT grantee, column_name FROM readers WHERE NOT past) AS x
                        WHERE x.grantee <> (SELECT c.relowner FROM pg_class AS c JOIN relations AS r ON c.oid = r.past))
{{dollar}};

-- A checksum of a view's definition.
CREATE FUNCTION {{schema}}.view_checksum(relation oid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT md5(pg_get_viewdef(relation))
{{dollar}};

-- A view of the application over the past of the tables that it reads. Its names
-- are resolved again: those without a schema find the past first.
CREATE FUNCTION {{schema}}.mirror_view(of_schema text, of_view text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    relation   regclass := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_view));
    spaces     {{schema}}.chrononaut_past_schema;
    presents   text;
    joined     text;
    definition text;
    other      regclass;
BEGIN
    SELECT * INTO spaces FROM {{schema}}.chrononaut_past_schema AS s WHERE s.table_schema = of_schema;
    IF relation IS NULL OR (SELECT c.relkind FROM pg_class AS c WHERE c.oid = relation) <> 'v' OR spaces IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'TM007',
            MESSAGE = format('%I.%I is not a view of a schema that has tracked tables', of_schema, of_view);
    END IF;
    -- As in past_path(), so that a name of the definition means the same table.
    SELECT string_agg(quote_ident(s.table_schema), ', ' ORDER BY s.table_schema <> of_schema, s.table_schema),
           string_agg(quote_ident(s.past_schema) || ', ' || quote_ident(s.table_schema), ', ' ORDER BY s.table_schema <> of_schema, s.table_schema)
      INTO presents, joined
      FROM {{schema}}.chrononaut_past_schema AS s;
    PERFORM set_config('search_path', presents, true);
    definition := pg_get_viewdef(relation);
    PERFORM set_config('search_path', joined, true);
    PERFORM {{schema}}.drop_past_view(of_schema, of_view);
    EXECUTE format('DROP VIEW IF EXISTS %I.%I', spaces.untracked_schema, of_view);
    EXECUTE format('CREATE VIEW %I.%I AS %s', spaces.past_schema, of_view, definition);
    EXECUTE format('COMMENT ON VIEW %I.%I IS %L', spaces.past_schema, of_view,
                   format('The view %I.%I over the past. chrononaut generation {{generation}}, source %s', of_schema, of_view, {{schema}}.view_checksum(relation)));
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    SELECT d.refobjid::regclass INTO other
      FROM pg_depend AS d
      JOIN pg_rewrite AS r ON r.oid = d.objid
      JOIN pg_class AS c ON c.oid = d.refobjid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
       AND r.ev_class = to_regclass(quote_ident(spaces.past_schema) || '.' || quote_ident(of_view))
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_past_schema AS s WHERE s.past_schema = n.nspname)
     LIMIT 1;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'TM007',
            MESSAGE = format('%I.%I reads %s, which has no past', of_schema, of_view, other),
            HINT = 'Track the table, or mirror the view, that it reads.';
    END IF;
    INSERT INTO {{schema}}.chrononaut_past_mirror (view_schema, view_name) VALUES (of_schema, of_view) ON CONFLICT DO NOTHING;
    PERFORM {{schema}}.share_past(of_schema, of_view);
END
{{dollar}};

-- Drops a view of the past, and mirrored views that read it.
CREATE FUNCTION {{schema}}.drop_past_view(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    past  text := (SELECT s.past_schema FROM {{schema}}.chrononaut_past_schema AS s WHERE s.table_schema = of_schema);
    one   record;
BEGIN
    FOR one IN
        SELECT DISTINCT m.view_schema, m.view_name
          FROM pg_depend AS d
          JOIN pg_rewrite AS r ON r.oid = d.objid
          JOIN pg_class AS c ON c.oid = r.ev_class
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
          JOIN {{schema}}.chrononaut_past_schema AS s ON s.past_schema = n.nspname
          JOIN {{schema}}.chrononaut_past_mirror AS m ON m.view_schema = s.table_schema AND m.view_name = c.relname
         WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
           AND d.refobjid = to_regclass(quote_ident(past) || '.' || quote_ident(of_table))
           AND r.ev_class <> d.refobjid
    LOOP
        PERFORM {{schema}}.drop_past_view(one.view_schema, one.view_name);
    END LOOP;
    EXECUTE format('DROP VIEW IF EXISTS %I.%I', past, of_table);
END
{{dollar}};

-- Mirrored views that are missing or out of date, and why.
CREATE FUNCTION {{schema}}.stale_mirrors() RETURNS TABLE (view_schema text, view_name text, reason text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT m.view_schema, m.view_name,
           CASE WHEN v.present IS NULL THEN 'gone' WHEN v.past IS NULL THEN 'missing over the past' ELSE 'not what it was when it was mirrored' END
      FROM {{schema}}.chrononaut_past_mirror AS m
      LEFT JOIN {{schema}}.chrononaut_past_schema AS s ON s.table_schema = m.view_schema
     CROSS JOIN LATERAL (SELECT to_regclass(quote_ident(m.view_schema) || '.' || quote_ident(m.view_name)) AS present,
                                to_regclass(quote_ident(s.past_schema) || '.' || quote_ident(m.view_name)) AS past) AS v
     WHERE v.present IS NULL OR v.past IS NULL
        OR obj_description(v.past, 'pg_class') NOT LIKE '%source ' || {{schema}}.view_checksum(v.present)
     ORDER BY m.view_schema, m.view_name
{{dollar}};

-- Mirrors again what drop_past_view() has taken along, or has changed, and forgets
-- what is gone. A view that cannot be mirrored any more is left out, and check says
-- so.
CREATE FUNCTION {{schema}}.renew_mirrors() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one    record;
    made   boolean;
BEGIN
    -- A mirrored view may read another: as long as one could be made there may be more.
    LOOP
        made := false;
        FOR one IN SELECT m.view_schema, m.view_name, m.reason FROM {{schema}}.stale_mirrors() AS m LOOP
            BEGIN
                IF one.reason = 'gone' THEN
                    PERFORM {{schema}}.drop_past_view(one.view_schema, one.view_name);
                    DELETE FROM {{schema}}.chrononaut_past_mirror AS m WHERE m.view_schema = one.view_schema AND m.view_name = one.view_name;
                ELSE
                    PERFORM {{schema}}.mirror_view(one.view_schema, one.view_name);
                END IF;
                made := true;
            EXCEPTION WHEN OTHERS THEN
                RAISE NOTICE 'the view %.% cannot be mirrored over the past: %', one.view_schema, one.view_name, SQLERRM;
            END;
        END LOOP;
        EXIT WHEN NOT made;
    END LOOP;
END
{{dollar}};

-- Views of the past have columns of the application's types, and would keep it
-- from dropping a type that its own tables do not have any more. Around such a
-- statement they are put aside and made again; one that cannot be is made by
-- track. An event trigger needs a superuser, or what a managed service has instead;
-- without it DROP TYPE names the view that is in the way, and takes it along with
-- CASCADE.
CREATE FUNCTION {{schema}}.set_views_aside() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT c.oid, s.table_schema, c.relname, n.nspname, pg_get_viewdef(c.oid) AS definition, obj_description(c.oid, 'pg_class') AS comment,
               EXISTS (SELECT FROM {{schema}}.chrononaut_past_mirror AS m WHERE m.view_schema = s.table_schema AND m.view_name = c.relname) AS mirrored
          FROM {{schema}}.chrononaut_past_schema AS s
          JOIN pg_namespace AS n ON n.nspname = s.past_schema
          JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind = 'v'
         WHERE EXISTS (SELECT FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
                        WHERE a.attrelid = c.oid AND a.attnum > 0 AND t.typnamespace <> 'pg_catalog'::regnamespace)
    LOOP
        IF NOT one.mirrored THEN
            INSERT INTO {{schema}}.chrononaut_past_aside (transaction_id, definition)
            VALUES (pg_current_xact_id(), format('CREATE VIEW %1$I.%2$I AS %3$s; COMMENT ON VIEW %1$I.%2$I IS %4$L; SELECT %5$s.share_past(%6$L, %2$L)',
                one.nspname, one.relname, rtrim(one.definition, ';'), one.comment, {{literal schema}}, one.table_schema));
        END IF;
        PERFORM {{schema}}.drop_past_view(one.table_schema, one.relname);
    END LOOP;
END
{{dollar}};

CREATE FUNCTION {{schema}}.put_views_back() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one record;
BEGIN
    FOR one IN
        DELETE FROM {{schema}}.chrononaut_past_aside AS a WHERE a.transaction_id = pg_current_xact_id() RETURNING a.definition
    LOOP
        BEGIN
            EXECUTE one.definition;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE 'a view of the past is out of date, chrononaut track makes it again: %', SQLERRM;
        END;
    END LOOP;
    PERFORM {{schema}}.renew_mirrors();
END
{{dollar}};

-- Makes the event triggers, where the role may. Called by track for tables with
-- columns of the application's types, so that other databases have none: a dump of
-- them needs a superuser to restore it without an error.
CREATE FUNCTION {{schema}}.make_event_triggers() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    tags  text := quote_literal('DROP TYPE') || ', ' || quote_literal('DROP DOMAIN') || ', ' || quote_literal('DROP EXTENSION') || ', '
                  || quote_literal('ALTER EXTENSION') || ', ' || quote_literal('DROP SCHEMA') || ', ' || quote_literal('DROP COLLATION') || ', ' || quote_literal('DROP OWNED');
    aside text := {{literal (beside "_views_aside")}};
    back  text := {{literal (beside "_views_back")}};
BEGIN
    IF NOT EXISTS (SELECT FROM pg_event_trigger AS e WHERE e.evtname = aside) THEN
        EXECUTE format('CREATE EVENT TRIGGER %I ON ddl_command_start WHEN TAG IN (%s) EXECUTE FUNCTION %s.set_views_aside()', aside, tags, {{literal schema}});
    END IF;
    IF NOT EXISTS (SELECT FROM pg_event_trigger AS e WHERE e.evtname = back) THEN
        EXECUTE format('CREATE EVENT TRIGGER %I ON ddl_command_end WHEN TAG IN (%s) EXECUTE FUNCTION %s.put_views_back()', back, tags, {{literal schema}});
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'without an event trigger, DROP TYPE may name a view of the past that is in its way';
END
{{dollar}};

-- Drops the view and the keys of a table that has another name now.
CREATE FUNCTION {{schema}}.forget_past(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    keys text;
    past text := (SELECT s.past_schema FROM {{schema}}.chrononaut_past_schema AS s WHERE s.table_schema = of_schema);
BEGIN
    DELETE FROM {{schema}}.chrononaut_past AS p WHERE p.table_schema = of_schema AND p.table_name = of_table
        RETURNING p.keys_table INTO keys;
    IF keys IS NOT NULL THEN
        PERFORM {{schema}}.drop_past_view(of_schema, of_table);
        EXECUTE format('DROP TABLE IF EXISTS %s.%I', {{literal schema}}, keys);
    END IF;
END
{{dollar}};

CREATE TRIGGER chrononaut_erased
    AFTER DELETE ON {{schema}}.chrononaut_activity
    REFERENCING OLD TABLE AS erased
    FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.note_erased();
ALTER TABLE {{schema}}.chrononaut_activity ENABLE ALWAYS TRIGGER chrononaut_erased;

-- On a table of his own, with the settings of the unsafe door, somebody could have
-- these say that history was erased, or that a transaction was still open.
REVOKE EXECUTE ON FUNCTION {{schema}}.note_erased(), {{schema}}.note_ended() FROM PUBLIC;

-- Names of tables and views are no secret to who may use the schema at all: readers
-- of history need them.
GRANT SELECT ON {{schema}}.chrononaut_past, {{schema}}.chrononaut_past_schema, {{schema}}.chrononaut_past_mirror TO PUBLIC;

REVOKE EXECUTE ON FUNCTION {{schema}}.note_unplaced(text, text) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {{schema}}.add_key(text, text, jsonb, boolean) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {{schema}}.add_keys(text, text, bigint) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {{schema}}.forget_keys(text, text, text, jsonb[]) FROM PUBLIC;
