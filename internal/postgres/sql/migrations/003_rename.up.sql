-- Columns and tables get other names; history is not rewritten. The options of a
-- table in the registry declare what its older rows are called:
--   "renames": [{"schema", "name": of the table in those rows,
--                "after", "up_to": their ids, from exclusive to inclusive,
--                "columns": {name of a column in those rows: its present name}}]
--   "after":   rows of the table's present name up to this id are not its own,
--              unless "renames" says so
-- Only tables with these options are read and counted differently.

-- Names that are not in the object, or not in columns, stay as they are. The same
-- function maps states and keys.
CREATE FUNCTION {{schema}}.renamed_data(data jsonb, columns jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT CASE WHEN columns IS NULL OR NOT data ?| ARRAY(SELECT jsonb_object_keys(columns)) THEN data
                ELSE data - ARRAY(SELECT jsonb_object_keys(columns))
                     || (SELECT jsonb_object_agg(c.value, data -> c.key) FROM jsonb_each_text(columns) AS c WHERE data ? c.key) END
{{dollar}};

-- The names of hidden columns that a change set.
CREATE FUNCTION {{schema}}.renamed_info(extra_info jsonb, columns jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT CASE WHEN columns IS NULL OR jsonb_typeof(extra_info -> 'hidden_cols_changed') IS DISTINCT FROM 'array' THEN extra_info
                ELSE jsonb_set(extra_info, '{hidden_cols_changed}',
                               (SELECT coalesce(jsonb_agg(coalesce(columns -> (h.name #>> '{}'), h.name) ORDER BY h.place), '[]')
                                  FROM jsonb_array_elements(extra_info -> 'hidden_cols_changed') WITH ORDINALITY AS h (name, place))) END
{{dollar}};

-- The highest version that a key had under older names.
CREATE FUNCTION {{schema}}.renamed_version(of_schema text, of_table text, of_key jsonb) RETURNS integer
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT max({{schema}}.last_version(r ->> 'schema', r ->> 'name',
                   {{schema}}.renamed_data(of_key, (SELECT jsonb_object_agg(c.value, c.key) FROM jsonb_each_text(r -> 'columns') AS c))))
      FROM {{schema}}.chrononaut_table AS t, jsonb_array_elements(t.options -> 'renames') AS r
     WHERE t.table_schema = of_schema AND t.table_name = of_table
{{dollar}};

-- last_version() for tables with renames.
CREATE FUNCTION {{schema}}.renamed_last_version(of_schema text, of_table text, of_key jsonb) RETURNS integer
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT greatest({{schema}}.python_last_version(of_schema, of_table, of_key), {{schema}}.renamed_version(of_schema, of_table, of_key))
{{dollar}};

-- A state or a key of a row of history under the present names.
CREATE FUNCTION {{schema}}.renamed_state(renames jsonb, row_schema text, row_table text, row_id bigint, data jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    r jsonb;
BEGIN
    FOR r IN SELECT e.r FROM jsonb_array_elements(renames) WITH ORDINALITY AS e (r, place) ORDER BY e.place LOOP
        IF r ->> 'schema' = row_schema AND r ->> 'name' = row_table
           AND row_id > (r ->> 'after')::bigint AND row_id <= (r ->> 'up_to')::bigint THEN
            data := {{schema}}.renamed_data(data, r -> 'columns');
        END IF;
    END LOOP;
    RETURN data;
END
{{dollar}};

-- last_change() for tables with renames.
CREATE FUNCTION {{schema}}.renamed_last_change(of_schema text, of_table text, of_key jsonb) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    WITH source AS (
        SELECT of_schema AS in_schema, of_table AS in_table, of_key AS key,
               coalesce((t.options ->> 'after')::bigint, 0) AS after, NULL::bigint AS up_to
          FROM {{schema}}.chrononaut_table AS t
         WHERE t.table_schema = of_schema AND t.table_name = of_table
        UNION ALL
        SELECT r ->> 'schema', r ->> 'name',
               {{schema}}.renamed_data(of_key, (SELECT jsonb_object_agg(c.value, c.key) FROM jsonb_each_text(r -> 'columns') AS c)),
               (r ->> 'after')::bigint, (r ->> 'up_to')::bigint
          FROM {{schema}}.chrononaut_table AS t, jsonb_array_elements(t.options -> 'renames') AS r
         WHERE t.table_schema = of_schema AND t.table_name = of_table
    )
    SELECT CASE WHEN parted.id IS NULL OR latest.version >= parted.version OR latest.id > parted.id THEN latest.id ELSE parted.id END
      FROM (VALUES (1)) AS one (x)
      LEFT JOIN LATERAL
           (SELECT c.id, c.version
              FROM (SELECT a.id, a.version
                      FROM source AS s
                     CROSS JOIN LATERAL
                           (SELECT a.id, a.version
                              FROM {{schema}}.chrononaut_activity AS a
                             WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                                   = jsonb_hash_extended(s.key, hashtextextended(s.in_schema || '.' || s.in_table, 0))
                               AND a.key = s.key AND a.table_name || '' = s.in_table AND a.table_schema || '' = s.in_schema
                               AND a.id > s.after AND (s.up_to IS NULL OR a.id <= s.up_to)
                             ORDER BY a.version DESC, a.id DESC LIMIT 1) AS a
                    UNION ALL
                    SELECT p.id, p.version FROM {{schema}}.python_last(of_schema, of_table, of_key) AS p WHERE p.id IS NOT NULL) AS c
             ORDER BY c.version DESC, c.id DESC LIMIT 1) AS latest ON true
      LEFT JOIN LATERAL
           (SELECT a.id, a.version
              FROM source AS s
             CROSS JOIN LATERAL
                   (SELECT a.id, a.version
                      FROM {{schema}}.chrononaut_activity AS a
                     WHERE jsonb_hash_extended(a.previous_key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
                           = jsonb_hash_extended(s.key, hashtextextended(s.in_schema || '.' || s.in_table, 0))
                       AND a.previous_key IS NOT NULL
                       AND a.previous_key = s.key AND a.table_name || '' = s.in_table AND a.table_schema || '' = s.in_schema
                       AND a.id > s.after AND (s.up_to IS NULL OR a.id <= s.up_to)
                     ORDER BY a.version DESC, a.id DESC LIMIT 1) AS a
             ORDER BY a.version DESC, a.id DESC LIMIT 1) AS parted ON true
{{dollar}};
