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
