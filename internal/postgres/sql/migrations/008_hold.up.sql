-- Holds: records that nobody changes until they are released.
--
-- What is held is said by scopes: a row is held when its columns have the values
-- of a scope's match. {"id": 5} is a record, {"order_id": 5} are the rows that
-- refer to one, {} is a whole table. A write looks in the index once for each set
-- of columns that the scopes of its table have, its shapes, however many records
-- are held.

-- Every hold that was ever placed. change is the row of history that says so, and
-- requested and released are {actor, database_user, at, rationale, change}.
CREATE TABLE {{schema}}.chrononaut_hold (
    id             bigserial   PRIMARY KEY,
    table_schema   text        NOT NULL,
    table_name     text        NOT NULL,
    keys           jsonb, -- of the records; NULL: the whole table
    children       jsonb       NOT NULL DEFAULT '[]',
    allow_insert   boolean     NOT NULL DEFAULT false,
    two_people     boolean     NOT NULL DEFAULT false,
    reason         text        NOT NULL,
    user_info      jsonb       NOT NULL,
    database_user  text        NOT NULL DEFAULT session_user,
    placed         timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    transaction_id xid8        NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    change         bigint      NOT NULL,
    requested      jsonb,
    released       jsonb
);

COMMENT ON TABLE {{schema}}.chrononaut_hold IS
    'The holds on records and tables. Written by hold() and release(), changed by nobody.';

CREATE INDEX chrononaut_hold_table ON {{schema}}.chrononaut_hold (table_schema, table_name, id);

-- What is held now: the scopes of holds that are not released. Of a record, versions
-- are those under which history has it with the key, if not all; past is a key that
-- it had before, which others may have by now.
CREATE TABLE {{schema}}.chrononaut_hold_scope (
    hold_id      bigint    NOT NULL REFERENCES {{schema}}.chrononaut_hold,
    table_schema text      NOT NULL,
    table_name   text      NOT NULL,
    match        jsonb     NOT NULL,
    record_hash  bigint    NOT NULL, -- of the table and the match
    allow_insert boolean   NOT NULL DEFAULT false,
    past         boolean   NOT NULL DEFAULT false,
    versions     int4range
);

CREATE INDEX chrononaut_hold_scope_record ON {{schema}}.chrononaut_hold_scope (record_hash, hold_id);
CREATE INDEX chrononaut_hold_scope_table ON {{schema}}.chrononaut_hold_scope (table_schema, table_name, hold_id);
CREATE INDEX chrononaut_hold_scope_hold ON {{schema}}.chrononaut_hold_scope (hold_id);

-- The sets of columns of the scopes of a table, those of former holds too.
CREATE TABLE {{schema}}.chrononaut_hold_shape (
    table_schema text   NOT NULL,
    table_name   text   NOT NULL,
    columns      text[] NOT NULL,
    PRIMARY KEY (table_schema, table_name, columns)
);

-- ---------------------------------------------------------------- refusing --

