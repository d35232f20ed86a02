-- A write that is based on another version than the present one is refused. The
-- version triggers look at the version column of the rows that they get; what is
-- here is called when a value in it is neither the present version nor the next.

-- The newest rows of history about a key, with versions between two bounds, both
-- exclusive, under the present names of the table and its columns. A row of Python
-- chrononaut has the form of the table's own.
CREATE FUNCTION {{schema}}.record_rows(of_schema text, of_table text, of_key jsonb, above integer, below integer, at_most bigint)
    RETURNS TABLE (id bigint, changed timestamptz, version integer, operation text, previous_key jsonb, data jsonb, user_info jsonb, extra_info jsonb)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    WITH source AS (
        SELECT t.table_schema AS in_schema, t.table_name AS in_table, of_key AS key, NULL::jsonb AS columns,
               coalesce((t.options ->> 'after')::bigint, 0) AS after, NULL::bigint AS up_to
          FROM {{schema}}.chrononaut_table AS t
         WHERE t.table_schema = of_schema AND t.table_name = of_table
        UNION ALL
        SELECT r ->> 'schema', r ->> 'name',
               {{schema}}.renamed_data(of_key, (SELECT jsonb_object_agg(c.value, c.key) FROM jsonb_each_text(r -> 'columns') AS c)),
               r -> 'columns', (r ->> 'after')::bigint, (r ->> 'up_to')::bigint
          FROM {{schema}}.chrononaut_table AS t, jsonb_array_elements(t.options -> 'renames') AS r
         WHERE t.table_schema = of_schema AND t.table_name = of_table
    )
    SELECT f.id, f.changed, f.version, f.operation, f.previous_key, f.data, f.user_info, f.extra_info
      FROM (SELECT o.id, o.changed, o.version, o.operation, {{schema}}.renamed_data(o.previous_key, s.columns) AS previous_key,
                   {{schema}}.renamed_data(o.data, s.columns) AS data, o.user_info, {{schema}}.renamed_info(o.extra_info, s.columns) AS extra_info
              FROM source AS s
             CROSS JOIN LATERAL
                   (SELECT a.*
                      FROM {{schema}}.chrononaut_activity AS a
                     WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                           = jsonb_hash_extended(s.key, hashtextextended(s.in_schema || '.' || s.in_table, 0))
                       AND a.key = s.key AND a.table_name || '' = s.in_table AND a.table_schema || '' = s.in_schema
                       AND a.id > s.after AND (s.up_to IS NULL OR a.id <= s.up_to)
                       AND (above IS NULL OR a.version > above) AND (below IS NULL OR a.version < below)
                     ORDER BY a.version DESC, a.id DESC LIMIT at_most) AS o
            UNION ALL
            SELECT o.id, o.changed, o.version, o.operation, NULL,
                   {{schema}}.python_data(of_schema, of_table, o.table_name, o.data), o.user_info, o.extra_info
              FROM {{schema}}.python_rows(of_schema, of_table) AS p (rows)
             CROSS JOIN LATERAL
                   (SELECT a.*
                      FROM {{schema}}.chrononaut_activity AS a
                     WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                           = jsonb_hash_extended({{schema}}.python_key(of_key, p.rows), hashtextextended('.' || (p.rows ->> 'name'), 0))
                       AND a.key = {{schema}}.python_key(of_key, p.rows) AND a.table_name || '' = p.rows ->> 'name' AND a.table_schema || '' IS NULL
                       AND (above IS NULL OR a.version > above) AND (below IS NULL OR a.version < below)
                     ORDER BY a.version DESC, a.id DESC LIMIT at_most) AS o) AS f
     ORDER BY f.version DESC, f.id DESC LIMIT at_most
{{dollar}};

-- The change that took a key from its record, if nothing has had the key since.
CREATE FUNCTION {{schema}}.key_departure(of_schema text, of_table text, of_key jsonb)
    RETURNS TABLE (id bigint, changed timestamptz, version integer, operation text, previous_key jsonb, data jsonb, user_info jsonb, extra_info jsonb)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT a.id, a.changed, a.version, a.operation, a.previous_key,
           {{schema}}.renamed_state(t.options -> 'renames', a.table_schema, a.table_name, a.id, a.data), a.user_info, a.extra_info
      FROM (SELECT CASE WHEN t.options ? 'renames' THEN {{schema}}.renamed_last_change(of_schema, of_table, of_key)
                        WHEN t.options ? 'python' THEN {{schema}}.python_last_change(of_schema, of_table, of_key)
                        ELSE {{schema}}.last_change(of_schema, of_table, of_key) END AS last, t.options
              FROM {{schema}}.chrononaut_table AS t
             WHERE t.table_schema = of_schema AND t.table_name = of_table
            OFFSET 0) AS t
      JOIN {{schema}}.chrononaut_activity AS a ON a.id = t.last
     WHERE {{schema}}.renamed_state(t.options -> 'renames', a.table_schema, a.table_name, a.id, a.previous_key) = of_key
{{dollar}};

