-- Leases: for a while, a record is somebody's to edit. Whoever wants one has to wait
-- until it is released or has expired, or takes it over. A lease has a number, which
-- grows from one lease of a record to the next, and a token, which only its holder
-- knows: writes that name both are refused once the lease has ended. While a lease
-- is enforced, all other writes of the record are refused.
--
-- One row for each record that was leased lately: a record cannot have two leases.
-- The next lease of the record takes the row over.
CREATE SEQUENCE {{schema}}.chrononaut_lease_id AS bigint;

CREATE TABLE {{schema}}.chrononaut_lease (
    -- Two hashes stand for the record, as in the index of history.
    record_hash   bigint      NOT NULL,
    key_hash      bigint      NOT NULL,
    id            bigint      NOT NULL,
    -- When it was released. It ends by itself when it expires.
    released      timestamptz,
    table_schema  text        NOT NULL,
    table_name    text        NOT NULL,
    key           jsonb       NOT NULL,
    -- SHA-256: who can read the table is not the holder.
    token_hash    bytea       NOT NULL,
    -- The version of the record when it was leased.
    version       integer     NOT NULL,
    enforced      boolean     NOT NULL,
    ttl           interval    NOT NULL,
    granted       timestamptz NOT NULL,
    renewed       timestamptz NOT NULL,
    expires       timestamptz NOT NULL,
    user_info     jsonb       NOT NULL,
    database_user text        NOT NULL,
    -- The transaction that it was granted in, whose own writes are the holder's.
    transaction_id xid8       NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    rationale     text,
    PRIMARY KEY (record_hash, key_hash),
    -- Holders who write lock their row FOR KEY SHARE. That lets renewals pass, also in
    -- transactions whose snapshot is older, and no change of a column of a unique index:
    -- what ends a lease, its release and the next lease, waits for those writes.
    UNIQUE (id, released)
);

COMMENT ON TABLE {{schema}}.chrononaut_lease IS
    'Records that somebody edits, or edited lately. Written by the functions lease, renew_lease and release_lease.';

CREATE INDEX chrononaut_lease_enforced ON {{schema}}.chrononaut_lease (table_schema, table_name) WHERE enforced;
CREATE INDEX chrononaut_lease_expires ON {{schema}}.chrononaut_lease (expires);

CREATE FUNCTION {{schema}}.lease_hash(of_schema text, of_table text, of_key jsonb) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN pg_catalog.jsonb_hash_extended(of_key, pg_catalog.hashtextextended(of_schema || '.' || of_table, 0));

