-- History lives in a schema of its own, or in one that exists already.
CREATE SCHEMA IF NOT EXISTS {{schema}};

-- The migrations of this schema that were applied.
CREATE TABLE {{schema}}.chrononaut_migration (
    version integer     PRIMARY KEY,
    name    text        NOT NULL,
    applied timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- The history table. The first eight columns are those of Python chrononaut,
-- the others are nullable or have defaults, so that its named-column inserts
-- go on working.
CREATE TABLE {{schema}}.chrononaut_activity (
    id             bigserial   PRIMARY KEY,
    table_name     text        NOT NULL,
    changed        timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    version        integer     NOT NULL,
    key            jsonb       NOT NULL DEFAULT '{}',
    data           jsonb       NOT NULL DEFAULT '{}',
    user_info      jsonb       NOT NULL DEFAULT '{}',
    extra_info     jsonb       NOT NULL DEFAULT '{}',
    operation      text,
    table_schema   text,
    transaction_id xid8        DEFAULT pg_catalog.pg_current_xact_id(),
    database_user  text        DEFAULT session_user,
    previous_key   jsonb
);

COMMENT ON TABLE {{schema}}.chrononaut_activity IS
    'One row for each change of a tracked record. Append-only: written by the triggers of Chrononaut, changed by nobody.';

-- One record's history. A hash of schema, table and key stands for them, so
-- that a long key cannot exceed the size of an index entry; queries compare
-- the hash and then the columns themselves, written as column || '' so that no
-- other index offers itself while the table has no statistics yet. The hash
-- functions are those of hash partitioning, whose results are kept stable
-- between major versions. A second hash makes the entries unique: no version of
-- a key occurs twice, except in rows that are about no record, and in rows of
-- Python chrononaut, which have no operation. The hash of a number leaves out its
-- sign, which the text without its digits has; 1 and 1.0 are one key.
CREATE UNIQUE INDEX chrononaut_activity_record ON {{schema}}.chrononaut_activity (
    (pg_catalog.jsonb_hash_extended(key, pg_catalog.hashtextextended(coalesce(table_schema, '') || '.' || table_name, 0))),
    version,
    (CASE WHEN operation IS NULL OR key = '{}' THEN id
          ELSE pg_catalog.jsonb_hash_extended(key, 1)
               OPERATOR(pg_catalog.#) pg_catalog.hashtextextended(pg_catalog.translate(key::text, '0123456789.', ''), 1) END)
);

-- The same for the key that a record had before its primary key changed.
CREATE INDEX chrononaut_activity_previous_key ON {{schema}}.chrononaut_activity (
    (pg_catalog.jsonb_hash_extended(previous_key, pg_catalog.hashtextextended(coalesce(table_schema, '') || '.' || table_name, 0))),
    version
) WHERE previous_key IS NOT NULL;

-- The changes that gave a record the key that it has.
CREATE INDEX chrononaut_activity_arrival ON {{schema}}.chrononaut_activity (
    (pg_catalog.jsonb_hash_extended(key, pg_catalog.hashtextextended(coalesce(table_schema, '') || '.' || table_name, 0))),
    version
) WHERE previous_key IS NOT NULL;

-- The log of one table, of one actor, of one transaction, of a time.
CREATE INDEX chrononaut_activity_table ON {{schema}}.chrononaut_activity (table_schema, table_name, id);
CREATE INDEX chrononaut_activity_actor ON {{schema}}.chrononaut_activity ((user_info ->> 'user_id'), id)
    WHERE user_info ->> 'user_id' IS NOT NULL;
CREATE INDEX chrononaut_activity_transaction ON {{schema}}.chrononaut_activity (transaction_id, id);
-- The names are in the last one so that the log of a table in a time reads only rows of its own.
CREATE INDEX chrononaut_activity_changed ON {{schema}}.chrononaut_activity (changed, table_schema, table_name);
-- The operations that are rare, so that the log of them is quick to read.
CREATE INDEX chrononaut_activity_operation ON {{schema}}.chrononaut_activity (operation, id)
    WHERE operation NOT IN ('insert', 'update');
-- The uses of the unsafe door, asked for at each write while it is open.
CREATE INDEX chrononaut_activity_suppress ON {{schema}}.chrononaut_activity (transaction_id) WHERE operation = 'suppress';

-- The tables that are or were tracked, and how. Names, never OIDs: a dump and
-- restore gives every table a new OID.
CREATE TABLE {{schema}}.chrononaut_table (
    table_schema  text        NOT NULL,
    table_name    text        NOT NULL,
    tracked       boolean     NOT NULL,
    tracked_since timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    key_columns   text[]      NOT NULL,
    options       jsonb       NOT NULL,
    baseline      jsonb,
    PRIMARY KEY (table_schema, table_name)
);

COMMENT ON TABLE {{schema}}.chrononaut_table IS
    'The tables that Chrononaut tracks or has tracked, with their options. Written by the track command.';

-- Options of the whole database.
CREATE TABLE {{schema}}.chrononaut_setting (
    name  text  PRIMARY KEY,
    value jsonb NOT NULL
);

-- The clusters that history was written in. A transaction id means something
-- only where it was given out: from first_id on, history's rows are of the
-- cluster with this identifier, those before came with a dump. settle_history()
-- adds a row when history finds itself somewhere else.
CREATE TABLE {{schema}}.chrononaut_cluster (
    first_id          bigint      PRIMARY KEY,
    system_identifier bigint,
    marked            timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- Rows of a partitioned table whose primary key an UPDATE is changing. If the
-- row moves to another partition PostgreSQL reports a DELETE and an INSERT;
-- the capture trigger finds the pair here and records the one UPDATE that it
-- is. Rows live for one statement.
CREATE TABLE {{schema}}.chrononaut_move (
    transaction_id xid8    NOT NULL,
    table_schema   text    NOT NULL,
    table_name     text    NOT NULL,
    old_key        jsonb   NOT NULL,
    new_key        jsonb   NOT NULL,
    version        integer NOT NULL,
    hidden         text[],
    inserted       boolean NOT NULL DEFAULT false
);

CREATE INDEX chrononaut_move_transaction ON {{schema}}.chrononaut_move (transaction_id);

-- ---------------------------------------------------------------- values --
--
-- data holds a row as to_jsonb() writes it. Values that this form cannot hold
-- exactly are written as {"chrononaut:text": TEXT}, TEXT being what the type's
-- output function says: json (whitespace, duplicate keys, \u0000), a JSON null
-- in a jsonb column (against SQL NULL), arrays whose first index is not 1, the
-- floating-point number -0, and types whose JSON form cannot be read back.

CREATE FUNCTION {{schema}}.image_text(value text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN value IS NULL THEN NULL
                ELSE pg_catalog.jsonb_build_object('chrononaut:text', value) END;

CREATE FUNCTION {{schema}}.image_jsonb(value jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN value = 'null'::jsonb OR (pg_catalog.jsonb_typeof(value) = 'object' AND value ? 'chrononaut:text')
                THEN pg_catalog.jsonb_build_object('chrononaut:text', value::text)
                ELSE value END;

CREATE FUNCTION {{schema}}.image_array(value anyarray) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
AS {{dollar}}
    SELECT CASE WHEN value IS NULL THEN NULL
                WHEN value::text LIKE '[%' THEN pg_catalog.jsonb_build_object('chrononaut:text', value::text)
                ELSE pg_catalog.to_jsonb(value) END
{{dollar}};

-- A number, or arrays and composites of numbers, that may hold -0.
CREATE FUNCTION {{schema}}.image_float(value anyelement) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
AS {{dollar}}
    SELECT CASE WHEN value::text IS NULL THEN NULL
                WHEN value::text LIKE '[%' OR value::text ~ '(^|[{(,"])-0($|[}),"])'
                THEN pg_catalog.jsonb_build_object('chrononaut:text', value::text)
                ELSE pg_catalog.to_jsonb(value) END
{{dollar}};

-- How values of a type are written to data and read back:
--   plain   one JSON scalar              record  a JSON object or array of plain ones
--   float   a number that may be -0      floats  the same for records and arrays
--   array   an array of plain elements   jsonb   itself
--   xml     a string, with the XML declaration     text    always as text
CREATE FUNCTION {{schema}}.column_form(type_id oid) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    kind     "char";
    element  oid;
    relation oid;
    base     oid;
    is_array boolean;
    forms    text[];
BEGIN
    SELECT t.typtype, t.typelem, t.typrelid, t.typbasetype, t.typinput = 'array_in'::regproc
      INTO kind, element, relation, base, is_array
      FROM pg_type AS t WHERE t.oid = type_id;
    IF kind = 'd' THEN
        RETURN {{schema}}.column_form(base);
    END IF;
    IF type_id = 'jsonb'::regtype THEN
        RETURN 'jsonb';
    END IF;
    IF type_id IN ('float4'::regtype, 'float8'::regtype) THEN
        RETURN 'float';
    END IF;
    -- xml_out() leaves out a declaration that says nothing new.
    IF type_id = 'xml'::regtype THEN
        RETURN 'xml';
    END IF;
    -- The last two are almost arrays: to_jsonb() takes them for some.
    IF type_id IN ('json'::regtype, 'int2vector'::regtype, 'oidvector'::regtype) THEN
        RETURN 'text';
    END IF;
    IF is_array THEN
        RETURN CASE {{schema}}.column_form(element)
               WHEN 'plain' THEN 'array' WHEN 'record' THEN 'array'
               WHEN 'float' THEN 'floats' WHEN 'floats' THEN 'floats'
               ELSE 'text' END;
    END IF;
    IF kind = 'c' THEN
        SELECT array_agg(DISTINCT {{schema}}.column_form(a.atttypid)) INTO forms
          FROM pg_attribute AS a
         WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped;
        RETURN CASE WHEN forms IS NULL OR forms <@ '{plain,record}' THEN 'record'
                    WHEN forms <@ '{plain,record,float}' THEN 'floats'
                    ELSE 'text' END;
    END IF;
    -- An extension's type with a cast to json (hstore): to_jsonb() follows the
    -- cast, and the type's input function cannot read the result.
    IF EXISTS (SELECT FROM pg_cast AS c WHERE c.castsource = type_id AND c.casttarget = 'json'::regtype) THEN
        RETURN 'text';
    END IF;
    RETURN 'plain';
END
{{dollar}};

-- SQL for one column's value in data; reference is SQL for the column.
CREATE FUNCTION {{schema}}.column_image(form text, reference text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN form IN ('plain', 'record') THEN 'pg_catalog.to_jsonb(' || reference || ')'
        WHEN form = 'xml' THEN 'pg_catalog.to_jsonb(' || reference || '::text)'
        WHEN form = 'text' THEN {{literal (print schema ".image_text(")}} || reference || '::text)'
        WHEN form = 'jsonb' THEN {{literal (print schema ".image_jsonb(")}} || reference || '::jsonb)'
        WHEN form = 'array' THEN {{literal (print schema ".image_array(")}} || reference || ')'
        ELSE {{literal (print schema ".image_float(")}} || reference || ')' END;

-- The type that a domain stands for in the end, or the type itself.
CREATE FUNCTION {{schema}}.base_type(type_id oid) RETURNS oid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    base oid := type_id;
BEGIN
    LOOP
        SELECT nullif(t.typbasetype, 0) INTO type_id FROM pg_type AS t WHERE t.oid = base AND t.typtype = 'd';
        EXIT WHEN type_id IS NULL;
        base := type_id;
    END LOOP;
    RETURN base;
END
{{dollar}};

-- Whether reading a type's text needs care: what its input function makes of it
-- depends on settings of the session, or a cast from text is something else.
CREATE FUNCTION {{schema}}.depends_on_settings(type_id oid) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF type_id IN ('money'::regtype, 'xml'::regtype) OR (SELECT t.typname LIKE 'reg%' FROM pg_type AS t WHERE t.oid = type_id) THEN
        RETURN true;
    END IF;
    IF EXISTS (SELECT FROM pg_cast AS c
                WHERE c.castsource = 'text'::regtype AND c.casttarget = type_id AND c.castmethod = 'f' AND c.casttarget >= 16384) THEN
        RETURN true;
    END IF;
    RETURN EXISTS (
        SELECT FROM (SELECT t.typelem AS part FROM pg_type AS t WHERE t.oid = type_id AND t.typelem <> 0
                     UNION ALL
                     SELECT t.typbasetype FROM pg_type AS t WHERE t.oid = type_id AND t.typtype = 'd'
                     UNION ALL
                     SELECT r.rngsubtype FROM pg_range AS r WHERE type_id IN (r.rngtypid, r.rngmultitypid)
                     UNION ALL
                     SELECT a.atttypid FROM pg_type AS t JOIN pg_attribute AS a ON a.attrelid = t.typrelid
                      WHERE t.oid = type_id AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped) AS parts
         WHERE {{schema}}.depends_on_settings(part));
END
{{dollar}};

-- Reading such values back under the settings that they were written with.
-- prototype only says the type.
CREATE FUNCTION {{schema}}.read_text(value text, prototype anyelement) RETURNS anyelement
    LANGUAGE plpgsql STABLE
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    result record;
BEGIN
    -- A literal is read by the type's input function, not by a cast.
    EXECUTE format('SELECT %L::%s AS v', value, format_type(pg_typeof(prototype)::oid, -1)) INTO result;
    RETURN result.v;
END
{{dollar}};

CREATE FUNCTION {{schema}}.read_json(value jsonb, prototype anyelement) RETURNS anyelement
    LANGUAGE plpgsql STABLE
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    result record;
BEGIN
    EXECUTE format('SELECT r.v FROM jsonb_to_record(jsonb_build_object(''v'', $1)) AS r (v %s)', format_type(pg_typeof(prototype)::oid, -1))
       INTO result USING value;
    RETURN result.v;
END
{{dollar}};

-- Reading values that the type may no longer be able to hold, because the column
-- was given another type or a label of its enum another name: NULL then, so
-- that one value does not make a whole record unreadable.
CREATE FUNCTION {{schema}}.fitting_text(value text, prototype anyelement) RETURNS anyelement
    LANGUAGE plpgsql STABLE
AS {{dollar}}
DECLARE
    result prototype%TYPE;
BEGIN
    result := value;
    RETURN result;
EXCEPTION
    WHEN {{template "misfit"}} THEN
        RETURN NULL;
END
{{dollar}};

-- The same for types that are not one plain scalar, or depend on settings.
CREATE FUNCTION {{schema}}.fitting_value(value jsonb, form text, pinned boolean, prototype anyelement) RETURNS anyelement
    LANGUAGE plpgsql STABLE
AS {{dollar}}
DECLARE
    wrapped text := CASE WHEN pg_catalog.jsonb_typeof(value) = 'object' THEN value ->> 'chrononaut:text' END;
    result  record;
BEGIN
    IF wrapped IS NULL AND form IN ('record', 'array', 'floats') THEN
        IF pinned THEN
            RETURN {{schema}}.read_json(value, prototype);
        END IF;
        EXECUTE pg_catalog.format('SELECT r.v FROM pg_catalog.jsonb_to_record(pg_catalog.jsonb_build_object(''v'', $1)) AS r (v %s)',
                                  pg_catalog.format_type(pg_catalog.pg_typeof(prototype)::oid, -1))
           INTO result USING value;
        RETURN result.v;
    END IF;
    RETURN {{schema}}.read_text(coalesce(wrapped, value #>> '{}'), prototype);
EXCEPTION
    WHEN {{template "misfit"}} THEN
        RETURN NULL;
END
{{dollar}};

-- SQL for a whole row of the table in the form of data, from the catalog.
-- The triggers use it when the table's columns are no longer those that they
-- were generated for, and where a whole table is read.
CREATE FUNCTION {{schema}}.image_sql(relation oid, excluded text[], reference text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT coalesce(string_agg(part, ' || ' ORDER BY chunk), '''{}''::jsonb')
      FROM (SELECT chunk,
                   'pg_catalog.jsonb_build_object('
                   || string_agg(quote_literal(attname) || ', ' || {{schema}}.column_image({{schema}}.column_form(atttypid), reference || '.' || quote_ident(attname)), ', ' ORDER BY attnum)
                   || ')' AS part
              FROM (SELECT a.attname, a.atttypid, a.attnum, row_number() OVER (ORDER BY a.attnum) / 40 AS chunk
                      FROM pg_attribute AS a
                     WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
                       -- A virtual generated column has no value in a trigger.
                       AND a.attgenerated <> 'v'
                       AND a.attname <> ALL (excluded)) AS columns
             GROUP BY chunk) AS parts
{{dollar}};

-- Whether a table has columns besides the known ones whose values to_jsonb()
-- cannot always write exactly.
CREATE FUNCTION {{schema}}.has_special(relation oid, known text[]) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT EXISTS (SELECT FROM pg_attribute AS a
                    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (known)
                      AND {{schema}}.column_form(a.atttypid) NOT IN ('plain', 'record'))
{{dollar}};

-- SQL for the record's key, from the table's present primary key.
CREATE FUNCTION {{schema}}.key_sql(relation oid, reference text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT 'pg_catalog.jsonb_build_object('
           || string_agg(quote_literal(a.attname) || ', pg_catalog.to_jsonb(' || reference || '.' || quote_ident(a.attname) || ')', ', ' ORDER BY k.position)
           || ')'
      FROM pg_index AS i,
           LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
      JOIN pg_attribute AS a ON a.attnum = k.attnum
     WHERE i.indrelid = relation AND i.indisprimary AND a.attrelid = relation
       AND k.position <= i.indnkeyatts
{{dollar}};

-- Raises when a column that must stay hidden is no longer where it was: it was
-- renamed, or replaced by another column of the same name. Its value would
-- enter history under the new name. Attribute numbers follow renames; ordinal
-- positions are compared where a dump and restore has renumbered the columns.
CREATE FUNCTION {{schema}}.assert_hidden(relation oid, names text[], attnums smallint[], ordinals smallint[]) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    root      oid := coalesce(pg_partition_root(relation), relation);
    compacted boolean;
    found     smallint;
    ordinal   bigint;
    other     text;
BEGIN
    SELECT NOT bool_or(a.attisdropped) INTO compacted
      FROM pg_attribute AS a WHERE a.attrelid = root AND a.attnum > 0;
    FOR i IN 1 .. cardinality(names) LOOP
        SELECT c.attnum, c.ordinal INTO found, ordinal
          FROM (SELECT a.attname, a.attnum, row_number() OVER (ORDER BY a.attnum) AS ordinal
                  FROM pg_attribute AS a
                 WHERE a.attrelid = root AND a.attnum > 0 AND NOT a.attisdropped) AS c
         WHERE c.attname = names[i];
        IF found = attnums[i] OR (compacted AND ordinal = ordinals[i]) THEN
            CONTINUE;
        END IF;
        SELECT a.attname INTO other
          FROM pg_attribute AS a WHERE a.attrelid = root AND a.attnum = attnums[i] AND NOT a.attisdropped;
        IF found IS NOT NULL OR other IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'TM003',
                MESSAGE = format('hidden column %I of table %s was renamed or replaced; the write is refused so that its value does not enter history', names[i], root::regclass),
                HINT = 'Run chrononaut track on the table with the present names of the hidden columns.';
        END IF;
    END LOOP;
END
{{dollar}};

-- The highest version that history has for a key, under which it also counts
-- the change that took the key away from a record. VOLATILE, so that it sees
-- what other transactions have committed since the statement began.
CREATE FUNCTION {{schema}}.last_version(of_schema text, of_table text, of_key jsonb) RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    hash   bigint := jsonb_hash_extended(of_key, hashtextextended(of_schema || '.' || of_table, 0));
    latest integer;
    parted integer;
BEGIN
    SELECT a.version INTO latest
      FROM {{schema}}.chrononaut_activity AS a
     WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = hash
       AND a.key = of_key AND a.table_name || '' = of_table AND a.table_schema || '' = of_schema
     ORDER BY a.version DESC LIMIT 1;
    SELECT a.version INTO parted
      FROM {{schema}}.chrononaut_activity AS a
     WHERE jsonb_hash_extended(a.previous_key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0)) = hash
       AND a.previous_key IS NOT NULL
       AND a.previous_key = of_key AND a.table_name || '' = of_table AND a.table_schema || '' = of_schema
     ORDER BY a.version DESC LIMIT 1;
    RETURN greatest(latest, parted);
END
{{dollar}};

-- The last change in the life of a key: the one that made its record what it
-- is, or took the record away from it. Versions do not quite tell which of the
-- two it is: records that exchanged keys have one version, and the version of a
-- change that takes a key away is one of the new key. A transaction that could
-- not see that change may have given the key to a new record since.
CREATE FUNCTION {{schema}}.last_change(of_schema text, of_table text, of_key jsonb) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT CASE WHEN parted.id IS NULL OR latest.version >= parted.version OR latest.id > parted.id THEN latest.id ELSE parted.id END
      FROM (VALUES (1)) AS one (x)
      LEFT JOIN LATERAL
           (SELECT a.id, a.version
              FROM {{schema}}.chrononaut_activity AS a
             WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                   = jsonb_hash_extended(of_key, hashtextextended(of_schema || '.' || of_table, 0))
               AND a.key = of_key AND a.table_name || '' = of_table AND a.table_schema || '' = of_schema
             ORDER BY a.version DESC, a.id DESC LIMIT 1) AS latest ON true
      LEFT JOIN LATERAL
           (SELECT a.id, a.version
              FROM {{schema}}.chrononaut_activity AS a
             WHERE jsonb_hash_extended(a.previous_key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                   = jsonb_hash_extended(of_key, hashtextextended(of_schema || '.' || of_table, 0))
               AND a.previous_key IS NOT NULL
               AND a.previous_key = of_key AND a.table_name || '' = of_table AND a.table_schema || '' = of_schema
             ORDER BY a.version DESC, a.id DESC LIMIT 1) AS parted ON true
{{dollar}};

-- SQL for one value of a key, which $1 holds, as the type of its column.
CREATE FUNCTION {{schema}}.key_value_sql(name text, type_id oid, modifier integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT CASE WHEN {{schema}}.column_form(type_id) IN ('array', 'record', 'floats')
                THEN format('CASE WHEN pg_catalog.jsonb_typeof($1 -> %1$L) IN (''array'', ''object'')
                                  THEN %2$s.read_json($1 -> %1$L, NULL::%3$s)::%4$s ELSE ($1 ->> %1$L)::%4$s END',
                            name, {{literal schema}}, format_type(type_id, -1), format_type(type_id, modifier))
                ELSE format('($1 ->> %L)::%s', name, format_type(type_id, modifier)) END
{{dollar}};

-- A key in the form that the triggers write, from any form that the types of
-- its columns can read. Raises when it has other columns than the primary key.
CREATE FUNCTION {{schema}}.normalize_key(of_schema text, of_table text, of_key jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
    SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = 'postgres'
    SET extra_float_digits = 1
    SET bytea_output = 'hex'
AS {{dollar}}
DECLARE
    relation oid := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
    names    text[];
    parts    text;
    fits     text;
    fitting  boolean := false;
    result   jsonb;
BEGIN
    IF relation IS NULL THEN
        -- The table is gone: the key has to be as history has it.
        RETURN of_key;
    END IF;
    SELECT array_agg(a.attname::text),
           string_agg(format('%L, to_jsonb(%s)', a.attname, {{schema}}.key_value_sql(a.attname::text, a.atttypid, a.atttypmod)), ', ' ORDER BY k.position),
           -- A value that the column would cut or round is not in the table.
           string_agg(CASE WHEN a.atttypmod = -1 THEN format('($1 ->> %L) IS NOT NULL', a.attname)
                           ELSE format('(%s) = (%s)', {{schema}}.key_value_sql(a.attname::text, a.atttypid, a.atttypmod),
                                       {{schema}}.key_value_sql(a.attname::text, a.atttypid, -1)) END, ' AND ' ORDER BY k.position)
      INTO names, parts, fits
      FROM pg_index AS i,
           LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
      JOIN pg_attribute AS a ON a.attnum = k.attnum
     WHERE i.indrelid = relation AND i.indisprimary AND a.attrelid = relation AND k.position <= i.indnkeyatts;
    IF names IS NOT NULL AND of_key ?& names AND NOT EXISTS (SELECT FROM jsonb_object_keys(of_key) AS k WHERE k <> ALL (names)) THEN
        EXECUTE 'SELECT jsonb_build_object(' || parts || '), ' || fits INTO result, fitting USING of_key;
    END IF;
    IF fitting IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'TM009',
            MESSAGE = format('the key does not fit table %I.%I', of_schema, of_table),
            HINT = format('Its primary key is (%s).', array_to_string(names, ', '));
    END IF;
    RETURN result;
END
{{dollar}};

-- ------------------------------------------------------------ attribution --

-- The attribution of the running transaction: the setting chrononaut.context,
-- {"user_info": {...}, "extra_info": {...}, "records": [...]}.
CREATE FUNCTION {{schema}}.context_error() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'TM002',
        MESSAGE = 'the setting chrononaut.context is malformed',
        HINT = 'It holds a JSON object: {"user_info": {"user_id": ...}, "extra_info": {"rationale": ...}}.';
END
{{dollar}};

CREATE FUNCTION {{schema}}.unattributed_error(table_schema text, table_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'TM001',
        MESSAGE = format('table %I.%I is strict and the transaction carries no change information', table_schema, table_name),
        HINT = 'Give a rationale or extra information: chrononaut.WithRationale in Go, SET LOCAL chrononaut.context in SQL.';
END
{{dollar}};

-- What AppendChangeInfo attached to this one record.
CREATE FUNCTION {{schema}}.record_info(context jsonb, table_schema text, table_name text, key jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    entry  jsonb;
    result jsonb := '{}';
BEGIN
    IF jsonb_typeof(context -> 'records') <> 'array' THEN
        PERFORM {{schema}}.context_error();
    END IF;
    FOR entry IN SELECT e FROM jsonb_array_elements(context -> 'records') AS e LOOP
        IF entry ->> 'table_name' = table_name
           AND coalesce(entry ->> 'table_schema', table_schema) = table_schema
           AND entry -> 'key' = key
        THEN
            result := result || (entry -> 'extra_info');
        END IF;
    END LOOP;
    RETURN result;
END
{{dollar}};

-- ------------------------------------------------------- the unsafe door --

-- Whether this transaction opened the door. The setting is only a hint that
-- spares the look-up (callers make it '' where it is NULL, which would not end
-- an AND); the record that the door leaves in history is the proof.
CREATE FUNCTION {{schema}}.is_suppressed() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                    WHERE a.transaction_id = pg_current_xact_id()
                      AND a.changed >= now()
                      AND a.operation = 'suppress')
{{dollar}};

CREATE FUNCTION {{schema}}.may_erase() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                    WHERE a.transaction_id = pg_current_xact_id()
                      AND a.changed >= now()
                      AND a.operation = 'suppress'
                      AND a.data @> '{"allow_erase": true}')
{{dollar}};

-- Opens the door: until resume() or the end of the transaction nothing is
-- captured, and with allow_erase history may be deleted. Records who, when and
-- why. EXECUTE is not granted to PUBLIC.
CREATE FUNCTION {{schema}}.suppress(reason text, allow_erase boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    context jsonb := nullif(current_setting('chrononaut.context', true), '')::jsonb;
BEGIN
    IF coalesce(btrim(reason), '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'TM005', MESSAGE = 'suppressing capture needs a reason';
    END IF;
    INSERT INTO {{schema}}.chrononaut_activity
           (table_name, version, data, user_info, extra_info, operation, table_schema)
    VALUES ('', 0,
            jsonb_build_object('reason', reason, 'allow_erase', allow_erase),
            '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
            coalesce(context -> 'extra_info', '{}'), 'suppress', '');
    PERFORM set_config('chrononaut.suppressed', 'on', true);
END
{{dollar}};

CREATE FUNCTION {{schema}}.resume() RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}} SELECT set_config('chrononaut.suppressed', '', true) {{dollar}};

REVOKE EXECUTE ON FUNCTION {{schema}}.suppress(text, boolean) FROM PUBLIC;

-- --------------------------------------------------------------- baseline --

-- Records the present state of the next rows of a table, along its primary
-- key, as operation baseline: rows that history does not know, and rows that
-- are not as history says, because they changed while nothing captured them.
-- Progress is kept in the registry. Returns {rows, recorded, done, total}.
CREATE FUNCTION {{schema}}.baseline_chunk(of_schema text, of_table text, chunk integer) RETURNS jsonb
    LANGUAGE plpgsql
    {{template "all_settings"}}
    -- Rows that row security hides would be recorded as deleted: better an error.
    SET row_security = off
AS {{dollar}}
DECLARE
    relation       oid := to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table));
    options        jsonb;
    progress       jsonb;
    excluded       text[];
    version_column text;
    zero           jsonb;
    columns_sql    text;
    values_sql     text;
    match_sql      text;
    source_sql     text;
    data_sql       text;
    key_sql        text := 'a.key';
    context        jsonb := nullif(current_setting('chrononaut.context', true), '')::jsonb;
    user_info      jsonb;
    extra_info     jsonb;
    counted        bigint;
    recorded       bigint;
    last_key       jsonb;
    drifted        jsonb[];
    before_id      bigint;
    one            jsonb;
    current_image  jsonb;
    next           integer;
BEGIN
    SELECT t.options, coalesce(t.baseline, '{}') INTO options, progress
      FROM {{schema}}.chrononaut_table AS t
     WHERE t.table_schema = of_schema AND t.table_name = of_table AND t.tracked
       FOR UPDATE;
    IF relation IS NULL OR options IS NULL OR options @> '{"no_history": true}' THEN
        RETURN NULL;
    END IF;
    IF progress @> '{"done": true}' THEN
        progress := '{}';
    END IF;
    user_info := '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}');
    extra_info := coalesce(context -> 'extra_info', '{}');
    version_column := coalesce(options ->> 'version_column', 'version');
    excluded := ARRAY(SELECT jsonb_array_elements_text(coalesce(options -> 'hidden', '[]') || coalesce(options -> 'untracked', '[]')));
    zero := jsonb_build_object(version_column, 0);
    IF NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = 'version' AND NOT a.attisdropped) THEN
        zero := zero || '{"version": 0}';
    END IF;
    SELECT string_agg('t.' || quote_ident(a.attname), ', ' ORDER BY k.position),
           string_agg({{schema}}.key_value_sql(a.attname::text, a.atttypid, a.atttypmod), ', ' ORDER BY k.position),
           string_agg(format('t.%I = (%s)', a.attname, {{schema}}.key_value_sql(a.attname::text, a.atttypid, a.atttypmod)), ' AND ' ORDER BY k.position)
      INTO columns_sql, values_sql, match_sql
      FROM pg_index AS i,
           LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
      JOIN pg_attribute AS a ON a.attnum = k.attnum
     WHERE i.indrelid = relation AND i.indisprimary AND a.attrelid = relation AND k.position <= i.indnkeyatts;
    -- The version is compared and written apart from the rest.
    source_sql := format('SELECT %s AS key, %s AS image, t.%I AS version FROM %s AS t',
        {{schema}}.key_sql(relation, 't'), {{schema}}.image_sql(relation, excluded || version_column, 't'),
        version_column, relation::regclass);

    -- Rows of Python chrononaut are read into the form of data, rows with older
    -- names under the present ones.
    data_sql := CASE WHEN options ? 'python' THEN {{literal (print "CASE WHEN a.table_schema IS NULL THEN " schema ".python_data($4, $5, a.table_name, a.data) ELSE a.data END")}} ELSE 'a.data' END;
    IF options ? 'renames' THEN
        data_sql := format('%s.renamed_state($8, a.table_schema, a.table_name, a.id, %s)', {{literal schema}}, data_sql);
        key_sql := format('%s.renamed_state($8, a.table_schema, a.table_name, a.id, a.key)', {{literal schema}});
    END IF;

    SELECT max(a.id) INTO before_id FROM {{schema}}.chrononaut_activity AS a;
    -- zero holds the keys of data that say the version. A record differs from
    -- history when its last change is not what it is now.
    EXECUTE format('WITH rows AS MATERIALIZED (
            %1$s %2$s ORDER BY %3$s LIMIT $2
        ), known AS MATERIALIZED (
            SELECT r.key, r.image, r.version, a.id IS NULL AS unknown,
                   a.operation IN (''delete'', ''truncate'') OR a.table_schema IS NOT NULL AND %7$s <> r.key
                       OR %5$s - ARRAY(SELECT jsonb_object_keys($3)) <> r.image AS drifted
              FROM rows AS r
              LEFT JOIN %4$s.chrononaut_activity AS a
                     ON a.id = %4$s.%6$I($4, $5, r.key)
        ), recorded AS (
            INSERT INTO %4$s.chrononaut_activity
                   (table_name, version, key, data, user_info, extra_info, operation, table_schema)
            -- A row may have a version although history does not know it.
            SELECT $5, coalesce(k.version, 0), k.key,
                   k.image || CASE WHEN k.version IS NULL THEN $3
                                   ELSE (SELECT jsonb_object_agg(z, k.version) FROM jsonb_object_keys($3) AS z) END, $6, $7, ''baseline'', $4
              FROM known AS k WHERE k.unknown AND %4$s.renamed_version($4, $5, k.key) IS NULL
            ON CONFLICT DO NOTHING
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM rows), (SELECT count(*) FROM recorded),
               (SELECT r.key FROM rows AS r OFFSET greatest((SELECT count(*) FROM rows) - 1, 0) LIMIT 1),
               (SELECT array_agg(k.key) FROM known AS k WHERE k.drifted)',
        source_sql,
        CASE WHEN progress ? 'after' THEN format('WHERE (%s) > (%s)', columns_sql, values_sql) ELSE '' END,
        columns_sql, {{literal schema}}, data_sql,
        CASE WHEN options ? 'renames' THEN 'renamed_last_change' WHEN options ? 'python' THEN 'python_last_change' ELSE 'last_change' END,
        key_sql)
       INTO counted, recorded, last_key, drifted
      USING progress -> 'after', chunk, zero, of_schema, of_table, user_info, extra_info, options -> 'renames';

    -- Rows that changed while nothing captured them: their version has to move
    -- on with history, so they are locked and written, one at a time.
    IF cardinality(drifted) > 0 THEN
        PERFORM {{schema}}.suppress(format('baseline of %I.%I: rows that changed while it was not captured', of_schema, of_table));
        PERFORM set_config('chrononaut.baseline', 'on', true);
        FOREACH one IN ARRAY drifted LOOP
            EXECUTE format('SELECT s.image FROM (%s WHERE %s FOR UPDATE) AS s', source_sql, match_sql)
               INTO current_image USING one;
            -- A change that was captured while the lock was waited for says it all.
            CONTINUE WHEN current_image IS NULL OR EXISTS (
                SELECT FROM {{schema}}.chrononaut_activity AS a
                 WHERE a.id = {{schema}}.last_change(of_schema, of_table, one) AND a.key = one
                   AND a.id > coalesce((options ->> 'after')::bigint, 0)
                   AND a.operation NOT IN ('delete', 'truncate')
                   AND a.data - ARRAY(SELECT jsonb_object_keys(zero)) = current_image);
            next := CASE WHEN options ? 'renames' THEN greatest({{schema}}.last_version(of_schema, of_table, one),
                             (SELECT a.version FROM {{schema}}.chrononaut_activity AS a
                               WHERE a.id = {{schema}}.renamed_last_change(of_schema, of_table, one)))
                         WHEN options ? 'python' THEN {{schema}}.python_last_version(of_schema, of_table, one)
                         ELSE {{schema}}.last_version(of_schema, of_table, one) END + 1;
            EXECUTE format('UPDATE %s AS t SET %I = $2 WHERE %s', relation::regclass, version_column, match_sql)
              USING one, next;
            -- The application's own triggers may have changed the row.
            EXECUTE format('SELECT s.image FROM (%s WHERE %s) AS s', source_sql, match_sql)
               INTO current_image USING one;
            CONTINUE WHEN current_image IS NULL;
            INSERT INTO {{schema}}.chrononaut_activity
                   (table_name, version, key, data, user_info, extra_info, operation, table_schema)
            SELECT of_table, next, one, current_image || jsonb_object_agg(k, next), user_info, extra_info, 'baseline', of_schema
              FROM jsonb_object_keys(zero) AS k;
            recorded := recorded + 1;
        END LOOP;
        PERFORM set_config('chrononaut.baseline', '', true);
        PERFORM {{schema}}.resume();
    END IF;
    IF recorded > 0 THEN
        PERFORM {{schema}}.add_keys(of_schema, of_table, coalesce(before_id, 0));
    END IF;
    PERFORM {{schema}}.note_long();
    IF counted < chunk THEN
        PERFORM {{schema}}.analyze_keys(of_schema, of_table);
        recorded := recorded + {{schema}}.note_gone(of_schema, of_table, user_info, extra_info);
        PERFORM {{schema}}.note_complete(of_schema, of_table);
    END IF;

    progress := jsonb_build_object(
        'after', coalesce(last_key, progress -> 'after'),
        'rows', coalesce((progress ->> 'rows')::bigint, 0) + counted,
        'recorded', coalesce((progress ->> 'recorded')::bigint, 0) + recorded,
        'done', counted < chunk,
        'total', (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class AS c WHERE c.oid = relation));
    UPDATE {{schema}}.chrononaut_table AS t SET baseline = progress
     WHERE t.table_schema = of_schema AND t.table_name = of_table;
    RETURN progress;
END
{{dollar}};

-- ------------------------------------------------------------ append-only --

-- The operation is looked at first: in a statement trigger OLD is null.
CREATE FUNCTION {{schema}}.refuse_rewrite() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF TG_OP = 'DELETE'
       AND coalesce(current_setting('chrononaut.suppressed', true), '') = 'on'
       AND {{schema}}.may_erase()
       -- What the door itself records stays.
       AND OLD.operation IS DISTINCT FROM 'suppress'
    THEN
        RETURN OLD;
    END IF;
    -- A row of Python chrononaut takes the place of the captured one of the same
    -- change, see python_complete(): what is deleted stands in it, and nothing
    -- but the operation is written to it.
    IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' AND pg_trigger_depth() > 1
       AND OLD.transaction_id = pg_current_xact_id()
       AND OLD.operation IN ('insert', 'update', 'delete')
       AND EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                    WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                          = jsonb_hash_extended(OLD.key, hashtextextended(coalesce(OLD.table_schema, '') || '.' || OLD.table_name, 0))
                      AND a.version = OLD.version AND a.operation IS NULL
                      AND a.transaction_id = OLD.transaction_id AND a.database_user = OLD.database_user
                      AND (a.table_schema, a.table_name, a.key, a.data, a.changed) = (OLD.table_schema, OLD.table_name, OLD.key, OLD.data, OLD.changed)
                      AND a.previous_key IS NOT DISTINCT FROM OLD.previous_key)
    THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND TG_LEVEL = 'ROW' AND pg_trigger_depth() > 1
       AND OLD.transaction_id = pg_current_xact_id()
       AND OLD.operation IS NULL AND OLD.table_schema IS NOT NULL
       AND to_jsonb(NEW) - 'operation' = to_jsonb(OLD) - 'operation'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'TM004',
        MESSAGE = format('history is append-only: %s of %I.%I is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME),
        HINT = 'History is deleted only through the package chronounsafe, which records who did it and why.';
END
{{dollar}};

CREATE TRIGGER chrononaut_append_only
    BEFORE UPDATE OR DELETE ON {{schema}}.chrononaut_activity
    FOR EACH ROW EXECUTE FUNCTION {{schema}}.refuse_rewrite();
CREATE TRIGGER chrononaut_append_only_truncate
    BEFORE TRUNCATE ON {{schema}}.chrononaut_activity
    FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_rewrite();
ALTER TABLE {{schema}}.chrononaut_activity ENABLE ALWAYS TRIGGER chrononaut_append_only;
ALTER TABLE {{schema}}.chrononaut_activity ENABLE ALWAYS TRIGGER chrononaut_append_only_truncate;

-- A trigger does not ask for this privilege when it fires, only who makes one does:
-- nobody else may run a trigger function of history on rows of a table of his own.
REVOKE EXECUTE ON FUNCTION {{schema}}.refuse_rewrite() FROM PUBLIC;

-- ------------------------------------------------------------ the cluster --

-- The identifier of this cluster; NULL where the owner of history may not know.
CREATE FUNCTION {{schema}}.cluster_identifier() RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') THEN
        RETURN (SELECT c.system_identifier FROM pg_control_system() AS c);
    END IF;
    RETURN NULL;
END
{{dollar}};

INSERT INTO {{schema}}.chrononaut_cluster (first_id, system_identifier) VALUES (0, {{schema}}.cluster_identifier());

-- The first id of history of the cluster that wrote a row.
CREATE FUNCTION {{schema}}.cluster_start(of_id bigint) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT coalesce(max(c.first_id), 0) FROM {{schema}}.chrononaut_cluster AS c WHERE c.first_id <= of_id
{{dollar}};

-- What says that history came from elsewhere: 'cluster', it was last marked in
-- another one, or 'sequence', rows have ids that the sequence has not given out
-- yet and that the next writes would get. NULL when nothing does.
CREATE FUNCTION {{schema}}.history_moved() RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    ids    text := pg_get_serial_sequence({{literal (print schema ".chrononaut_activity")}}, 'id');
    newest bigint;
    next   bigint;
BEGIN
    -- First the rows: meanwhile the sequence only grows.
    SELECT max(a.id) INTO newest FROM {{schema}}.chrononaut_activity AS a;
    IF ids IS NOT NULL THEN
        EXECUTE 'SELECT last_value + is_called::integer FROM ' || ids INTO next;
        IF newest >= next THEN
            RETURN 'sequence';
        END IF;
    END IF;
    IF {{schema}}.cluster_identifier() <> (SELECT c.system_identifier FROM {{schema}}.chrononaut_cluster AS c ORDER BY c.first_id DESC LIMIT 1) THEN
        RETURN 'cluster';
    END IF;
    RETURN NULL;
END
{{dollar}};

-- Begins a part of history of its own, whose transaction ids have nothing to do
-- with those before, at an id that the sequence gives out next. Without one it
-- is the next, and nothing happens unless history has moved.
CREATE FUNCTION {{schema}}.settle_history(from_id bigint DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    ids   text := pg_get_serial_sequence({{literal (print schema ".chrononaut_activity")}}, 'id');
    moved text := {{schema}}.history_moved();
BEGIN
    IF from_id IS NULL AND moved IS NULL THEN
        RETURN;
    END IF;
    IF from_id IS NULL AND moved = 'cluster' THEN
        from_id := nextval(ids);
    ELSE
        from_id := greatest(from_id, (SELECT max(a.id) + 1 FROM {{schema}}.chrononaut_activity AS a));
        PERFORM setval(ids, from_id, false);
    END IF;
    INSERT INTO {{schema}}.chrononaut_cluster (first_id, system_identifier) VALUES (from_id, {{schema}}.cluster_identifier())
        ON CONFLICT (first_id) DO UPDATE SET system_identifier = excluded.system_identifier;
END
{{dollar}};

REVOKE EXECUTE ON FUNCTION {{schema}}.settle_history(bigint) FROM PUBLIC;
