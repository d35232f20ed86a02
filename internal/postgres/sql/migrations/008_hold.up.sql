-- Holds: records that nobody changes until they are released.

CREATE FUNCTION {{schema}}.guard_hold(of_schema text, of_table text, operation text, old_row jsonb, new_row jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    RETURN;
END
{{dollar}};

CREATE FUNCTION {{schema}}.guard_hold_truncate(of_schema text, of_table text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    RETURN;
END
{{dollar}};