-- A message ends with who, since when, why and the number of the hold, texts as
-- JSON, from which clients read them.
CREATE FUNCTION {{schema}}.raise_held(of_hold bigint, of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    h record;
BEGIN
    SELECT o.keys IS NULL AND o.table_schema = of_schema AND o.table_name = of_table AS whole,
           coalesce(o.user_info ->> 'user_id', o.database_user) AS actor, o.placed, o.reason, o.two_people
      INTO h FROM {{schema}}.chrononaut_hold AS o WHERE o.id = of_hold;
    RAISE EXCEPTION USING ERRCODE = 'TM016',
        MESSAGE = format('%s %I.%I is held by %s since %s: %s (hold %s)', CASE WHEN h.whole THEN 'table' ELSE 'a record of table' END,
                         of_schema, of_table, to_json(h.actor), {{schema}}.iso_time(h.placed), to_json(h.reason), of_hold),
        HINT = format('It can be changed again once the hold is released%s: chrononaut release %s.',
                      CASE WHEN h.two_people THEN ' by two people' ELSE '' END, of_hold);
END
{{dollar}};

-- Both states of a row count: what is held does not change, and nothing moves into
-- a hold. A column by which rows are held and that has another name by now would let
-- all of them go: then none is written. The plan may have been made while
-- there were few: no other way than the index of matches offers itself.
CREATE FUNCTION {{schema}}.guard_hold(of_schema text, of_table text, operation text, old_row jsonb, new_row jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS {{dollar}}
DECLARE
    salt   bigint := hashtextextended(of_schema || '.' || of_table, 0);
    shape  text[];
    state  jsonb;
    wanted jsonb;
    asked  jsonb;
    of_hold bigint;
BEGIN
    FOR shape IN SELECT s.columns FROM {{schema}}.chrononaut_hold_shape AS s
                  WHERE s.table_schema = of_schema AND s.table_name = of_table LOOP
        asked := NULL;
        FOREACH state IN ARRAY ARRAY[old_row, new_row] LOOP
            CONTINUE WHEN state IS NULL;
            IF NOT state ?& shape THEN
                SELECT s.hold_id INTO of_hold FROM {{schema}}.chrononaut_hold_scope AS s
                 WHERE s.table_schema = of_schema AND s.table_name = of_table AND NOT s.past AND s.match ?& shape
                 ORDER BY s.hold_id LIMIT 1;
                IF FOUND THEN
                    PERFORM {{schema}}.raise_held(of_hold, of_schema, of_table);
                END IF;
                CONTINUE;
            END IF;
            SELECT coalesce(jsonb_object_agg(c, state -> c), '{}') INTO wanted FROM unnest(shape) AS c;
            CONTINUE WHEN wanted = asked;
            asked := wanted;
            SELECT s.hold_id INTO of_hold
              FROM {{schema}}.chrononaut_hold_scope AS s
             WHERE s.record_hash = jsonb_hash_extended(wanted, salt)
               AND s.match = wanted AND s.table_name || '' = of_table AND s.table_schema || '' = of_schema
               AND NOT s.past AND NOT (s.allow_insert AND operation = 'INSERT')
             ORDER BY s.hold_id + 0 LIMIT 1;
            IF FOUND THEN
                PERFORM {{schema}}.raise_held(of_hold, of_schema, of_table);
            END IF;
        END LOOP;
    END LOOP;
END
{{dollar}};

CREATE FUNCTION {{schema}}.guard_hold_truncate(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    of_hold bigint;
BEGIN
    SELECT s.hold_id INTO of_hold FROM {{schema}}.chrononaut_hold_scope AS s
     WHERE s.table_schema = of_schema AND s.table_name = of_table AND NOT s.past
     ORDER BY s.hold_id LIMIT 1;
    IF FOUND THEN
        PERFORM {{schema}}.raise_held(of_hold, of_schema, of_table);
    END IF;
END
{{dollar}};

-- Which hold keeps the state of a record under a version in history, of those that
-- a table has now; NULL if none does.
CREATE FUNCTION {{schema}}.history_held(of_schema text, of_table text, state jsonb, of_version integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
AS {{dollar}}
    SELECT s.hold_id
      FROM {{schema}}.chrononaut_hold_shape AS h
     CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(c, state -> c), '{}') AS match FROM unnest(h.columns) AS c) AS w
      JOIN {{schema}}.chrononaut_hold_scope AS s
        ON s.record_hash = jsonb_hash_extended(w.match, hashtextextended(of_schema || '.' || of_table, 0))
       AND s.match = w.match AND s.table_name || '' = of_table AND s.table_schema || '' = of_schema
     WHERE h.table_schema = of_schema AND h.table_name = of_table
       AND (s.versions IS NULL OR s.versions @> of_version)
     ORDER BY s.hold_id + 0 LIMIT 1
{{dollar}};

-- History of what is held stays, whoever deletes it: under the present names of the
-- table and under older ones. So do the rows that say what was held.
CREATE FUNCTION {{schema}}.refuse_held() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one record;
    of_hold bigint;
BEGIN
    IF OLD.operation IN ('hold', 'release_request', 'release') THEN
        RAISE EXCEPTION USING ERRCODE = 'TM004', MESSAGE = 'history is append-only: what was held, and who released it, stays';
    END IF;
    IF pg_sequence_last_value({{literal (print schema ".chrononaut_guarded")}}) = 0 OR OLD.key = '{}' THEN
        RETURN OLD;
    END IF;
    FOR one IN
        SELECT OLD.table_schema AS table_schema, OLD.table_name AS table_name, OLD.data || OLD.key AS state
         WHERE OLD.table_schema IS NOT NULL
        UNION ALL
        SELECT t.table_schema, t.table_name, {{schema}}.renamed_data(OLD.data || OLD.key, r -> 'columns')
          FROM {{schema}}.chrononaut_table AS t, jsonb_array_elements(t.options -> 'renames') AS r
         WHERE r ->> 'schema' = OLD.table_schema AND r ->> 'name' = OLD.table_name
           AND OLD.id > (r ->> 'after')::bigint AND OLD.id <= (r ->> 'up_to')::bigint
        UNION ALL
        SELECT t.table_schema, t.table_name, {{schema}}.python_native_key(OLD.data || OLD.key, r)
          FROM {{schema}}.chrononaut_table AS t, jsonb_array_elements(t.options -> 'python') AS r
         WHERE OLD.table_schema IS NULL AND r ->> 'name' = OLD.table_name
    LOOP
        of_hold := {{schema}}.history_held(one.table_schema, one.table_name, one.state, OLD.version);
        IF of_hold IS NOT NULL THEN
            PERFORM {{schema}}.raise_held(of_hold, one.table_schema, one.table_name);
        END IF;
    END LOOP;
    RETURN OLD;
END
{{dollar}};

-- A table with holds stays tracked, and its columns and itself keep their names.
CREATE FUNCTION {{schema}}.refuse_held_table() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.table_schema = OLD.table_schema AND NEW.table_name = OLD.table_name
       AND NEW.options -> 'renames' IS NOT DISTINCT FROM OLD.options -> 'renames'
       AND (NEW.tracked AND NOT NEW.options @> '{"no_history": true}' OR NOT OLD.tracked) THEN
        RETURN NEW;
    END IF;
    PERFORM {{schema}}.guard_hold_truncate(OLD.table_schema, OLD.table_name);
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
{{dollar}};

-- Where event triggers can be had, which takes a superuser, statements that would get
-- around a hold fail at once: those that drop a table with holds, a column of it or
-- one of the triggers, give it or a column by which it is held another name, disable
-- a trigger, rename it or put another in its place, or rewrite the values of a column. Otherwise check finds out.
CREATE FUNCTION {{schema}}.refuse_held_drop() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT DISTINCT s.table_schema, s.table_name
          FROM pg_event_trigger_dropped_objects() AS d
          JOIN {{schema}}.chrononaut_hold_scope AS s ON s.table_schema = d.address_names[1] AND s.table_name = d.address_names[2]
         WHERE d.object_type IN ('table', 'table column')
            OR d.object_type = 'trigger' AND d.address_names[3] IN (
               '000_chrononaut_capture', '000_chrononaut_capture_insert', '000_chrononaut_capture_update', '000_chrononaut_capture_delete',
               '000_chrononaut_capture_partition', '000_chrononaut_truncate', 'zzzz_chrononaut_version')
    LOOP
        PERFORM {{schema}}.guard_hold_truncate(one.table_schema, one.table_name);
    END LOOP;
END
{{dollar}};

CREATE FUNCTION {{schema}}.refuse_held_alter() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one record;
BEGIN
    IF NOT EXISTS (SELECT FROM {{schema}}.chrononaut_hold_scope) THEN
        RETURN;
    END IF;
    FOR one IN
        WITH held AS (
            SELECT DISTINCT s.table_schema, s.table_name, to_regclass(quote_ident(s.table_schema) || '.' || quote_ident(s.table_name)) AS relation
              FROM {{schema}}.chrononaut_hold_scope AS s
        )
        -- The table has another name: the one that the statement is about is where it was.
        SELECT h.table_schema, h.table_name FROM held AS h
         WHERE h.relation IS NULL
           AND EXISTS (SELECT FROM pg_event_trigger_ddl_commands() AS c
                         JOIN pg_trigger AS t ON t.tgrelid = c.objid AND t.tgname = '000_chrononaut_capture'
                        WHERE c.classid = 'pg_class'::regclass
                       UNION ALL
                       SELECT FROM pg_event_trigger_ddl_commands() AS c WHERE c.classid = 'pg_namespace'::regclass)
        UNION ALL
        -- A column has.
        SELECT h.table_schema, h.table_name
          FROM held AS h
          JOIN pg_event_trigger_ddl_commands() AS c ON c.objid = h.relation
          JOIN {{schema}}.chrononaut_hold_shape AS f ON f.table_schema = h.table_schema AND f.table_name = h.table_name
         CROSS JOIN unnest(f.columns) AS name
         WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = h.relation AND a.attname = name AND NOT a.attisdropped)
           AND EXISTS (SELECT FROM {{schema}}.chrononaut_hold_scope AS s
                        WHERE s.table_schema = h.table_schema AND s.table_name = h.table_name AND s.match ?& f.columns)
        UNION ALL
        -- This transaction has disabled a trigger: only it sees what it has written. A
        -- trigger of statements that has just been made fires already.
        SELECT h.table_schema, h.table_name
          FROM held AS h
         CROSS JOIN LATERAL (SELECT h.relation AS oid UNION ALL SELECT p.relid FROM pg_partition_tree(h.relation) AS p WHERE p.relid <> h.relation) AS r
          JOIN pg_trigger AS t ON t.tgrelid = r.oid
         WHERE CASE WHEN t.tgname IN ('000_chrononaut_capture', '000_chrononaut_truncate') THEN t.tgenabled <> 'A'
                    WHEN t.tgname IN ('000_chrononaut_capture_insert', '000_chrononaut_capture_update', '000_chrononaut_capture_delete', '000_chrononaut_capture_partition')
                    THEN t.tgenabled <> 'O'
                    ELSE false END
           AND {{schema}}.in_progress(t.xmin) AND NOT {{schema}}.captures(r.oid)
        UNION ALL
        -- A trigger has another name, or is not the one that it was. Those of a table are
        -- made one by one, so that a new one alone says nothing of the others.
        SELECT h.table_schema, h.table_name
          FROM held AS h
         CROSS JOIN LATERAL (SELECT h.relation AS oid UNION ALL SELECT p.relid FROM pg_partition_tree(h.relation) AS p WHERE p.relid <> h.relation) AS r
          JOIN pg_trigger AS t ON t.tgrelid = r.oid
          JOIN pg_proc AS f ON f.oid = t.tgfoid
          JOIN pg_event_trigger_ddl_commands() AS c ON c.classid = 'pg_trigger'::regclass
         WHERE {{schema}}.in_progress(t.xmin)
           AND (c.command_tag = 'ALTER TRIGGER' AND NOT {{schema}}.captures(r.oid)
                -- The events are bits: insert 4, delete 8, update 16, truncate 32.
                OR EXISTS (SELECT FROM (VALUES ('000_chrononaut_capture', 28), ('000_chrononaut_capture_partition', 28), ('000_chrononaut_truncate', 32),
                                               ('000_chrononaut_capture_insert', 4), ('000_chrononaut_capture_delete', 8), ('000_chrononaut_capture_update', 16)) AS e (name, events)
                            WHERE e.name = t.tgname
                              AND (f.pronamespace <> {{literal schema}}::regnamespace OR t.tgattr::text <> '' OR t.tgtype & e.events <> e.events
                                   OR CASE WHEN t.tgname = '000_chrononaut_capture_partition' THEN pg_get_triggerdef(t.oid) NOT LIKE '% WHEN ((pg_partition_root(%) IS NOT NULL)) %'
                                           ELSE t.tgqual IS NOT NULL END)))
    LOOP
        PERFORM {{schema}}.guard_hold_truncate(one.table_schema, one.table_name);
    END LOOP;
END
{{dollar}};

CREATE FUNCTION {{schema}}.refuse_held_rewrite() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one record;
BEGIN
    -- 4: a column gets another type.
    IF pg_event_trigger_table_rewrite_reason() & 4 <> 0 THEN
        SELECT n.nspname::text AS table_schema, c.relname::text AS table_name INTO one
          FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.oid = coalesce(pg_partition_root(pg_event_trigger_table_rewrite_oid()), pg_event_trigger_table_rewrite_oid());
        PERFORM {{schema}}.guard_hold_truncate(one.table_schema, one.table_name);
    END IF;
END
{{dollar}};

-- Made with the first hold, so that other databases have none: a dump of them needs a
-- superuser to restore it without an error.
CREATE FUNCTION {{schema}}.make_hold_triggers() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES ({{literal (beside "_held_drop")}}, 'sql_drop', 'refuse_held_drop'),
                                     ({{literal (beside "_held_alter")}}, 'ddl_command_end WHEN TAG IN (''ALTER TABLE'', ''ALTER SCHEMA'', ''ALTER TRIGGER'', ''CREATE TRIGGER'')', 'refuse_held_alter'),
                                     ({{literal (beside "_held_rewrite")}}, 'table_rewrite', 'refuse_held_rewrite')) AS v (name, event, function)
                WHERE NOT EXISTS (SELECT FROM pg_event_trigger AS e WHERE e.evtname = v.name) LOOP
        EXECUTE format('CREATE EVENT TRIGGER %I ON %s EXECUTE FUNCTION %s.%I()', one.name, one.event, {{literal schema}}, one.function);
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN
        NULL; -- without them, check finds what they would have refused
    WHEN unique_violation OR duplicate_object THEN
        NULL; -- another first hold, of the same moment, has made them all