-- The columns in which two states differ. A column that is not there is NULL.
CREATE FUNCTION {{schema}}.changed_columns(before jsonb, after jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT ARRAY(SELECT name FROM jsonb_object_keys(before || after) AS name
                  WHERE coalesce(before -> name, 'null') <> coalesce(after -> name, 'null') ORDER BY name)
{{dollar}};

-- The hidden columns that a change set.
CREATE FUNCTION {{schema}}.hidden_columns(extra_info jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT ARRAY(SELECT jsonb_array_elements_text(CASE WHEN jsonb_typeof(extra_info -> 'hidden_cols_changed') = 'array'
                                                       THEN extra_info -> 'hidden_cols_changed' ELSE '[]' END))
{{dollar}};

-- Whether a change began a life of the record.
CREATE FUNCTION {{schema}}.began_life(operation text, extra_info jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT coalesce(operation = 'insert' OR operation = 'restore' AND extra_info -> 'restore' ->> 'operation' = 'insert', false)
{{dollar}};

-- What is told of a change, given the states before and after it, without the
-- version. Without the state before it is not known which columns it set, unless
-- it began a life.
CREATE FUNCTION {{schema}}.change_summary(version integer, changed timestamptz, operation text, user_info jsonb, extra_info jsonb, before jsonb, after jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT jsonb_build_object(
        'version', version,
        'changed', {{schema}}.iso_time(changed),
        'operation', coalesce(operation, ''),
        'actor', coalesce(user_info ->> 'user_id', ''),
        'rationale', left(coalesce(extra_info ->> 'rationale', ''), 1000),
        'columns', to_jsonb({{schema}}.changed_columns(
                       CASE WHEN {{schema}}.began_life(operation, extra_info) THEN '{}' ELSE coalesce(before, after) END, after)
                   || {{schema}}.hidden_columns(extra_info)))
{{dollar}};

-- What has happened to the record that has a key, or had it last, since it was at
-- a version: an object with the members
--
--   changes   the newest 50 changes, newest first: version, changed, operation,
--             actor, rationale, columns
--   more      whether there were others
--   since     the columns that are not what they were, and the hidden ones that
--             were set
--   base      the state at that version; null when history does not have it, or
--             the record was deleted since and came back
--
-- present is the state now, in the form of data without the version; without it
-- that after the newest change is meant. Hidden columns are only named.
CREATE FUNCTION {{schema}}.changes_since(of_schema text, of_table text, of_key jsonb, of_version integer, present jsonb DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    listed  CONSTANT integer := 50;
    looked  CONSTANT integer := 10000;
    page    CONSTANT integer := 500;
    zero    text[];              -- what data says of the version
    part    jsonb := of_key;
    below   integer;
    one     record;
    later   record;              -- the change after it
    walked  integer := 0;
    counted   integer;
    moved   boolean;
    ended   boolean := false;
    base    jsonb;
    hidden  text[] := '{}';
    changes jsonb[] := '{}';
BEGIN
    of_version := greatest(of_version, -1);
    SELECT coalesce(t.options ->> 'version_column', 'version')
           || CASE WHEN EXISTS (SELECT FROM pg_attribute AS a
                                 WHERE a.attrelid = to_regclass(quote_ident(of_schema) || '.' || quote_ident(of_table))
                                   AND a.attname = 'version' AND NOT a.attisdropped) THEN '{}'::text[] ELSE '{version}' END
      INTO zero
      FROM {{schema}}.chrononaut_table AS t WHERE t.table_schema = of_schema AND t.table_name = of_table;

    -- The record may have another key by now.
    SELECT d.* INTO later FROM {{schema}}.key_departure(of_schema, of_table, of_key) AS d WHERE d.version > of_version;
    IF FOUND THEN
        walked := 1;
        hidden := {{schema}}.hidden_columns(later.extra_info);
        present := coalesce(present, later.data - zero);
    END IF;
    -- From the newest change back. A part of the record's life is a key, down to
    -- the change that gave the record this key.
    <<life>>
    LOOP
        counted := 0;
        moved := false;
        FOR one IN SELECT r.* FROM {{schema}}.record_rows(of_schema, of_table, part, of_version - 1, below, page) AS r LOOP
            IF walked BETWEEN 1 AND listed THEN
                changes := changes || {{schema}}.change_summary(later.version, later.changed, later.operation, later.user_info, later.extra_info,
                                                                one.data - zero, later.data - zero);
            END IF;
            IF one.version <= of_version THEN
                base := CASE WHEN NOT ended THEN one.data - zero END;
                EXIT life;
            END IF;
            walked := walked + 1;
            counted := counted + 1;
            present := coalesce(present, one.data - zero);
            IF one.operation IN ('delete', 'truncate') OR {{schema}}.began_life(one.operation, one.extra_info) THEN
                ended := true;
            END IF;
            hidden := hidden || {{schema}}.hidden_columns(one.extra_info);
            later := one;
            below := one.version;
            IF one.previous_key IS NOT NULL THEN
                part := one.previous_key;
                moved := true;
                EXIT;
            END IF;
        END LOOP;
        IF walked >= looked OR NOT moved AND counted < page THEN
            IF walked BETWEEN 1 AND listed THEN
                changes := changes || {{schema}}.change_summary(later.version, later.changed, later.operation, later.user_info, later.extra_info,
                                                                NULL, later.data - zero);
            END IF;
            EXIT;
        END IF;
    END LOOP;

    RETURN jsonb_build_object(
        'changes', to_jsonb(changes),
        'more', walked > listed,
        'since', to_jsonb(ARRAY(SELECT name FROM unnest({{schema}}.changed_columns(base, present) || hidden) AS name GROUP BY name ORDER BY name)),
        'base', base);
END
{{dollar}};

-- The same for a version trigger, whose owner may not read the registry; NULL for a
-- table that Python chrononaut writes too: it counts for itself and does not look.
CREATE FUNCTION {{schema}}.stale_changes(of_schema text, of_table text, of_key jsonb, of_version integer, present jsonb) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT {{schema}}.changes_since(of_schema, of_table, of_key, of_version, present)
     WHERE NOT EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t
                        WHERE t.table_schema = of_schema AND t.table_name = of_table AND t.options @> '{"shared_with_python": true}')
{{dollar}};

REVOKE EXECUTE ON FUNCTION {{schema}}.stale_changes(text, text, jsonb, integer, jsonb) FROM PUBLIC;

-- Called by a version trigger when an UPDATE gives the version column a value
-- that is neither that of the row nor the next: refuses it, and says what has
-- happened since that version. columns are those that history does not hold:
-- whether they were set is seen, who else has set them only of hidden ones.
CREATE FUNCTION {{schema}}.stale_write(relation oid, of_schema text, of_table text, version_column text, columns text[], old_row record, new_row record, based_on integer, present_version integer)
    RETURNS void
    LANGUAGE plpgsql
    {{template "all_settings"}}
AS {{dollar}}
DECLARE
    record_key jsonb;
    present    jsonb;
    given      jsonb;
    name       text;
    differs    boolean;
    report     jsonb;
    mine       text[];
    since      text[];
BEGIN
    -- The row comes by logical replication, which brings the version that the
    -- publisher counted. No statement can set the source of the setting.
    IF EXISTS (SELECT FROM pg_settings AS s WHERE s.name = 'session_replication_role' AND s.setting = 'replica' AND s.source = 'override') THEN
        RETURN;
    END IF;

    EXECUTE 'SELECT ' || {{schema}}.key_sql(relation, '($1)')
         || ', ' || {{schema}}.image_sql(relation, columns || version_column, '($1)')
         || ', ' || {{schema}}.image_sql(relation, columns || version_column, '($2)')
       INTO record_key, present, given USING old_row, new_row;
    report := {{schema}}.stale_changes(of_schema, of_table, record_key, based_on, present);
    IF report IS NULL THEN
        RETURN;
    END IF;

    -- The writer's own columns are those that it gives another value than they have,
    -- and than they had at its version.
    mine := ARRAY(SELECT c.name FROM unnest({{schema}}.changed_columns(present, given)) AS c (name)
                   WHERE report -> 'base' = 'null' OR coalesce(report -> 'base' -> c.name, 'null') <> coalesce(given -> c.name, 'null'));
    FOREACH name IN ARRAY columns LOOP
        IF EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = name AND NOT a.attisdropped AND a.attgenerated <> 'v') THEN
            EXECUTE format('SELECT ROW(($1).%1$I)::record *<> ROW(($2).%1$I)::record', name) INTO differs USING old_row, new_row;
            IF differs THEN
                mine := mine || name;
            END IF;
        END IF;
    END LOOP;
    since := ARRAY(SELECT jsonb_array_elements_text(report -> 'since'));

    RAISE EXCEPTION USING
        ERRCODE = 'TM017',
        MESSAGE = format('stale write to table %I.%I: based on %s, the record is at version %s', of_schema, of_table,
                         coalesce('version ' || based_on, 'no version'), coalesce(present_version, 0)),
        DETAIL = report - 'base' || jsonb_build_object(
            'table_schema', of_schema, 'table_name', of_table, 'expected', based_on, 'actual', coalesce(present_version, 0),
            'based', report -> 'base' <> 'null', 'mine', to_jsonb(mine),
            'overlap', to_jsonb(ARRAY(SELECT m FROM unnest(mine) AS m WHERE m = ANY (since)))),
        HINT = 'Read the record again, and repeat the change on what it is now.',
        SCHEMA = of_schema, TABLE = of_table;
END
{{dollar}};
