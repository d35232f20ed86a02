-- The layout period: beside history, a tracked table has a table of periods, with
-- a typed row for each state of each record, from when until when it was. The
-- views of the past read it instead of history, where everything is. A trigger on
-- history feeds it, so that whatever writes history is in it; it can be made again
-- from history at any time.

CREATE TABLE {{schema}}.chrononaut_period (
    table_schema text   NOT NULL,
    table_name   text   NOT NULL,
    period_table text   NOT NULL,
    -- What makes the periods of records, and the trigger's function.
    fill_function   text NOT NULL,
    follow_function text NOT NULL,
    -- History with greater ids went through the trigger. The rest is gone through
    -- in chunks, in the order of the hashes of records.
    boundary     bigint NOT NULL,
    after_record bigint,
    records      bigint NOT NULL DEFAULT 0,
    -- When it was complete; until then history is read.
    built        timestamptz,
    -- The last id of history at that time.
    built_to     bigint,
    PRIMARY KEY (table_schema, table_name)
);

-- Records whose periods are to be made again. While there are any, the past of
-- the table is not read from its periods.
CREATE TABLE {{schema}}.chrononaut_period_todo (
    id           bigserial PRIMARY KEY,
    table_schema text      NOT NULL,
    table_name   text      NOT NULL,
    key          jsonb     NOT NULL
);
CREATE INDEX chrononaut_period_todo_table ON {{schema}}.chrononaut_period_todo (table_schema, table_name);

-- Excludes that a record is erased while a chunk is made of what it was.
CREATE FUNCTION {{schema}}.period_lock(of_schema text, of_table text) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT pg_advisory_xact_lock(hashtextextended({{literal (print "chrononaut period " rawSchema ".")}} || of_schema || '.' || of_table, 0))
{{dollar}};

-- ------------------------------------------------------------------ points --

-- Whether the time alone decides what is seen.
CREATE FUNCTION {{schema}}.as_of_plain() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(pg_catalog.current_setting('chrononaut.as_of_except', true), '') IN ('', '{}')
       AND coalesce(pg_catalog.current_setting('chrononaut.as_of_snapshot', true), '') = '';

-- What ended before this time is over. Transactions that are not seen may have
-- ended something before the time that is asked for.
CREATE FUNCTION {{schema}}.as_of_low() RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF {{schema}}.as_of_plain() THEN
        RETURN {{schema}}.as_of();
    END IF;
    IF {{schema}}.as_of_snapshot() IS NOT NULL THEN
        RETURN '-infinity';
    END IF;
    RETURN (SELECT least({{schema}}.as_of(), min(a.changed) - interval '1 microsecond')
              FROM {{schema}}.chrononaut_activity AS a
             WHERE a.transaction_id = ANY ({{schema}}.as_of_except()));
END
{{dollar}};

-- The same as as_of_snapshot(); where a time is asked for, one that sees all.
CREATE FUNCTION {{schema}}.as_of_sight() RETURNS pg_snapshot
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(pg_catalog.current_setting('chrononaut.as_of_snapshot', true), ''), '9223372036854775807:9223372036854775807:')::pg_catalog.pg_snapshot;