END
{{dollar}};

-- Holds are written together with the row of history that says so, in one
-- transaction, and end only by being released.
CREATE FUNCTION {{schema}}.refuse_hold_write() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF TG_OP = 'INSERT' AND TG_TABLE_NAME = 'chrononaut_hold' THEN
        IF EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                    WHERE a.id = NEW.change AND a.operation = 'hold' AND a.transaction_id = pg_current_xact_id()
                      AND a.data -> 'hold' = to_jsonb(NEW.id)) THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'chrononaut_hold' THEN
        IF to_jsonb(NEW) - '{requested,released}'::text[] = to_jsonb(OLD) - '{requested,released}'::text[]
           AND OLD.released IS NULL
           AND EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                        WHERE a.id = (coalesce(NEW.released, NEW.requested) ->> 'change')::bigint
                          AND a.operation = CASE WHEN NEW.released IS NULL THEN 'release_request' ELSE 'release' END
                          AND a.transaction_id = pg_current_xact_id() AND a.data -> 'hold' = to_jsonb(NEW.id)) THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'INSERT' AND TG_TABLE_NAME = 'chrononaut_hold_scope' THEN
        IF EXISTS (SELECT FROM {{schema}}.chrononaut_hold AS h WHERE h.id = NEW.hold_id AND h.transaction_id = pg_current_xact_id()) THEN
            RETURN NEW;
        END IF;
    ELSIF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'chrononaut_hold_scope' THEN
        IF EXISTS (SELECT FROM {{schema}}.chrononaut_hold AS h WHERE h.id = OLD.hold_id AND h.released IS NOT NULL) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'TM004', MESSAGE = format('%s of %I.%I is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME),
        HINT = {{literal (print "Holds are placed and released by the functions " schema ".hold() and " schema ".release().")}};
END
{{dollar}};

-- Makes the triggers over holds, enabled always, and sets the bits of the tables that
-- are held: also what a restore or somebody's hand has left out. A shape too many
-- finds nothing, one too few would: only that is refused.
CREATE FUNCTION {{schema}}.arm_holds() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM (VALUES ('chrononaut_activity', 'chrononaut_held', 'DELETE', 'refuse_held'),
                                     ('chrononaut_table', 'chrononaut_held', 'UPDATE OR DELETE', 'refuse_held_table'),
                                     ('chrononaut_hold', 'chrononaut_hold_written', 'INSERT OR UPDATE OR DELETE', 'refuse_hold_write'),
                                     ('chrononaut_hold', 'chrononaut_hold_truncated', 'TRUNCATE', 'refuse_hold_write'),
                                     ('chrononaut_hold_scope', 'chrononaut_hold_written', 'INSERT OR UPDATE OR DELETE', 'refuse_hold_write'),
                                     ('chrononaut_hold_scope', 'chrononaut_hold_truncated', 'TRUNCATE', 'refuse_hold_write'),
                                     ('chrononaut_hold_shape', 'chrononaut_hold_written', 'UPDATE OR DELETE', 'refuse_hold_write'),
                                     ('chrononaut_hold_shape', 'chrononaut_hold_truncated', 'TRUNCATE', 'refuse_hold_write')) AS v (relation, name, event, function)
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %2$I BEFORE %3$s ON %1$s.%4$I FOR EACH %5$s EXECUTE FUNCTION %1$s.%6$I()',
                       {{literal schema}}, one.name, one.event, one.relation, CASE one.event WHEN 'TRUNCATE' THEN 'STATEMENT' ELSE 'ROW' END, one.function);
        EXECUTE format('ALTER TABLE %s.%I ENABLE ALWAYS TRIGGER %I', {{literal schema}}, one.relation, one.name);
    END LOOP;
    FOR one IN SELECT DISTINCT s.table_schema, s.table_name FROM {{schema}}.chrononaut_hold_scope AS s LOOP
        PERFORM {{schema}}.guard(one.table_schema, one.table_name);
    END LOOP;
