-- What keeps history from those who may write the tables, or own them: values that
-- nobody else can make, and who owns what.

-- A secret by which a setting that the triggers made is told from one that somebody
-- else has made. Read by the functions here only.
CREATE TABLE {{schema}}.chrononaut_secret (
    secret text NOT NULL
);
INSERT INTO {{schema}}.chrononaut_secret (secret)
VALUES (pg_catalog.gen_random_uuid()::text || pg_catalog.gen_random_uuid()::text);

-- The signature of a value, in this transaction.
CREATE FUNCTION {{schema}}.signature(value text) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT encode(sha256(convert_to(s.secret || '|' || pg_current_xact_id() || '|' || value || '|' || s.secret, 'UTF8')), 'hex')
      FROM {{schema}}.chrononaut_secret AS s
{{dollar}};

-- The highest version that this transaction has given to a row whose key it
-- changed: for records that exchange their keys, see the capture trigger.
CREATE FUNCTION {{schema}}.rekeyed() RETURNS integer
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    parts text[] := string_to_array(current_setting('chrononaut.rekeyed', true), ' ');
BEGIN
    IF parts[2] = {{schema}}.signature('rekeyed ' || parts[1]) THEN
        RETURN parts[1]::integer;
    END IF;
    RETURN NULL;
END
{{dollar}};

CREATE FUNCTION {{schema}}.note_rekeyed(version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF coalesce({{schema}}.rekeyed(), -1) < version THEN
        PERFORM set_config('chrononaut.rekeyed', version || ' ' || {{schema}}.signature('rekeyed ' || version), true);
    END IF;
END
{{dollar}};

-- Whether a row may be given this version although nothing else of it changes: it is
-- the last one in history, or the one after it that Python chrononaut writes next.
CREATE FUNCTION {{schema}}.is_renumbered(of_schema text, of_table text, version integer, last_version integer) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT coalesce(version = last_version, false)
        OR coalesce(version = last_version + 1, false)
           AND EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t
                        WHERE t.table_schema = of_schema AND t.table_name = of_table AND t.options @> '{"shared_with_python": true}')
{{dollar}};

REVOKE EXECUTE ON FUNCTION {{schema}}.signature(text), {{schema}}.rekeyed(), {{schema}}.note_rekeyed(integer) FROM PUBLIC;