CREATE FUNCTION {{schema}}.lease_key_hash(of_key jsonb) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN pg_catalog.jsonb_hash_extended(of_key, 1)
           OPERATOR(pg_catalog.#) pg_catalog.hashtextextended(pg_catalog.translate(of_key::text, '0123456789.', ''), 1);

CREATE FUNCTION {{schema}}.lease_token_hash(token text) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.sha256(pg_catalog.convert_to(token, 'UTF8'));

-- Whether a lease runs. When the clock was set back by more than the time that the
-- lease was given, it has ended: it never lasts longer than twice that time.
CREATE FUNCTION {{schema}}.lease_runs(released timestamptz, expires timestamptz, ttl interval, moment timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN released IS NULL AND moment < expires AND moment >= expires - 2 * ttl;

CREATE FUNCTION {{schema}}.lease_holder(user_info jsonb, database_user text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(user_info ->> 'user_id', database_user);

-- The setting chrononaut.context, for those who need more of it than the triggers.
CREATE FUNCTION {{schema}}.lease_context() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    context jsonb;
BEGIN
    BEGIN
        context := coalesce(nullif(current_setting('chrononaut.context', true), ''), '{}')::jsonb;
    EXCEPTION WHEN data_exception THEN
        PERFORM {{schema}}.context_error();
    END;
    IF jsonb_typeof(context) <> 'object'
       OR jsonb_typeof(coalesce(context -> 'user_info', '{}')) <> 'object'
       OR jsonb_typeof(coalesce(context -> 'extra_info', '{}')) <> 'object'
       OR jsonb_typeof(coalesce(context -> 'leases', '[]')) <> 'array'
    THEN
        PERFORM {{schema}}.context_error();
    END IF;
    RETURN context;
END
{{dollar}};

CREATE FUNCTION {{schema}}.leased_error(of_lease {{schema}}.chrononaut_lease) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'TM018',
        MESSAGE = format('a record of table %I.%I is leased to %s until %s%s (lease %s)', of_lease.table_schema, of_lease.table_name,
            to_json({{schema}}.lease_holder(of_lease.user_info, of_lease.database_user)), {{schema}}.iso_time(of_lease.expires),
            ': ' || to_json(of_lease.rationale), of_lease.id),
        HINT = 'Wait until it is released or has expired, or take it over with a rationale.';
END
{{dollar}};

-- Says how a lease has ended. The record may have been leased again since: the log
-- tells, where that is not long ago.
CREATE FUNCTION {{schema}}.lease_lost_error(of_id bigint, of_token text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    l   {{schema}}.chrononaut_lease;
    a   record;
    how text := 'no lease has this number and token';
BEGIN
    SELECT x.* INTO l FROM {{schema}}.chrononaut_lease AS x
     WHERE x.id = of_id AND x.token_hash = {{schema}}.lease_token_hash(of_token);
    IF FOUND THEN
        how := CASE WHEN l.released IS NOT NULL THEN 'it was released at ' || {{schema}}.iso_time(l.released)
                    ELSE 'it expired at ' || {{schema}}.iso_time(l.expires) END;
    ELSE
        SELECT e.* INTO a
          FROM unnest('{lease,lease_takeover,lease_release}'::text[]) AS o (name)
         CROSS JOIN LATERAL (SELECT x.* FROM {{schema}}.chrononaut_activity AS x
                              WHERE x.operation = o.name AND x.operation NOT IN ('insert', 'update')
                              ORDER BY x.id DESC LIMIT 1000) AS e
         WHERE e.data ->> CASE o.name WHEN 'lease_release' THEN 'lease' ELSE 'former' END = of_id::text
         ORDER BY e.id LIMIT 1;
        IF a.operation = 'lease_release' THEN
            how := 'it was released at ' || {{schema}}.iso_time(a.changed);
        ELSIF a.operation = 'lease_takeover' THEN
            how := format('it was taken over by %s at %s%s', to_json({{schema}}.lease_holder(a.user_info, a.database_user)),
                a.data ->> 'granted', ': ' || to_json(a.extra_info ->> 'rationale'));
        ELSIF a.operation = 'lease' THEN
            how := format('the record was leased to %s at %s', to_json({{schema}}.lease_holder(a.user_info, a.database_user)), a.data ->> 'granted');
        END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'TM019',
        MESSAGE = format('lease %s has ended: %s', of_id, how),
        HINT = 'Lease the record again, and read it again: others may have changed it.';
END
{{dollar}};

-- Writes to history that a lease began or ended. It is about a table, as far as the
-- history of records is concerned.
CREATE FUNCTION {{schema}}.lease_record(what text, of_lease {{schema}}.chrononaut_lease, more jsonb, rationale text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    context jsonb := {{schema}}.lease_context();
BEGIN
    INSERT INTO {{schema}}.chrononaut_activity (table_name, version, data, user_info, extra_info, operation, table_schema)
    VALUES (of_lease.table_name, 0,
            jsonb_build_object('lease', of_lease.id, 'key', of_lease.key, 'version', of_lease.version, 'enforced', of_lease.enforced,
                               'granted', {{schema}}.iso_time(of_lease.granted), 'expires', {{schema}}.iso_time(of_lease.expires)) || more,
            '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
            coalesce(context -> 'extra_info', '{}') || CASE WHEN rationale IS NULL THEN '{}' ELSE jsonb_build_object('rationale', rationale) END,
            what, of_lease.table_schema);
END
{{dollar}};

-- ------------------------------------------------------------- the leases --

-- Makes the triggers of a table look for enforced leases.
CREATE FUNCTION {{schema}}.lease_guard(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    PERFORM {{schema}}.guard(of_schema, of_table);
END
{{dollar}};

-- The part of lease() that needs the privileges of the owner of history. The key is
-- in the form that history has.
CREATE FUNCTION {{schema}}.lease_grant(of_schema text, of_table text, of_key jsonb, image jsonb, row_version integer, at_version integer, ttl interval,
                                       enforced boolean, take_over boolean, rationale text, token text)
    RETURNS {{schema}}.chrononaut_lease
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS {{dollar}}
#variable_conflict use_variable
DECLARE
    context jsonb  := {{schema}}.lease_context();
    hash    bigint := {{schema}}.lease_hash(of_schema, of_table, of_key);
    other   bigint := {{schema}}.lease_key_hash(of_key);
    l       {{schema}}.chrononaut_lease;
    former  {{schema}}.chrononaut_lease;
    runs    boolean;
    moment  timestamptz;
    changes jsonb;
BEGIN
    IF row_version <> at_version THEN
        changes := {{schema}}.changes_since(of_schema, of_table, of_key, at_version);
        RAISE EXCEPTION USING ERRCODE = 'TM017',
            MESSAGE = format('stale write to table %I.%I: based on version %s, the record is at version %s', of_schema, of_table, at_version, row_version),
            DETAIL = changes - 'base' || jsonb_build_object('table_schema', of_schema, 'table_name', of_table, 'expected', at_version,
                'actual', row_version, 'based', changes -> 'base' <> 'null', 'mine', jsonb_build_array(), 'overlap', jsonb_build_array()),
            HINT = 'Read the record again.';
    END IF;
    -- What is held is not there to be edited.
    PERFORM {{schema}}.guard_hold(of_schema, of_table, 'UPDATE', image, image);

    -- Without days and months, whose length depends on the calendar.
    ttl := make_interval(secs => extract(epoch FROM ttl)::double precision);
    rationale := nullif(btrim(coalesce(rationale, context -> 'extra_info' ->> 'rationale')), '');
    LOOP
        SELECT x.* INTO former FROM {{schema}}.chrononaut_lease AS x WHERE x.record_hash = hash AND x.key_hash = other;
        IF FOUND AND NOT take_over AND {{schema}}.lease_runs(former.released, former.expires, former.ttl, clock_timestamp()) THEN
            PERFORM {{schema}}.leased_error(former);
        END IF;
        -- A row to lock, which is filled in once it is: this can wait for others.
        INSERT INTO {{schema}}.chrononaut_lease AS x
               (record_hash, key_hash, id, table_schema, table_name, key, token_hash, version, enforced, ttl,
                granted, renewed, expires, user_info, database_user)
        VALUES (hash, other, 0, of_schema, of_table, of_key, '', 0, false, '0', '-infinity', '-infinity', '-infinity', '{}', '')
            ON CONFLICT DO NOTHING;
        SELECT x.* INTO former FROM {{schema}}.chrononaut_lease AS x WHERE x.record_hash = hash AND x.key_hash = other FOR UPDATE;
        -- An old one may have been cleaned up meanwhile.
        EXIT WHEN FOUND;
    END LOOP;
    moment := clock_timestamp();
    runs := {{schema}}.lease_runs(former.released, former.expires, former.ttl, moment);
    IF runs AND NOT take_over THEN
        PERFORM {{schema}}.leased_error(former);
    END IF;
    UPDATE {{schema}}.chrononaut_lease AS x
       SET id = nextval({{literal (print schema ".chrononaut_lease_id")}}), released = NULL,
           table_schema = of_schema, table_name = of_table, key = of_key,
           token_hash = {{schema}}.lease_token_hash(token), version = row_version, enforced = enforced, ttl = ttl,
           granted = moment, renewed = moment, expires = moment + ttl,
           user_info = '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
           database_user = session_user, transaction_id = pg_current_xact_id(), rationale = rationale
     WHERE x.record_hash = hash AND x.key_hash = other
    RETURNING x.* INTO l;
    PERFORM {{schema}}.lease_record(CASE WHEN runs THEN 'lease_takeover' ELSE 'lease' END, l,
        CASE WHEN runs THEN jsonb_build_object('former', former.id, 'former_holder', {{schema}}.lease_holder(former.user_info, former.database_user),
                                               'former_expires', {{schema}}.iso_time(former.expires))
             WHEN former.id <> 0 THEN jsonb_build_object('former', former.id)
             ELSE '{}' END, l.rationale);

    -- Some of those that ended long ago. What is locked is of use to somebody.
    IF current_setting('transaction_isolation') = 'read committed' THEN
        DELETE FROM {{schema}}.chrononaut_lease AS x
         WHERE x.ctid = ANY (ARRAY(SELECT o.ctid FROM {{schema}}.chrononaut_lease AS o
                                    WHERE o.expires < moment - interval '1 day'
                                    ORDER BY o.expires LIMIT 10 FOR UPDATE SKIP LOCKED));
    END IF;
    RETURN l;
END
{{dollar}};

-- Leases a record: {id, token} are what its holder renews, releases and writes
-- with. Reads, and for an enforced lease locks, the record as the caller, who needs
-- the privileges for that: SELECT, and for an enforced lease UPDATE.
CREATE FUNCTION {{schema}}.lease(of_schema text, of_table text, of_key jsonb, ttl interval, enforced boolean DEFAULT false,
                                 take_over boolean DEFAULT false, rationale text DEFAULT NULL, at_version integer DEFAULT NULL,
                                 OUT token text, OUT lease {{schema}}.chrononaut_lease)
    LANGUAGE plpgsql
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    relation    oid := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
    options     jsonb;
    read_sql    text;
    row_version integer;
    image       jsonb;
BEGIN
    IF ttl IS NULL OR ttl < interval '1 millisecond' OR ttl > interval '24 hours' THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = 'a lease lasts between one millisecond and 24 hours',
            HINT = 'Renew it while it is needed. To freeze a record for longer, hold it.';
    END IF;
    IF take_over AND coalesce(btrim(coalesce(rationale, {{schema}}.lease_context() -> 'extra_info' ->> 'rationale')), '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = 'taking over a lease needs a rationale';
    END IF;
    SELECT t.options INTO options FROM {{schema}}.chrononaut_table AS t
     WHERE t.table_schema = of_schema AND t.table_name = of_table AND t.tracked;
    IF options IS NULL OR relation IS NULL OR options @> '{"no_history": true}' THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = format('table %I.%I has no history: its records cannot be leased', of_schema, of_table),
            HINT = 'Run chrononaut track on the table.';
    END IF;
    of_key := {{schema}}.normalize_key(of_schema, of_table, of_key);
    read_sql := format('SELECT coalesce(t.%I, 0), to_jsonb(t) FROM %s AS t WHERE %s', coalesce(options ->> 'version_column', 'version'),
                       relation::regclass, {{schema}}.key_match_sql(relation, '$1'));
    IF enforced THEN
        -- Those who write the record are waited for: they would not see the lease.
        -- First without the guard, for which everybody would wait who places one;
        -- the lock goes with the subtransaction.
        BEGIN
            EXECUTE read_sql || ' FOR UPDATE' USING of_key;
            RAISE EXCEPTION USING ERRCODE = 'TM020';
        EXCEPTION WHEN SQLSTATE 'TM020' THEN
            NULL;
        END;
        PERFORM {{schema}}.lease_guard(of_schema, of_table);
        read_sql := read_sql || ' FOR UPDATE';
    END IF;
    FOR attempt IN 1..CASE WHEN enforced THEN 5 ELSE 1 END LOOP
        -- A row that came in the place of one that was waited for is not seen at once.
        EXECUTE read_sql INTO row_version, image USING of_key;
        EXIT WHEN image IS NOT NULL;
    END LOOP;
    IF image IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found',
            MESSAGE = format('table %I.%I has no such record: it cannot be leased', of_schema, of_table);
    END IF;
    token := gen_random_uuid()::text;
    lease := {{schema}}.lease_grant(of_schema, of_table, of_key, image, row_version, at_version, ttl, coalesce(enforced, false), coalesce(take_over, false), rationale, token);
END
{{dollar}};

-- Lets a lease run from now on for another time.
CREATE FUNCTION {{schema}}.renew_lease(of_id bigint, of_token text, ttl interval) RETURNS {{schema}}.chrononaut_lease
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
#variable_conflict use_variable
DECLARE
    l {{schema}}.chrononaut_lease;
BEGIN
    IF ttl IS NULL OR ttl < interval '1 millisecond' OR ttl > interval '24 hours' THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = 'a lease lasts between one millisecond and 24 hours',
            HINT = 'Renew it while it is needed. To freeze a record for longer, hold it.';
    END IF;
    ttl := make_interval(secs => extract(epoch FROM ttl)::double precision);
    UPDATE {{schema}}.chrononaut_lease AS x
       SET (ttl, renewed, expires) = (SELECT ttl, c.moment, c.moment + ttl FROM (SELECT clock_timestamp() AS moment OFFSET 0) AS c)
     WHERE x.id = of_id AND x.token_hash = {{schema}}.lease_token_hash(of_token)
       AND {{schema}}.lease_runs(x.released, x.expires, x.ttl, clock_timestamp())
    RETURNING x.* INTO l;
    IF NOT FOUND THEN
        PERFORM {{schema}}.lease_lost_error(of_id, of_token);
    END IF;
    RETURN l;
END
{{dollar}};

CREATE FUNCTION {{schema}}.release_lease(of_id bigint, of_token text) RETURNS {{schema}}.chrononaut_lease
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    l {{schema}}.chrononaut_lease;
BEGIN
    UPDATE {{schema}}.chrononaut_lease AS x
       SET released = clock_timestamp()
     WHERE x.id = of_id AND x.token_hash = {{schema}}.lease_token_hash(of_token)
       AND {{schema}}.lease_runs(x.released, x.expires, x.ttl, clock_timestamp())
    RETURNING x.* INTO l;
    IF NOT FOUND THEN
        PERFORM {{schema}}.lease_lost_error(of_id, of_token);
    END IF;
    PERFORM {{schema}}.lease_record('lease_release', l, '{}', NULL);
    RETURN l;
END
{{dollar}};

-- ------------------------------------------------------------- the writes --

-- The leases that a write is made under, each of which has to run. They are locked
-- until the end of the transaction: nobody else gets one while its holder writes.
CREATE FUNCTION {{schema}}.lease_fence() RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS {{dollar}}
DECLARE
    claim   jsonb;
    claimed bigint[] := '{}';
    l       {{schema}}.chrononaut_lease;
BEGIN
    FOR claim IN SELECT e FROM jsonb_array_elements({{schema}}.lease_context() -> 'leases') AS e LOOP
        IF jsonb_typeof(claim) <> 'object' OR claim ->> 'token' IS NULL OR coalesce(claim ->> 'id', '') !~ '^\d{1,18}$' THEN
            PERFORM {{schema}}.context_error();
        END IF;
        SELECT x.* INTO l FROM {{schema}}.chrononaut_lease AS x
         WHERE x.id = (claim ->> 'id')::bigint AND x.released IS NULL
           FOR KEY SHARE;
        IF NOT FOUND OR l.token_hash <> {{schema}}.lease_token_hash(claim ->> 'token')
           OR NOT {{schema}}.lease_runs(l.released, l.expires, l.ttl, clock_timestamp())
        THEN
            PERFORM {{schema}}.lease_lost_error((claim ->> 'id')::bigint, claim ->> 'token');
        END IF;
        claimed := claimed || l.id;
    END LOOP;
    RETURN claimed;
END
{{dollar}};

-- Refuses to change a row under leases of which one has ended, and a row that is
-- leased, and enforced, to somebody else.
CREATE FUNCTION {{schema}}.guard_lease(of_schema text, of_table text, operation text, old_row jsonb, new_row jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS {{dollar}}
DECLARE
    claimed bigint[] := '{}';
    names   text[];
    keys    jsonb[];
    l       {{schema}}.chrononaut_lease;
BEGIN
    IF strpos(current_setting('chrononaut.context', true), '"leases"') > 0 THEN
        claimed := {{schema}}.lease_fence();
    END IF;
    IF NOT EXISTS (SELECT FROM {{schema}}.chrononaut_lease AS x
                    WHERE x.table_schema = of_schema AND x.table_name = of_table AND x.enforced)
    THEN
        RETURN;
    END IF;
    SELECT t.key_columns INTO names FROM {{schema}}.chrononaut_table AS t
     WHERE t.table_schema = of_schema AND t.table_name = of_table;
    IF coalesce(new_row, old_row) ?& names IS NOT TRUE THEN
        -- The columns have other names by now.
        names := ARRAY(SELECT a.attname::text
                         FROM pg_index AS i, LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
                         JOIN pg_attribute AS a ON a.attnum = k.attnum
                        WHERE i.indrelid = to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table)) AND i.indisprimary
                          AND a.attrelid = i.indrelid AND k.position <= i.indnkeyatts);
    END IF;
    keys := ARRAY(SELECT DISTINCT (SELECT jsonb_object_agg(n, r -> n) FROM unnest(names) AS n)
                    FROM unnest(ARRAY[old_row, new_row]) AS r WHERE r IS NOT NULL);
    -- Shared, so that who renews one that seems to have expired is waited for.
    FOR l IN SELECT x.* FROM unnest(keys) AS k (key), {{schema}}.chrononaut_lease AS x
              WHERE x.record_hash = {{schema}}.lease_hash(of_schema, of_table, k.key)
                AND x.key = k.key AND x.table_schema = of_schema AND x.table_name = of_table
                AND x.enforced AND x.released IS NULL AND x.id <> ALL (claimed) AND x.transaction_id <> pg_current_xact_id()
                FOR SHARE OF x
    LOOP
        IF {{schema}}.lease_runs(l.released, l.expires, l.ttl, clock_timestamp()) THEN
            PERFORM {{schema}}.leased_error(l);
        END IF;
    END LOOP;
END
{{dollar}};

CREATE FUNCTION {{schema}}.guard_lease_truncate(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS {{dollar}}
DECLARE
    claimed bigint[] := '{}';
    l       {{schema}}.chrononaut_lease;
BEGIN
    IF strpos(current_setting('chrononaut.context', true), '"leases"') > 0 THEN
        claimed := {{schema}}.lease_fence();
    END IF;
    FOR l IN SELECT x.* FROM {{schema}}.chrononaut_lease AS x
              WHERE x.table_schema = of_schema AND x.table_name = of_table
                AND x.enforced AND x.released IS NULL AND x.id <> ALL (claimed) AND x.transaction_id <> pg_current_xact_id()
                FOR SHARE
    LOOP
        IF {{schema}}.lease_runs(l.released, l.expires, l.ttl, clock_timestamp()) THEN
            PERFORM {{schema}}.leased_error(l);
        END IF;
    END LOOP;
END
{{dollar}};

-- A lease is of a record: it goes along when the record's key changes. Where the new
-- key has a lease of its own, of a record that was deleted, it stays.
CREATE FUNCTION {{schema}}.lease_follow(of_schema text, of_table text, old_key jsonb, new_key jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS {{dollar}}
DECLARE
    hash  bigint := {{schema}}.lease_hash(of_schema, of_table, new_key);
    other bigint := {{schema}}.lease_key_hash(new_key);
    l     {{schema}}.chrononaut_lease;
BEGIN
    SELECT x.* INTO l FROM {{schema}}.chrononaut_lease AS x
     WHERE x.record_hash = {{schema}}.lease_hash(of_schema, of_table, old_key) AND x.key_hash = {{schema}}.lease_key_hash(old_key);
    IF NOT FOUND OR NOT {{schema}}.lease_runs(l.released, l.expires, l.ttl, clock_timestamp()) THEN
        RETURN;
    END IF;
    DELETE FROM {{schema}}.chrononaut_lease AS x
     WHERE x.record_hash = hash AND x.key_hash = other
       AND NOT {{schema}}.lease_runs(x.released, x.expires, x.ttl, clock_timestamp());
    IF NOT EXISTS (SELECT FROM {{schema}}.chrononaut_lease AS x WHERE x.record_hash = hash AND x.key_hash = other) THEN
        UPDATE {{schema}}.chrononaut_lease AS x SET record_hash = hash, key_hash = other, key = new_key
         WHERE x.record_hash = l.record_hash AND x.key_hash = l.key_hash AND x.id = l.id;
    END IF;
END
{{dollar}};

-- Leases end when their table is no longer tracked, or it or its key gets other
-- names: they would be found no more.
CREATE FUNCTION {{schema}}.lease_end() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.tracked
       AND (NEW.table_schema, NEW.table_name, NEW.key_columns) = (OLD.table_schema, OLD.table_name, OLD.key_columns)
    THEN
        RETURN NULL;
    END IF;
    UPDATE {{schema}}.chrononaut_lease AS x SET released = clock_timestamp()
     WHERE x.table_schema = OLD.table_schema AND x.table_name = OLD.table_name AND x.released IS NULL;
    RETURN NULL;
END
{{dollar}};

CREATE TRIGGER chrononaut_lease_end
    AFTER UPDATE OR DELETE ON {{schema}}.chrononaut_table
    FOR EACH ROW EXECUTE FUNCTION {{schema}}.lease_end();
ALTER TABLE {{schema}}.chrononaut_table ENABLE ALWAYS TRIGGER chrononaut_lease_end;

REVOKE EXECUTE ON FUNCTION {{schema}}.lease(text, text, jsonb, interval, boolean, boolean, text, integer),
       {{schema}}.lease_guard(text, text),
       {{schema}}.lease_grant(text, text, jsonb, jsonb, integer, integer, interval, boolean, boolean, text, text),
       {{schema}}.renew_lease(bigint, text, interval), {{schema}}.release_lease(bigint, text),
       {{schema}}.lease_lost_error(bigint, text), {{schema}}.lease_fence(), {{schema}}.lease_follow(text, text, jsonb, jsonb), {{schema}}.lease_end(),
       {{schema}}.guard_lease(text, text, text, jsonb, jsonb), {{schema}}.guard_lease_truncate(text, text) FROM PUBLIC;