END
{{dollar}};

SELECT {{schema}}.arm_holds();

-- ----------------------------------------------------------------- placing --

-- What a client gets to know of a hold.
CREATE FUNCTION {{schema}}.hold_document(h {{schema}}.chrononaut_hold) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT jsonb_build_object('id', h.id, 'schema', h.table_schema, 'table', h.table_name, 'keys', h.keys, 'children', h.children,
        'allow_insert', h.allow_insert, 'two_people', h.two_people, 'reason', h.reason, 'actor', h.user_info ->> 'user_id',
        'database_user', h.database_user, 'placed', {{schema}}.iso_time(h.placed), 'requested', h.requested, 'released', h.released)
{{dollar}};

-- The table, which has to be one whose writes are captured: the triggers are what
-- refuses them.
CREATE FUNCTION {{schema}}.holdable(of_schema text, of_table text) RETURNS oid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    relation oid := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
BEGIN
    IF NOT {{schema}}.captures(relation)
       OR NOT EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t WHERE t.table_schema = of_schema AND t.table_name = of_table AND t.tracked)
    THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020',
            MESSAGE = format('table %I.%I cannot be held: it is not tracked, or its triggers are not enabled', of_schema, of_table),
            HINT = 'Run chrononaut track on it.';
    END IF;
    RETURN relation;