-- The change, as of the point, that says what became of the key that a change is
-- about: the newest that is seen, see last_change(), or a baseline that found what
-- was there before it.
CREATE FUNCTION {{schema}}.past_newest(of_id bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER COST 1
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    this   {{schema}}.chrononaut_activity;
    latest {{schema}}.chrononaut_activity;
    parted {{schema}}.chrononaut_activity;
    hash   bigint;
BEGIN
    SELECT a.* INTO this FROM {{schema}}.chrononaut_activity AS a WHERE a.id = of_id;
    hash := jsonb_hash_extended(this.key, hashtextextended(this.table_schema || '.' || this.table_name, 0));
    SELECT a.* INTO latest
      FROM {{schema}}.chrononaut_activity AS a
     WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = hash
       AND a.key = this.key AND a.table_name || '' = this.table_name AND a.table_schema || '' = this.table_schema
       AND a.changed <= {{schema}}.as_of()
       AND (a.id < {{schema}}.as_of_from()
            OR a.id < {{schema}}.as_of_to() AND (a.transaction_id <> ALL ({{schema}}.as_of_except())) IS NOT FALSE
               AND pg_visible_in_snapshot(coalesce(a.transaction_id, '0'), {{schema}}.as_of_sight()))
     ORDER BY a.version DESC LIMIT 1;
    SELECT a.* INTO parted
      FROM {{schema}}.chrononaut_activity AS a
     WHERE jsonb_hash_extended(a.previous_key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = hash
       AND a.previous_key IS NOT NULL
       AND a.previous_key = this.key AND a.table_name || '' = this.table_name AND a.table_schema || '' = this.table_schema
       AND a.changed <= {{schema}}.as_of()
       AND (a.id < {{schema}}.as_of_from()
            OR a.id < {{schema}}.as_of_to() AND (a.transaction_id <> ALL ({{schema}}.as_of_except())) IS NOT FALSE
               AND pg_visible_in_snapshot(coalesce(a.transaction_id, '0'), {{schema}}.as_of_sight()))
     ORDER BY a.version DESC, a.id DESC LIMIT 1;
    IF latest.id IS NOT NULL AND (parted.id IS NULL OR latest.version >= parted.version OR latest.id > parted.id) THEN
        RETURN latest.id;
    END IF;
    IF latest.id IS NULL AND parted.id IS NULL THEN
        SELECT a.* INTO latest
          FROM {{schema}}.chrononaut_activity AS a
         WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = hash
           AND a.key = this.key AND a.table_name || '' = this.table_name AND a.table_schema || '' = this.table_schema
         ORDER BY a.version LIMIT 1;
        RETURN CASE WHEN latest.operation = 'baseline' AND {{schema}}.past_found(this.table_schema, this.table_name) THEN latest.id END;
    END IF;
    RETURN parted.id;
END
{{dollar}};

-- Raises while the periods of a table are not all there.
CREATE FUNCTION {{schema}}.periods_complete(of_schema text, of_table text) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF EXISTS (SELECT FROM {{schema}}.chrononaut_period_todo AS t WHERE t.table_schema = of_schema AND t.table_name = of_table) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'TM011',
            MESSAGE = format('the periods of %I.%I are not complete', of_schema, of_table),
            HINT = 'Run chrononaut track on the table: it makes what is missing.';
    END IF;
    RETURN true;
END
{{dollar}};

-- ------------------------------------------------------------------ making --

-- How a new change of a record for which no period is open goes on from what
-- history has of it: it is the 'first' change, or comes 'after' a deletion; or it
-- is 'behind' another one; or the periods are 'missing', because they are being
-- made, or because the transaction does not see those that were made since it
-- began.
CREATE FUNCTION {{schema}}.period_gap(of_schema text, of_table text, of_key jsonb, of_id bigint, of_version integer) RETURNS text
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    hash   bigint := jsonb_hash_extended(of_key, hashtextextended(of_schema || '.' || of_table, 0));
    latest {{schema}}.chrononaut_activity;
    parted {{schema}}.chrononaut_activity;
BEGIN
    SELECT a.* INTO latest
      FROM {{schema}}.chrononaut_activity AS a
     WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = hash
       AND a.key = of_key AND a.table_name || '' = of_table AND a.table_schema || '' = of_schema AND a.id <> of_id
     ORDER BY a.version DESC LIMIT 1;
    SELECT a.* INTO parted
      FROM {{schema}}.chrononaut_activity AS a
     WHERE jsonb_hash_extended(a.previous_key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = hash
       AND a.previous_key IS NOT NULL
       AND a.previous_key = of_key AND a.table_name || '' = of_table AND a.table_schema || '' = of_schema AND a.id <> of_id
     ORDER BY a.version DESC LIMIT 1;
    IF latest.id IS NULL AND parted.id IS NULL THEN
        RETURN 'first';
    END IF;
    IF (SELECT p.built IS NULL FROM {{schema}}.chrononaut_period AS p WHERE p.table_schema = of_schema AND p.table_name = of_table) THEN
        RETURN 'missing';
    END IF;
    IF greatest(latest.version, parted.version) > of_version THEN
        RETURN 'behind';
    END IF;
    -- Its state should have a period that is open.
    IF latest.operation NOT IN ('delete', 'truncate') AND (parted.id IS NULL OR latest.version >= parted.version OR latest.id > parted.id) THEN
        RETURN 'missing';
    END IF;
    RETURN 'after';
END
{{dollar}};

-- The table belongs to the owner of the functions that write it, who is another
-- where they were there before.
CREATE FUNCTION {{schema}}.period_owned(period_table text, follow_function text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    owner name := (SELECT f.proowner::regrole::name FROM pg_proc AS f
                    WHERE f.pronamespace = {{literal schema}}::regnamespace AND f.proname = follow_function);
BEGIN
    -- Of a hardened database, which then lets the functions write it.
    owner := coalesce({{schema}}.hardened() ->> 'owner', owner);
    IF owner <> current_user THEN
        EXECUTE format('ALTER TABLE {{literalBody schema}}.%I OWNER TO %I', period_table, owner);
    END IF;
END
{{dollar}};

-- Makes the periods of the next records of a table from history. Progress is kept
-- in the registry. Returns {records, done, total}; NULL where there are none to be
-- made. The last steps are those of period_finish().
CREATE FUNCTION {{schema}}.period_chunk(of_schema text, of_table text, chunk integer) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one     {{schema}}.chrononaut_period;
    source  text;
    keys    jsonb[];
    last    bigint;
    counted bigint;
BEGIN
    PERFORM {{schema}}.period_lock(of_schema, of_table);
    SELECT * INTO one FROM {{schema}}.chrononaut_period AS p WHERE p.table_schema = of_schema AND p.table_name = of_table FOR UPDATE;
    IF one.period_table IS NULL THEN
        RETURN NULL;
    END IF;
    IF one.built IS NULL THEN
        SELECT {{literal schema}} || '.' || quote_ident(p.keys_table) INTO source
          FROM {{schema}}.chrononaut_past AS p WHERE p.table_schema = of_schema AND p.table_name = of_table;
        EXECUTE format('SELECT array_agg(k.key), max(k.record), count(*)
                          FROM (SELECT k.key, k.record FROM %s AS k WHERE $1 IS NULL OR k.record > $1
                                 ORDER BY k.record FETCH FIRST %s ROWS WITH TIES) AS k', source, chunk)
           INTO keys, last, counted USING one.after_record;
        IF counted > 0 THEN
            EXECUTE format('SELECT {{literalBody schema}}.%I($1, false, $2)', one.fill_function) USING keys, one.boundary;
            UPDATE {{schema}}.chrononaut_period AS p SET after_record = last, records = p.records + counted
             WHERE p.table_schema = of_schema AND p.table_name = of_table
            RETURNING p.* INTO one;
        END IF;
    END IF;
    EXECUTE format('SELECT greatest(c.reltuples, 0) FROM pg_class AS c WHERE c.oid = to_regclass($1)') INTO counted USING source;
    RETURN jsonb_build_object('records', one.records, 'done', one.built IS NOT NULL OR keys IS NULL, 'total', coalesce(counted, 0));
END
{{dollar}};

-- Makes the periods of records that changed while the others were made, or that
-- could not be followed since, while nobody writes the table; from then on they
-- are complete. Returns how many records.
CREATE FUNCTION {{schema}}.period_finish(of_schema text, of_table text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one     {{schema}}.chrononaut_period;
    keys    jsonb[];
    doubted jsonb[];
BEGIN
    PERFORM {{schema}}.period_lock(of_schema, of_table);
    SELECT * INTO one FROM {{schema}}.chrononaut_period AS p WHERE p.table_schema = of_schema AND p.table_name = of_table FOR UPDATE;
    EXECUTE format('LOCK TABLE {{literalBody schema}}.%I IN SHARE ROW EXCLUSIVE MODE', one.period_table);
    WITH done AS (
        DELETE FROM {{schema}}.chrononaut_period_todo AS t WHERE t.table_schema = of_schema AND t.table_name = of_table RETURNING t.key
    )
    SELECT coalesce(array_agg(DISTINCT d.key), '{}') INTO keys FROM done AS d;
    -- Those that were not certain, or did not fit, may be so now.
    EXECUTE format('SELECT coalesce(array_agg(DISTINCT a.key), ''{}'')
                      FROM {{literalBody schema}}.%I AS p JOIN {{literalBody schema}}.chrononaut_activity AS a ON a.id = p.began_id
                     WHERE (p.unsure OR p.raw IS NOT NULL) AND p.began_id > $1', one.period_table) INTO doubted USING coalesce(one.built_to, 0);
    keys := keys || doubted;
    IF cardinality(keys) > 0 THEN
        EXECUTE format('SELECT {{literalBody schema}}.%I($1, true, 9223372036854775807)', one.fill_function) USING keys;
    END IF;
    UPDATE {{schema}}.chrononaut_period AS p
       SET built = clock_timestamp(), built_to = (SELECT max(a.id) FROM {{schema}}.chrononaut_activity AS a)
     WHERE p.table_schema = of_schema AND p.table_name = of_table;
    RETURN cardinality(keys);
END
{{dollar}};

-- How many records period_finish() would make again.
CREATE FUNCTION {{schema}}.period_open(of_schema text, of_table text) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    name  text;
    since bigint;
    found bigint;
BEGIN
    SELECT p.period_table, p.built_to INTO name, since
      FROM {{schema}}.chrononaut_period AS p WHERE p.table_schema = of_schema AND p.table_name = of_table;
    EXECUTE format('SELECT count(*) + (SELECT count(*) FROM {{literalBody schema}}.chrononaut_period_todo AS t WHERE t.table_schema = $1 AND t.table_name = $2)
                      FROM {{literalBody schema}}.%I AS p WHERE (p.unsure OR p.raw IS NOT NULL) AND p.began_id > $3', name)
       INTO found USING of_schema, of_table, coalesce(since, 0);
    RETURN found;
END
{{dollar}};

-- Erased history: nothing of it stays in the periods. What is left of a record has
-- its periods made again.
CREATE FUNCTION {{schema}}.period_erased() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT p.table_schema, p.table_name, p.fill_function, p.built IS NOT NULL AS complete,
               array_remove(array_agg(DISTINCT e.key) || array_agg(DISTINCT e.previous_key), NULL) AS keys
          FROM erased AS e
          JOIN {{schema}}.chrononaut_period AS p ON p.table_schema = e.table_schema AND p.table_name = e.table_name
         WHERE e.key <> '{}'
         GROUP BY p.table_schema, p.table_name
         ORDER BY p.table_schema, p.table_name
    LOOP
        PERFORM {{schema}}.period_lock(part.table_schema, part.table_name);
        EXECUTE format('SELECT {{literalBody schema}}.%I($1, true, $2)', part.fill_function)
          USING part.keys, CASE WHEN part.complete THEN 9223372036854775807 ELSE 0 END;
        DELETE FROM {{schema}}.chrononaut_period_todo AS t
         WHERE t.table_schema = part.table_schema AND t.table_name = part.table_name AND t.key = ANY (part.keys);
        IF NOT part.complete THEN
            INSERT INTO {{schema}}.chrononaut_period_todo (table_schema, table_name, key)
            SELECT part.table_schema, part.table_name, k.key
              FROM unnest(part.keys) AS k (key)
             WHERE {{schema}}.last_version(part.table_schema, part.table_name, k.key) IS NOT NULL;
        END IF;
    END LOOP;
    RETURN NULL;
END
{{dollar}};

CREATE TRIGGER chrononaut_period_erased
    AFTER DELETE ON {{schema}}.chrononaut_activity
    REFERENCING OLD TABLE AS erased
    FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.period_erased();
ALTER TABLE {{schema}}.chrononaut_activity ENABLE ALWAYS TRIGGER chrononaut_period_erased;

-- Like those of the migration before, these are names.
GRANT SELECT ON {{schema}}.chrononaut_period TO PUBLIC;

REVOKE EXECUTE ON FUNCTION {{schema}}.period_gap(text, text, jsonb, bigint, integer), {{schema}}.period_erased() FROM PUBLIC;
