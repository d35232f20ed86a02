-- Rows that Python chrononaut wrote have no table_schema and no operation. The
-- options of a table in the registry declare which of them are about it:
--   "python": [{"name":       table_name in those rows,
--               "attributes": {attribute of the model: column, or null for one
--                              that is no column of this table},
--               "enums":      {column: {"Class.MEMBER": value, or "Class": null
--                              where the name of the member is the value}},
--               "timezone":   the zone of the processes that wrote them}]
-- Only tables with this option are read and counted differently.

CREATE FUNCTION {{schema}}.python_rows(of_schema text, of_table text) RETURNS SETOF jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT rows
      FROM {{schema}}.chrononaut_table AS t, jsonb_array_elements(t.options -> 'python') AS rows
     WHERE t.table_schema = of_schema AND t.table_name = of_table
{{dollar}};

-- A key as Python wrote it, which names attributes, and back.
CREATE FUNCTION {{schema}}.python_key(of_key jsonb, rows jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT jsonb_object_agg(coalesce((SELECT a.key FROM jsonb_each_text(rows -> 'attributes') AS a WHERE a.value = k.key ORDER BY a.key LIMIT 1), k.key), k.value)
      FROM jsonb_each(of_key) AS k
{{dollar}};

CREATE FUNCTION {{schema}}.python_native_key(of_key jsonb, rows jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT coalesce(jsonb_object_agg(coalesce(rows -> 'attributes' ->> k.key, k.key), k.value), '{}') FROM jsonb_each(of_key) AS k
{{dollar}};

-- The last of Python's rows about a record: the one with the highest version.
CREATE FUNCTION {{schema}}.python_last(of_schema text, of_table text, of_key jsonb, OUT id bigint, OUT version integer)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    rows      jsonb;
    their_key jsonb;
    one       record;
BEGIN
    FOR rows IN SELECT r FROM {{schema}}.python_rows(of_schema, of_table) AS r LOOP
        their_key := {{schema}}.python_key(of_key, rows);
        SELECT a.id, a.version INTO one
          FROM {{schema}}.chrononaut_activity AS a
         WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
               = jsonb_hash_extended(their_key, hashtextextended('.' || (rows ->> 'name'), 0))
           AND a.key = their_key AND a.table_name || '' = rows ->> 'name' AND a.table_schema || '' IS NULL
         ORDER BY a.version DESC, a.id DESC LIMIT 1;
        IF FOUND AND (version IS NULL OR one.version > version OR one.version = version AND one.id > id) THEN
            id := one.id;
            version := one.version;
        END IF;
    END LOOP;
END
{{dollar}};

-- last_version() for tables that Python's rows may be about.
CREATE FUNCTION {{schema}}.python_last_version(of_schema text, of_table text, of_key jsonb) RETURNS integer
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT greatest({{schema}}.last_version(of_schema, of_table, of_key), ({{schema}}.python_last(of_schema, of_table, of_key)).version)
{{dollar}};

-- last_change() for such tables.
CREATE FUNCTION {{schema}}.python_last_change(of_schema text, of_table text, of_key jsonb) RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    ours   bigint := {{schema}}.last_change(of_schema, of_table, of_key);
    theirs record := {{schema}}.python_last(of_schema, of_table, of_key);
BEGIN
    RETURN CASE WHEN theirs.id IS NULL OR ours IS NOT NULL
                     AND ((SELECT a.version FROM {{schema}}.chrononaut_activity AS a WHERE a.id = ours), ours) > (theirs.version, theirs.id)
                THEN ours ELSE theirs.id END;
END
{{dollar}};

-- ----------------------------------------------------------------- values --
--
-- Python wrote values as its json module and str() write them. They are read
-- into the form of data: the value is read by the type of the column, and
-- written as the triggers write it. A value that cannot be had back is an object
-- with the single key chrononaut:lossy, its value being what Python wrote.

-- The inside of a Python string literal as that of a JSON one, as Python's json
-- module would write it.
CREATE FUNCTION {{schema}}.python_string(body text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    SET standard_conforming_strings = on
AS {{dollar}}
    SELECT coalesce(string_agg(CASE
               WHEN part[1] ~ '^[ !#-\[\]-~]' THEN part[1]
               WHEN part[1] = '"' THEN '\"'
               WHEN part[1] = '\''' THEN ''''
               WHEN part[1] = '\"' THEN '\"'
               WHEN part[1] IN ('\\', '\n', '\r', '\t') THEN part[1]
               WHEN code = 8 THEN '\b'
               WHEN code = 9 THEN '\t'
               WHEN code = 10 THEN '\n'
               WHEN code = 13 THEN '\r'
               WHEN code = 12 THEN '\f'
               WHEN code > 65535 THEN '\u' || to_hex(55296 + ((code - 65536) >> 10)) || '\u' || to_hex(56320 + ((code - 65536) & 1023))
               ELSE '\u' || lpad(to_hex(code), 4, '0') END, '' ORDER BY place), '')
      FROM (SELECT part, place,
                   CASE WHEN part[1] ~ '^\\[xuU]' THEN ('x' || lpad(substr(part[1], 3), 8, '0'))::bit(32)::integer
                        WHEN part[1] !~ '^\\' THEN ascii(part[1]) END AS code
              FROM regexp_matches(body, '[ !#-\[\]-~]+|"|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\.|[^ -~]', 'g') WITH ORDINALITY AS m (part, place)) AS parts
{{dollar}};

-- The bytes of a Python bytes literal, or NULL when it is none.
CREATE FUNCTION {{schema}}.python_bytes(literal text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    SET standard_conforming_strings = on
AS {{dollar}}
    SELECT CASE WHEN literal ~ '^b''([ !"#-&(-\[\]-~]|\\[\\''tnr]|\\x[0-9a-f]{2})*''$' OR literal ~ '^b"([ !#-\[\]-~]|\\[\\tnr]|\\x[0-9a-f]{2})*"$'
                THEN coalesce((SELECT string_agg(CASE
                                   WHEN part[1] ~ '^\\x' THEN decode(substr(part[1], 3), 'hex')
                                   WHEN part[1] = '\n' THEN '\x0a'::bytea WHEN part[1] = '\r' THEN '\x0d'::bytea WHEN part[1] = '\t' THEN '\x09'::bytea
                                   WHEN part[1] ~ '^\\' THEN convert_to(substr(part[1], 2), 'UTF8')
                                   ELSE convert_to(part[1], 'UTF8') END, ''::bytea ORDER BY place)
                                 FROM regexp_matches(substr(literal, 3, length(literal) - 3), '[^\\]+|\\x[0-9a-f]{2}|\\.', 'g') WITH ORDINALITY AS m (part, place)), '') END
{{dollar}};

-- What a member of a Python enum stands for, or NULL when nothing says so.
CREATE FUNCTION {{schema}}.python_member(member text, enums jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT CASE WHEN enums ? member THEN enums ->> member
                WHEN enums -> (regexp_match(member, '^(.*)\.[^.]*$'))[1] = 'null' THEN (regexp_match(member, '\.([^.]*)$'))[1] END
{{dollar}};

-- The repr() of a date, datetime, time or timedelta as text that PostgreSQL
-- reads, or NULL.
CREATE FUNCTION {{schema}}.python_datetime(literal text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    SET IntervalStyle = 'postgres'
    SET standard_conforming_strings = on
AS {{dollar}}
DECLARE
    head    text[] := regexp_match(literal, '^datetime\.(date|datetime|time|timedelta)\((.*)\)$');
    parts   text[];
    fields  text[];
    seconds integer;
    zone    text := '';
    day     text := '';
BEGIN
    IF head[1] = 'timedelta' THEN
        parts := regexp_match(head[2], '^(?:0|(?:days=(-?[0-9]+))?(?:, |^)?(?:seconds=([0-9]+))?(?:, |^)?(?:microseconds=([0-9]+))?)$');
        RETURN coalesce(parts[1], '0') || ' days +' || coalesce(parts[2], '0') || '.' || lpad(coalesce(parts[3], '0'), 6, '0') || ' seconds';
    END IF;
    parts := regexp_match(head[2], '^([0-9]+(?:, [0-9]+)*)(?:, fold=1)?(?:, tzinfo=datetime\.timezone(?:\.(utc)|\((.*)\)))?$');
    fields := string_to_array(parts[1], ', ');
    IF parts[2] IS NOT NULL THEN
        zone := '+00';
    ELSIF parts[3] IS NOT NULL THEN
        seconds := extract(epoch FROM {{schema}}.python_datetime(parts[3])::interval);
        zone := CASE WHEN seconds < 0 THEN '-' ELSE '+' END || to_char(make_interval(secs => abs(seconds)), 'HH24:MI:SS');
    END IF;
    IF head[1] <> 'time' THEN
        day := lpad(fields[1], 4, '0') || '-' || lpad(fields[2], 2, '0') || '-' || lpad(fields[3], 2, '0');
        IF head[1] = 'date' THEN
            RETURN day;
        END IF;
        day := day || ' ';
        fields := fields[4:];
    END IF;
    RETURN day || lpad(fields[1], 2, '0') || ':' || lpad(fields[2], 2, '0') || ':' || lpad(coalesce(fields[3], '0'), 2, '0')
        || coalesce('.' || lpad(fields[4], 6, '0'), '') || zone;
END
{{dollar}};

-- A Python list, tuple or dict as JSON text, spaced as Python's json module
-- does it; NULL when the text is none. Only what repr() itself would write is
-- read, so that other text is not taken for one: its spaces, its choice of
-- quotes. Elements may be what drivers make of values: Decimal, UUID, datetime
-- and its kin, as strings; members of an enum, as enums says.
CREATE FUNCTION {{schema}}.python_json(literal text, enums jsonb DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    SET standard_conforming_strings = on
AS {{dollar}}
DECLARE
    token   text;
    image   text;
    output  text[] := '{}';
    stack   text := '';       -- the open brackets
    is_key  boolean := false; -- a value here would be a key of a dict
    matched integer := 0;
BEGIN
    IF literal !~ '^[[({].*[])}]$' THEN
        RETURN NULL;
    END IF;
    FOR token IN
        SELECT m[1] FROM regexp_matches(literal,
            '(''(?:[^''\\]|\\.)*''|"(?:[^"\\]|\\.)*"'
            || '|-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?'
            || '|None|True|False'
            || '|Decimal\(''[^'']*''\)|UUID\(''[^'']*''\)'
            || '|datetime\.[a-z]+\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)'
            || '|<[A-Za-z_][A-Za-z_0-9.]*: (?:''(?:[^''\\]|\\.)*''|"(?:[^"\\]|\\.)*"|-?[0-9.]+)>'
            || '|, |,\)|: |[][{}()])', 'g') AS m
    LOOP
        matched := matched + length(token);
        CASE
        WHEN token IN ('[', '{', '(') THEN
            IF is_key OR stack = '' AND output <> '{}' THEN
                RETURN NULL;
            END IF;
            stack := stack || token;
            is_key := token = '{';
            image := CASE token WHEN '{' THEN '{' ELSE '[' END;
        WHEN token IN (']', '}', ')', ',)') THEN
            -- A tuple of one is written with a comma.
            IF right(stack, 1) || right(token, 1) NOT IN ('[]', '{}', '()') THEN
                RETURN NULL;
            END IF;
            stack := left(stack, -1);
            is_key := false;
            image := CASE token WHEN '}' THEN '}' ELSE ']' END;
        WHEN token = ', ' THEN
            is_key := right(stack, 1) = '{';
            image := token;
        WHEN token = ': ' THEN
            is_key := false;
            image := token;
        ELSE
            CASE
            WHEN token ~ '^[''"]' THEN
                -- repr() takes double quotes where only single ones are inside.
                IF (CASE WHEN token ~ '^"' THEN token !~ '''' OR substr(token, 2, length(token) - 2) ~ '"'
                         ELSE replace(substr(token, 2, length(token) - 2), '\\', '') ~ '''' AND token !~ '"' END) THEN
                    RETURN NULL;
                END IF;
                image := '"' || {{schema}}.python_string(substr(token, 2, length(token) - 2)) || '"';
            WHEN token = 'None' THEN image := 'null';
            WHEN token = 'True' THEN image := 'true';
            WHEN token = 'False' THEN image := 'false';
            WHEN token ~ '^[DU]' THEN image := '"' || split_part(token, '''', 2) || '"';
            WHEN token ~ '^datetime' THEN image := '"' || {{schema}}.python_datetime(token) || '"';
            WHEN token ~ '^<' THEN image := to_json({{schema}}.python_member(split_part(substr(token, 2), ':', 1), enums))::text;
            ELSE image := token;
            END CASE;
            -- A key of a JSON object is text.
            IF is_key AND image !~ '^"' THEN
                image := '"' || image || '"';
            END IF;
        END CASE;
        IF image IS NULL THEN
            RETURN NULL;
        END IF;
        output := output || image;
    END LOOP;
    IF stack <> '' OR matched <> length(literal) THEN
        RETURN NULL;
    END IF;
    image := array_to_string(output, '');
    -- Commas and colons in the wrong place.
    PERFORM image::json;
    RETURN image;
EXCEPTION WHEN {{template "misfit"}} THEN
    RETURN NULL;
END
{{dollar}};

CREATE FUNCTION {{schema}}.python_lossy(value jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}} SELECT jsonb_build_object('chrononaut:lossy', value) {{dollar}};

-- A state without its lossy values, for reading typed columns.
CREATE FUNCTION {{schema}}.python_readable(data jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT CASE WHEN data::text LIKE '%"chrononaut:lossy"%'
                THEN (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') FROM jsonb_each(data) AS e
                       WHERE jsonb_typeof(e.value) <> 'object' OR NOT e.value ? 'chrononaut:lossy')
                ELSE data END
{{dollar}};

-- One value as Python wrote it, in the form of data. kind names the type of the
-- column where it is read in a way of its own, form and pinned are what the
-- column's values are read and written by, prototype only says the type.
CREATE FUNCTION {{schema}}.python_value(value jsonb, kind text, form text, pinned boolean, prototype anyelement, enums jsonb, zone text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    written text := value #>> '{}';
    what    text := jsonb_typeof(value);
    member  text;
    json    text;
    parts   text[];
    typed   prototype%TYPE;
    image   jsonb;
BEGIN
    IF value IS NULL OR what = 'null' THEN
        RETURN value;
    END IF;
    IF what = 'string' THEN
        member := {{schema}}.python_member(written, enums);
        -- Of a class that is declared, but not all of it.
        IF member IS NULL AND EXISTS (SELECT FROM jsonb_object_keys(enums) AS k
                                       WHERE split_part(k, '.', 1) = split_part(written, '.', 1) AND written ~ '^[A-Za-z_0-9.]+$' AND written ~ '\.') THEN
            RETURN {{schema}}.python_lossy(value);
        END IF;
        written := coalesce(member, written);
        IF written ~ '^[[{(]' AND kind IN ('json', 'jsonb', 'array', 'hstore') THEN
            json := {{schema}}.python_json(written, enums);
        END IF;
    END IF;
    CASE
    WHEN kind = 'json' THEN
        RETURN {{schema}}.image_text(coalesce(json, CASE
            WHEN what = 'string' THEN '"' || {{schema}}.python_string(replace(written, '\', '\\')) || '"'
            ELSE value::text END));
    WHEN kind = 'jsonb' THEN
        RETURN {{schema}}.image_jsonb(coalesce(json::jsonb, value));
    WHEN kind = 'bytea' AND written !~ '^\\x' THEN
        RETURN coalesce(to_jsonb({{schema}}.python_bytes(written)), {{schema}}.python_lossy(value));
    WHEN kind = 'array' AND (json IS NOT NULL OR what = 'array') THEN
        typed := {{schema}}.read_json(coalesce(json::jsonb, value), prototype);
    WHEN kind = 'hstore' AND (json IS NOT NULL OR what = 'object') THEN
        written := (SELECT coalesce(string_agg({{schema}}.python_quoted(e.key) || '=>' || coalesce({{schema}}.python_quoted(e.value), 'NULL'), ','), '')
                      FROM jsonb_each_text(coalesce(json::jsonb, value)) AS e);
        typed := written;
    WHEN kind = 'interval' AND written ~ '^(-?[0-9]+ days?, )?[0-9]+:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?$' THEN
        typed := regexp_replace(written, ' days?, ', ' days +');
    WHEN kind = 'timestamp' AND written ~ 'T.*[+-][0-9]{2}(:?[0-9]{2}){0,2}$' THEN
        -- Python took it for local time, and wrote it as UTC.
        typed := written::timestamptz AT TIME ZONE zone;
    WHEN kind = 'range' AND written ~ '^[[(].*, .*[])]$' THEN
        parts := regexp_match(written, '^([[(])(.*), (.*)([])])$');
        IF parts[2] ~ ', ' THEN
            RETURN {{schema}}.python_lossy(value);
        END IF;
        typed := parts[1] || CASE WHEN parts[2] = 'None' THEN '' ELSE {{schema}}.python_quoted(parts[2]) END || ','
                          || CASE WHEN parts[3] = 'None' THEN '' ELSE {{schema}}.python_quoted(parts[3]) END || parts[4];
    WHEN what IN ('object', 'array') THEN
        IF form <> 'record' THEN
            RETURN {{schema}}.python_lossy(value);
        END IF;
        typed := {{schema}}.read_json(value, prototype);
    WHEN pinned THEN
        typed := {{schema}}.read_text(written, prototype);
    ELSE
        typed := written;
    END CASE;
    CASE form
    WHEN 'xml' THEN image := to_jsonb(typed::text);
    WHEN 'text' THEN image := {{schema}}.image_text(typed::text);
    WHEN 'array' THEN image := {{schema}}.image_array(typed);
    WHEN 'float', 'floats' THEN image := {{schema}}.image_float(typed);
    ELSE image := to_jsonb(typed);
    END CASE;
    RETURN coalesce(image, {{schema}}.python_lossy(value));
EXCEPTION WHEN {{template "misfit"}} THEN
    RETURN {{schema}}.python_lossy(value);
END
{{dollar}};

-- Text between double quotes, for the input of hstore and of ranges.
CREATE FUNCTION {{schema}}.python_quoted(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    SET standard_conforming_strings = on
AS {{dollar}} SELECT '"' || replace(replace(value, '\', '\\'), '"', '\"') || '"' {{dollar}};

-- SQL that turns data of Python's rows, which reference is SQL for, into the
-- form of a table's own rows. What is no column of the table now stays as it is.
CREATE FUNCTION {{schema}}.python_data_sql(of_schema text, of_table text, rows jsonb, reference text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET standard_conforming_strings = on
AS {{dollar}}
    WITH columns AS (
        SELECT a.attname::text AS name, a.attnum, {{schema}}.column_form(a.atttypid) AS form, {{schema}}.depends_on_settings(a.atttypid) AS pinned,
               quote_ident(n.nspname) || '.' || quote_ident(b.typname) AS type_name,
               coalesce((SELECT e.key FROM jsonb_each_text(rows -> 'attributes') AS e WHERE e.value = a.attname ORDER BY e.key LIMIT 1), a.attname::text) AS attribute,
               rows -> 'enums' -> a.attname::text AS enums,
               CASE WHEN b.oid IN ('json'::regtype, 'jsonb'::regtype, 'bytea'::regtype, 'interval'::regtype, 'text'::regtype) THEN b.typname::text
                    WHEN b.oid = 'varchar'::regtype THEN 'text'
                    WHEN b.oid = 'timestamp'::regtype THEN 'timestamp'
                    WHEN b.oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype) THEN 'number'
                    WHEN b.oid = 'bool'::regtype THEN 'boolean'
                    WHEN b.typinput = 'array_in'::regproc THEN 'array' WHEN b.typtype = 'r' THEN 'range'
                    WHEN b.typname = 'hstore' THEN 'hstore' ELSE '' END AS kind
          FROM pg_attribute AS a
          JOIN pg_type AS b ON b.oid = {{schema}}.base_type(a.atttypid)
          JOIN pg_namespace AS n ON n.oid = b.typnamespace
         WHERE a.attrelid = to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table)) AND a.attnum > 0 AND NOT a.attisdropped
    ), parts AS (
        SELECT c.name, c.attnum, c.attribute, v.value, v.plain,
               {{literal (print schema ".python_value(")}} || format('%s, %L, %L, %L, NULL::%s, %L::jsonb, %L)',
                      v.value, c.kind, c.form, c.pinned, c.type_name, c.enums, coalesce(rows ->> 'timezone', 'UTC')) AS call
          FROM columns AS c,
               LATERAL (SELECT '(' || reference || ' -> ' || quote_literal(c.attribute) || ')' AS value,
                               -- What is in the form of data already needs no care.
                               CASE WHEN c.enums IS NULL THEN CASE c.kind WHEN 'text' THEN 'string' WHEN 'number' THEN 'number' WHEN 'boolean' THEN 'boolean' END END AS plain) AS v
         -- An attribute of that name is declared to be no column of this table.
         WHERE c.attribute <> c.name OR coalesce(rows -> 'attributes' ->> c.name, c.name) = c.name AND coalesce(rows -> 'attributes' -> c.name, '""') <> 'null'
    )
    SELECT '(' || reference || ' - '
           || quote_literal(ARRAY(SELECT p.attribute FROM parts AS p
                            UNION SELECT e.key FROM jsonb_each(rows -> 'attributes') AS e)::text) || '::text[]'
           || coalesce(' || coalesce((SELECT pg_catalog.jsonb_object_agg(p.name, p.value) FROM (VALUES '
           || string_agg(CASE WHEN p.plain IS NULL THEN format('(%L, %s)', p.name, p.call)
                              ELSE format('(%1$L, CASE WHEN pg_catalog.jsonb_typeof(%2$s) IN (%3$L, ''null'') THEN %2$s ELSE %4$s END)', p.name, p.value, p.plain, p.call) END,
                         ', ' ORDER BY p.attnum)
           || ') AS p (name, value) WHERE p.value IS NOT NULL), ''{}'')', '') || ')'
      FROM parts AS p
{{dollar}};

-- A state as Python wrote it, in the form of the table's own rows.
CREATE FUNCTION {{schema}}.python_data(of_schema text, of_table text, written_name text, data jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    rows   jsonb;
    result jsonb;
BEGIN
    SELECT r INTO rows FROM {{schema}}.python_rows(of_schema, of_table) AS r WHERE r ->> 'name' = written_name;
    IF rows IS NULL THEN
        RETURN data;
    END IF;
    EXECUTE 'SELECT ' || {{schema}}.python_data_sql(of_schema, of_table, rows, '$1') INTO result USING data;
    RETURN result;
END
{{dollar}};