END
{{dollar}};

-- Relations with the names of their tables and columns, as {schema, table, columns:
-- {column of the child: column of the parent}, children}. Without columns they are
-- those of the only foreign key.
CREATE FUNCTION {{schema}}.hold_relations(of_schema text, of_table text, relations jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    parent  oid := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
    child   oid;
    r       jsonb;
    columns jsonb;
    keys    bigint;
    pair    record;
    result  jsonb := '[]';
BEGIN
    IF coalesce(jsonb_typeof(relations), 'null') = 'null' THEN
        RETURN result;
    END IF;
    FOR r IN SELECT e FROM jsonb_array_elements(relations) AS e LOOP
        child := {{schema}}.holdable(r ->> 'schema', r ->> 'table');
        columns := r -> 'columns';
        IF coalesce(jsonb_typeof(columns), 'null') = 'null' THEN
            SELECT count(*), jsonb_agg((SELECT jsonb_object_agg(f.attname, t.attname)
                                          FROM unnest(c.conkey, c.confkey) AS k (of_child, of_parent)
                                          JOIN pg_attribute AS f ON f.attrelid = child AND f.attnum = k.of_child
                                          JOIN pg_attribute AS t ON t.attrelid = parent AND t.attnum = k.of_parent)) -> 0
              INTO keys, columns
              FROM pg_constraint AS c WHERE c.contype = 'f' AND c.conrelid = child AND c.confrelid = parent AND c.conparentid = 0;
            IF keys <> 1 THEN
                RAISE EXCEPTION USING ERRCODE = 'TM020',
                    MESSAGE = format('table %I.%I has %s foreign keys that refer to %I.%I', r ->> 'schema', r ->> 'table', keys, of_schema, of_table),
                    HINT = 'Say which columns of the child have the values of which of the parent.';
            END IF;
        END IF;
        FOR pair IN
            SELECT c.key AS of_child, c.value AS of_parent, f.atttypid, f.attcollation, p.attnum AS known
              FROM jsonb_each_text(columns) AS c
              LEFT JOIN pg_attribute AS f ON f.attrelid = child AND f.attname = c.key AND f.attnum > 0 AND NOT f.attisdropped AND f.attgenerated <> 'v'
              LEFT JOIN pg_attribute AS p ON p.attrelid = parent AND p.attname = c.value AND p.attnum > 0 AND NOT p.attisdropped AND p.attgenerated <> 'v'
        LOOP
            IF pair.atttypid IS NULL OR pair.known IS NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'TM020',
                    MESSAGE = format('the columns by which %I.%I refers to %I.%I are not there', r ->> 'schema', r ->> 'table', of_schema, of_table);
            END IF;
            -- Values that are equal have to be equal as JSON.
            IF {{schema}}.column_form(pair.atttypid) NOT IN ('plain', 'float')
               OR {{schema}}.base_type(pair.atttypid) = 'interval'::regtype
               OR EXISTS (SELECT FROM pg_type AS t WHERE t.oid = {{schema}}.base_type(pair.atttypid) AND t.typtype = 'b' AND t.typnamespace <> 'pg_catalog'::regnamespace)
               OR EXISTS (SELECT FROM pg_collation AS c WHERE c.oid = pair.attcollation AND NOT c.collisdeterministic)
            THEN
                RAISE EXCEPTION USING ERRCODE = 'TM020',
                    MESSAGE = format('rows of %I.%I cannot be held by the column %I: its type has equal values that look different', r ->> 'schema', r ->> 'table', pair.of_child);
            END IF;
        END LOOP;
        IF columns = '{}' THEN
            RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = format('the relation to %I.%I has no columns', r ->> 'schema', r ->> 'table');
        END IF;
        result := result || jsonb_build_object('schema', r ->> 'schema', 'table', r ->> 'table', 'columns', columns,
            'children', {{schema}}.hold_relations(r ->> 'schema', r ->> 'table', r -> 'children'));
    END LOOP;
    RETURN result;
END
{{dollar}};

-- The columns of a table by which the rows of relations refer to it.
CREATE FUNCTION {{schema}}.hold_referred(relations jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT ARRAY(SELECT DISTINCT c.value FROM jsonb_array_elements(relations) AS r, jsonb_each_text(r -> 'columns') AS c ORDER BY 1)
{{dollar}};

-- Locks the rows with the keys, one after the other, and returns those columns of
-- them that are wanted, and the keys that have no row.
CREATE FUNCTION {{schema}}.hold_rows(relation oid, keys jsonb, wanted text[], locked boolean, OUT rows jsonb, OUT missing jsonb)
    LANGUAGE plpgsql
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    statement text;
    one       record;
    found     jsonb[] := '{}';
    seen      bigint[] := '{}';
BEGIN
    -- In the order of the primary key, as whoever locks many rows takes them.
    SELECT format('SELECT k.n, %s AS state FROM pg_catalog.jsonb_array_elements($1) WITH ORDINALITY AS k (key, n) JOIN %s AS t ON %s ORDER BY %s',
                  coalesce((SELECT 'pg_catalog.jsonb_build_object(' || string_agg(format('%L, pg_catalog.to_jsonb(t.%I)', c, c), ', ') || ')' FROM unnest(wanted) AS c), '''{}''::pg_catalog.jsonb'),
                  relation::regclass,
                  {{schema}}.key_match_sql(relation, 'k.key'),
                  string_agg(format('t.%I', a.attname), ', ' ORDER BY k.position))
           || CASE WHEN locked THEN ' FOR NO KEY UPDATE OF t' ELSE '' END
      INTO statement
      FROM pg_index AS i,
           LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
      JOIN pg_attribute AS a ON a.attnum = k.attnum
     WHERE i.indrelid = relation AND i.indisprimary AND a.attrelid = relation AND k.position <= i.indnkeyatts;
    FOR one IN EXECUTE statement USING keys LOOP
        found := found || one.state;
        seen := seen || one.n;
    END LOOP;
    rows := to_jsonb(found);
    SELECT coalesce(jsonb_agg(k.key ORDER BY k.n), '[]') INTO missing
      FROM jsonb_array_elements(keys) WITH ORDINALITY AS k (key, n)
     WHERE k.n <> ALL (seen);
END
{{dollar}};

-- The version at which the record got the key that has it last, below a version; NULL
-- when it always had it.
CREATE FUNCTION {{schema}}.key_since(of_schema text, of_table text, of_key jsonb, below integer) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    RETURN greatest(
        (SELECT max(a.version) FROM {{schema}}.chrononaut_activity AS a
          WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                = jsonb_hash_extended(of_key, hashtextextended(of_schema || '.' || of_table, 0))
            AND a.key = of_key AND a.table_name || '' = of_table AND a.table_schema || '' = of_schema
            AND a.previous_key IS NOT NULL AND (below IS NULL OR a.version < below)),
        (SELECT max(a.version) FROM {{schema}}.chrononaut_activity AS a
          WHERE jsonb_hash_extended(a.previous_key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                = jsonb_hash_extended(of_key, hashtextextended(of_schema || '.' || of_table, 0))
            AND a.previous_key = of_key AND a.table_name || '' = of_table AND a.table_schema || '' = of_schema
            AND a.previous_key IS NOT NULL AND (below IS NULL OR a.version < below)));
END
{{dollar}};

-- The key of a record, and those that it had before, each with the versions of its
-- changes. The versions of a key only grow, so that the changes that gave a key to a
-- record, and those that took it away, cut its history into pieces.
CREATE FUNCTION {{schema}}.keys_of_life(of_schema text, of_table text, of_key jsonb) RETURNS TABLE (key jsonb, past boolean, versions int4range)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
#variable_conflict use_column
DECLARE
    first integer;
    until integer;
BEGIN
    LOOP
        first := {{schema}}.key_since(of_schema, of_table, of_key, until);
        RETURN QUERY SELECT of_key, until IS NOT NULL, int4range(first, until);
        EXIT WHEN first IS NULL;
        SELECT a.previous_key INTO of_key
          FROM {{schema}}.chrononaut_activity AS a
         WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
               = jsonb_hash_extended(of_key, hashtextextended(of_schema || '.' || of_table, 0))
           AND a.key = of_key AND a.table_name || '' = of_table AND a.table_schema || '' = of_schema
           AND a.previous_key IS NOT NULL AND a.version = first
         LIMIT 1;
        EXIT WHEN NOT FOUND;
        until := first;
    END LOOP;
END
{{dollar}};

-- Scopes of a hold: one for each match.
CREATE FUNCTION {{schema}}.add_shapes(of_schema text, of_table text, matches jsonb) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    INSERT INTO {{schema}}.chrononaut_hold_shape AS s (table_schema, table_name, columns)
    SELECT DISTINCT of_schema, of_table, ARRAY(SELECT c FROM jsonb_object_keys(m) AS c ORDER BY c) FROM jsonb_array_elements(matches) AS m
    ON CONFLICT DO NOTHING
{{dollar}};

CREATE FUNCTION {{schema}}.add_scopes(of_hold bigint, of_schema text, of_table text, matches jsonb, inserts boolean DEFAULT false) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT {{schema}}.add_shapes(of_schema, of_table, matches);
    INSERT INTO {{schema}}.chrononaut_hold_scope (hold_id, table_schema, table_name, match, record_hash, allow_insert)
    SELECT of_hold, of_schema, of_table, m, jsonb_hash_extended(m, hashtextextended(of_schema || '.' || of_table, 0)), inserts
      FROM jsonb_array_elements(matches) AS m
{{dollar}};

-- The same for records, with the keys that they had before.
CREATE FUNCTION {{schema}}.add_record_scopes(of_hold bigint, of_schema text, of_table text, keys jsonb) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT {{schema}}.add_shapes(of_schema, of_table, keys);
    INSERT INTO {{schema}}.chrononaut_hold_scope (hold_id, table_schema, table_name, match, record_hash, past, versions)
    SELECT of_hold, of_schema, of_table, l.key, jsonb_hash_extended(l.key, hashtextextended(of_schema || '.' || of_table, 0)), l.past, l.versions
      FROM jsonb_array_elements(keys) AS k
     CROSS JOIN LATERAL {{schema}}.keys_of_life(of_schema, of_table, k) AS l
{{dollar}};

-- Holds the rows that refer to rows which are held. Rows that are being inserted
-- cannot be locked, so the table is.
CREATE FUNCTION {{schema}}.hold_children(of_hold bigint, parents jsonb, relations jsonb) RETURNS void
    LANGUAGE plpgsql
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    r        jsonb;
    child    oid;
    match    text;
    on_match text;
    matches  jsonb;
    keys     jsonb;
    rows     jsonb;
BEGIN
    FOR r IN SELECT e FROM jsonb_array_elements(relations) AS e LOOP
        PERFORM {{schema}}.guard(r ->> 'schema', r ->> 'table');
        child := {{schema}}.holdable(r ->> 'schema', r ->> 'table');
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', child::regclass);
        SELECT string_agg(format('%L, pg_catalog.to_jsonb((p ->> %L)::%s)', c.key, c.value, format_type(a.atttypid, a.atttypmod)), ', '),
               string_agg(format('t.%I = (m ->> %L)::%s', c.key, c.key, format_type(a.atttypid, a.atttypmod)), ' AND ')
          INTO match, on_match
          FROM jsonb_each_text(r -> 'columns') AS c
          JOIN pg_attribute AS a ON a.attrelid = child AND a.attname = c.key;
        EXECUTE format('SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT s.m), ''[]'')
                          FROM (SELECT pg_catalog.jsonb_build_object(%s) AS m FROM pg_catalog.jsonb_array_elements($1) AS p) AS s
                         WHERE s.m = pg_catalog.jsonb_strip_nulls(s.m)', match) INTO matches USING parents;
        PERFORM {{schema}}.add_scopes(of_hold, r ->> 'schema', r ->> 'table', matches);
        EXECUTE format('SELECT coalesce(pg_catalog.jsonb_agg(s.key), ''[]''), coalesce(pg_catalog.jsonb_agg(s.key || s.referred), ''[]'')
                          FROM (SELECT %s AS key, %s AS referred FROM pg_catalog.jsonb_array_elements($1) AS m JOIN %s AS t ON %s) AS s',
                       {{schema}}.key_sql(child, 't'),
                       coalesce((SELECT 'pg_catalog.jsonb_build_object(' || string_agg(format('%L, pg_catalog.to_jsonb(t.%I)', c, c), ', ') || ')'
                                   FROM unnest({{schema}}.hold_referred(r -> 'children')) AS c), '''{}''::pg_catalog.jsonb'),
                       child::regclass, on_match) INTO keys, rows USING matches;
        PERFORM {{schema}}.add_record_scopes(of_hold, r ->> 'schema', r ->> 'table', keys);
        PERFORM {{schema}}.hold_children(of_hold, rows, r -> 'children');
    END LOOP;
END
{{dollar}};

-- Records that something was held or released: the row of history is the proof of
-- it. Returns its id.
CREATE FUNCTION {{schema}}.note_hold(of_hold bigint, of_schema text, of_table text, what text, why text, details jsonb) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    context jsonb;
    change  bigint;
BEGIN
    BEGIN
        context := nullif(current_setting('chrononaut.context', true), '')::jsonb;
    EXCEPTION WHEN data_exception THEN
        PERFORM {{schema}}.context_error();
    END;
    INSERT INTO {{schema}}.chrononaut_activity (table_schema, table_name, version, operation, data, user_info, extra_info)
    VALUES (of_schema, of_table, 0, what, jsonb_build_object('hold', of_hold) || details,
            '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
            coalesce(context -> 'extra_info', '{}') || jsonb_build_object('rationale', why))
    RETURNING id INTO change;
    RETURN change;
END
{{dollar}};

-- Holds records, those with the keys (a JSON array of objects), or a whole table, and
-- returns the hold. Options: allow_insert (of a whole table: rows may be added),
-- two_people, children (relations), timeout (milliseconds to wait for those who are
-- writing; else lock_timeout decides). EXECUTE is not granted to PUBLIC.
--
-- Whoever writes a record now is waited for, and whoever comes later finds the
-- hold. A record that is gone, and might be being inserted again, cannot be locked:
-- the table is then.
CREATE FUNCTION {{schema}}.hold(of_schema text, of_table text, keys jsonb, reason text, options jsonb DEFAULT '{}') RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    whole     boolean := coalesce(jsonb_typeof(keys), 'null') = 'null';
    inserts   boolean := coalesce((options ->> 'allow_insert')::boolean, false);
    people    boolean := coalesce((options ->> 'two_people')::boolean, false);
    wait      bigint := (options ->> 'timeout')::bigint;
    waited    text := current_setting('lock_timeout');
    relation  oid;
    relations jsonb;
    records   jsonb;
    parents   jsonb;
    missing   jsonb;
    last      record;
    one       jsonb;
    by_table  boolean;
    of_hold   bigint;
    of_change bigint;
    result    {{schema}}.chrononaut_hold;
BEGIN
    IF coalesce(btrim(reason), '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = 'a hold needs a reason';
    END IF;
    IF NOT whole AND (jsonb_typeof(keys) <> 'array' OR keys = '[]' OR jsonb_path_exists(keys, 'strict $[*] ? (@.type() != "object")')) THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = 'a hold is of at least one key',
            HINT = 'Keys are a JSON array of objects, NULL stands for the whole table.';
    END IF;
    IF inserts AND NOT whole THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = 'only a hold of a whole table can allow insertions';
    END IF;
    relation := {{schema}}.holdable(of_schema, of_table);
    relations := {{schema}}.hold_relations(of_schema, of_table, options -> 'children');
    IF whole AND relations <> '[]' THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = 'a hold of a whole table has no relations', HINT = 'Hold the other tables too.';
    END IF;
    IF wait IS NOT NULL THEN
        PERFORM set_config('lock_timeout', wait || 'ms', true);
    END IF;
    PERFORM {{schema}}.guard(of_schema, of_table);
    -- By one at a time.
    PERFORM {{schema}}.make_hold_triggers();
    IF whole THEN
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', relation::regclass);
    ELSE
        SELECT jsonb_agg(DISTINCT {{schema}}.normalize_key(of_schema, of_table, k)) INTO records FROM jsonb_array_elements(keys) AS k;
        by_table := false;
        LOOP
            BEGIN
                IF by_table THEN
                    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', relation::regclass);
                END IF;
                -- Who has locked rows of the table may go on to write them: he would wait
                -- for the table, and must not be waited for.
                SELECT r.rows, r.missing INTO parents, missing
                  FROM {{schema}}.hold_rows(relation, records, {{schema}}.hold_referred(relations), NOT by_table) AS r;
                IF missing <> '[]' AND NOT by_table THEN
                    RAISE no_data_found;
                END IF;
                EXIT;
            EXCEPTION WHEN no_data_found OR serialization_failure THEN
                -- Locks of rows are given up again before the table is locked. A row
                -- that moved to another partition meanwhile is looked for again.
                IF by_table OR SQLSTATE = '40001' AND current_setting('transaction_isolation') <> 'read committed' THEN
                    RAISE;
                END IF;
                by_table := true;
            END;
        END LOOP;
        FOR one IN SELECT k FROM jsonb_array_elements(missing) AS k LOOP
            SELECT a.id, a.data, a.operation INTO last FROM {{schema}}.chrononaut_activity AS a
             WHERE a.id = coalesce({{schema}}.renamed_last_change(of_schema, of_table, one), {{schema}}.last_change(of_schema, of_table, one));
            IF last.id IS NULL OR last.operation NOT IN ('delete', 'truncate') THEN
                RAISE EXCEPTION USING ERRCODE = 'no_data_found',
                    MESSAGE = format('table %I.%I has no record with a key that is to be held, and history has no deletion of it', of_schema, of_table),
                    HINT = 'A record whose primary key changed is held by the key that it has now.';
            END IF;
            parents := parents || jsonb_build_array(last.data || one);
        END LOOP;
    END IF;
    of_hold := nextval({{literal (print schema ".chrononaut_hold_id_seq")}});
    of_change := {{schema}}.note_hold(of_hold, of_schema, of_table, 'hold', reason, jsonb_build_object(
        'keys', records, 'children', relations, 'allow_insert', inserts, 'two_people', people, 'reason', reason));
    INSERT INTO {{schema}}.chrononaut_hold AS h (id, table_schema, table_name, keys, children, allow_insert, two_people, reason, user_info, change)
    SELECT of_hold, of_schema, of_table, records, relations, inserts, people, reason, a.user_info, a.id
      FROM {{schema}}.chrononaut_activity AS a WHERE a.id = of_change
    RETURNING * INTO result;
    IF whole THEN
        PERFORM {{schema}}.add_scopes(of_hold, of_schema, of_table, '[{}]', inserts);
    ELSE
        PERFORM {{schema}}.add_record_scopes(of_hold, of_schema, of_table, records);
        PERFORM {{schema}}.hold_children(of_hold, parents, relations);
    END IF;
    PERFORM set_config('lock_timeout', waited, true);
    RETURN {{schema}}.hold_document(result);
END
{{dollar}};

-- Releases a hold and returns it. One of two people is released when a second actor
-- asks for it too: the first call only notes the request.
CREATE FUNCTION {{schema}}.release(of_hold bigint, why text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    h         {{schema}}.chrononaut_hold;
    what      text := 'release';
    of_change bigint;
    change    {{schema}}.chrononaut_activity;
    actor     text;
    note      jsonb;
BEGIN
    IF coalesce(btrim(why), '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = 'to release a hold needs a rationale';
    END IF;
    SELECT * INTO h FROM {{schema}}.chrononaut_hold AS o WHERE o.id = of_hold FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no hold %s', of_hold);
    END IF;
    IF h.released IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = format('hold %s was released already, at %s', of_hold, h.released ->> 'at');
    END IF;
    IF h.two_people AND h.requested IS NULL THEN
        what := 'release_request';
    END IF;
    of_change := {{schema}}.note_hold(of_hold, h.table_schema, h.table_name, what, why, jsonb_build_object('keys', h.keys, 'children', h.children, 'reason', h.reason));
    SELECT * INTO change FROM {{schema}}.chrononaut_activity AS a WHERE a.id = of_change;
    actor := coalesce(change.user_info ->> 'user_id', '');
    IF h.two_people AND actor = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = format('hold %s is released by two people, and the transaction names no actor', of_hold),
            HINT = 'Give one: chrononaut.WithActor in Go, SET LOCAL chrononaut.context in SQL.';
    END IF;
    IF h.two_people AND h.requested ->> 'actor' = actor THEN
        RAISE EXCEPTION USING ERRCODE = 'TM020', MESSAGE = format('hold %s is released by two people, and the second cannot be the one who asked for it', of_hold);
    END IF;
    note := jsonb_build_object('actor', change.user_info ->> 'user_id', 'database_user', session_user, 'at', {{schema}}.iso_time(change.changed),
                               'rationale', why, 'change', change.id);
    IF what = 'release' THEN
        UPDATE {{schema}}.chrononaut_hold AS o SET released = note WHERE o.id = of_hold RETURNING * INTO h;
        DELETE FROM {{schema}}.chrononaut_hold_scope AS s WHERE s.hold_id = of_hold;
    ELSE
        UPDATE {{schema}}.chrononaut_hold AS o SET requested = note WHERE o.id = of_hold RETURNING * INTO h;
    END IF;
    RETURN {{schema}}.hold_document(h);
END
{{dollar}};

-- What they say of a record is for who may write it.
REVOKE EXECUTE ON FUNCTION {{schema}}.raise_held(bigint, text, text), {{schema}}.guard_hold(text, text, text, jsonb, jsonb),
       {{schema}}.guard_hold_truncate(text, text), {{schema}}.history_held(text, text, jsonb, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {{schema}}.refuse_held(), {{schema}}.refuse_held_table(), {{schema}}.refuse_hold_write() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {{schema}}.hold(text, text, jsonb, text, jsonb) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {{schema}}.release(bigint, text) FROM PUBLIC;
