-- What the triggers of statements may take for granted: that a table still is as it
-- was when they were generated, and that the version on a row is the last one that
-- history has of it.

-- The name of a type, qualified, without what its modifier says.
CREATE FUNCTION {{schema}}.type_name(type_id oid) RETURNS text
    LANGUAGE sql STABLE
    RETURN (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname)
              FROM pg_catalog.pg_type AS t
              JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
             WHERE t.oid = type_id);

-- The columns of a relation in their order. They come from its row type: the catalog is
-- read as the snapshot of the transaction has it, which may be older than the columns.
CREATE FUNCTION {{schema}}.row_columns(relation regclass) RETURNS TABLE (name text, type oid, place bigint)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    empty_row json;
    types     text;
BEGIN
    -- By an alias that no column has.
    EXECUTE format('SELECT row_to_json(%2$I) FROM (SELECT (NULL::%1$s).*) AS %2$I', relation, gen_random_uuid()) INTO empty_row;
    SELECT string_agg(format('(%L, pg_typeof((NULL::%s).%I)::oid, %s::bigint)', k.name, relation, k.name, k.place), ', ')
      INTO types FROM json_object_keys(empty_row) WITH ORDINALITY AS k (name, place);
    RETURN QUERY EXECUTE 'SELECT * FROM (VALUES ' || types || ') AS c';
END
{{dollar}};

-- Refuses a write of a transaction whose snapshot does not see the columns that the
-- table has: what the catalog says of them would be wrong.
CREATE FUNCTION {{schema}}.assert_seen(relation regclass) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF ARRAY(SELECT ROW(c.name, c.type)::text FROM {{schema}}.row_columns(relation) AS c ORDER BY c.place)
       <> ARRAY(SELECT ROW(a.attname, a.atttypid)::text FROM pg_attribute AS a
                 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
    THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
            MESSAGE = format('table %s was altered since this transaction took its snapshot', relation),
            HINT = 'Repeat the transaction.';
    END IF;
END
{{dollar}};

-- The relation of a qualified name. This and fits() are called immutable so that a plan calls
-- them when it is made and keeps the answers. The relation is a constant in the plan then,
-- and any change of it has the plan made again.
CREATE FUNCTION {{schema}}.named(relation text) RETURNS regclass
    LANGUAGE sql IMMUTABLE
    RETURN pg_catalog.to_regclass(relation);

-- Whether the relation has the expected shape: a checksum of columns, all or those that are
-- named, with their types and those behind domains, and of hidden columns where they stand, in case
-- names were exchanged.
CREATE FUNCTION {{schema}}.fits(relation text, shape text, columns text[], hidden text[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF to_regclass(relation) IS NULL THEN
        RETURN false;
    END IF;
    RETURN (
        SELECT md5(string_agg(c.line, E'\n' ORDER BY c.line COLLATE "C"))
          FROM (SELECT k.name || ' ' || {{schema}}.type_name(k.type)
                       || CASE WHEN t.typtype = 'd' THEN ' ' || {{schema}}.type_name({{schema}}.base_type(k.type)) ELSE '' END
                       || CASE WHEN k.name = ANY (hidden) THEN ' ' || k.place ELSE '' END AS line
                  FROM {{schema}}.row_columns(to_regclass(relation)) AS k
                  LEFT JOIN pg_type AS t ON t.oid = k.type
                 WHERE columns IS NULL OR k.name = ANY (columns)) AS c) = shape;
END
{{dollar}};

-- In which tables that is not so, because the key of a row was changed or history was
-- erased: a bit for each, as in chrononaut_guarded. It is set before the statement
-- that changes a key looks, and nobody can take it back. History is then asked
-- for the last version, which takes longer.
CREATE SEQUENCE {{schema}}.chrononaut_unsettled AS bigint MINVALUE 0 START 0;
-- From which tables a record has gone whose key may come back. In others, the key of a row
-- that is inserted is new.
CREATE SEQUENCE {{schema}}.chrononaut_departed AS bigint MINVALUE 0 START 0;
SELECT pg_catalog.setval({{literal (print schema ".chrononaut_unsettled")}}, 0, true), pg_catalog.setval({{literal (print schema ".chrononaut_departed")}}, 0, true);
GRANT SELECT ON SEQUENCE {{schema}}.chrononaut_unsettled, {{schema}}.chrononaut_departed TO PUBLIC;

-- Sets the bit of a table in one of them.
CREATE FUNCTION {{schema}}.set_bit(bits regclass, of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    bit bigint := {{schema}}.guard_bit(of_schema, of_table);
BEGIN
    IF pg_sequence_last_value(bits) & bit <> 0 THEN
        RETURN;
    END IF;
    -- One at a time, so that no bit is lost; but not until the transaction ends.
    BEGIN
        PERFORM pg_advisory_lock(bits::oid::integer, 0);
        PERFORM setval(bits, pg_sequence_last_value(bits) | bit, true);
    EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
        PERFORM pg_advisory_unlock(bits::oid::integer, 0);
        RAISE;
    END;
    PERFORM pg_advisory_unlock(bits::oid::integer, 0);
END
{{dollar}};

REVOKE EXECUTE ON FUNCTION {{schema}}.set_bit(regclass, text, text) FROM PUBLIC;

CREATE FUNCTION {{schema}}.unsettle(of_schema text, of_table text) RETURNS void
    LANGUAGE sql
    RETURN {{schema}}.set_bit({{literal (print schema ".chrononaut_unsettled")}}, of_schema, of_table);

CREATE FUNCTION {{schema}}.note_departed(of_schema text, of_table text) RETURNS void
    LANGUAGE sql
    RETURN {{schema}}.set_bit({{literal (print schema ".chrononaut_departed")}}, of_schema, of_table);

REVOKE EXECUTE ON FUNCTION {{schema}}.unsettle(text, text), {{schema}}.note_departed(text, text) FROM PUBLIC;

-- History may be older than this.
SELECT {{schema}}.unsettle(t.table_schema, t.table_name)
  FROM (SELECT DISTINCT a.table_schema, a.table_name FROM {{schema}}.chrononaut_activity AS a WHERE a.previous_key IS NOT NULL
        UNION
        SELECT c.table_schema, c.table_name FROM {{schema}}.chrononaut_coverage AS c WHERE c.kind = 'erased') AS t;
SELECT {{schema}}.note_departed(t.table_schema, t.table_name)
  FROM (SELECT DISTINCT a.table_schema, a.table_name FROM {{schema}}.chrononaut_activity AS a) AS t
 WHERE t.table_schema IS NOT NULL AND t.table_name <> '';
