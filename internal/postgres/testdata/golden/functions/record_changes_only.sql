CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_number"(tg_op text, tg_relid oid, old record, new record) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
    SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = 'postgres'
    SET extra_float_digits = 1
    SET bytea_output = 'hex'
    SET lc_monetary = 'C'
AS $chrononaut$
#variable_conflict use_column
DECLARE
    old_image  record;
    row_image  record;
    changed    boolean;
    record_key jsonb;
    old_key    jsonb;
    context    jsonb;
BEGIN
    IF TG_OP = 'INSERT' THEN
        OLD := NEW; -- A parameter that is NULL has no fields.
    END IF;
    IF coalesce(current_setting('chrononaut.suppressed', true), '') = 'on' AND "chrononaut".is_suppressed() THEN
        RETURN NEW;
    END IF;

    IF TG_OP = 'UPDATE' THEN
    BEGIN
        old_image := OLD;
        row_image := NEW;
        old_image."version" := NULL;
        row_image."version" := NULL;
        row_image."change_info" := OLD."change_info";
        row_image."changed" := OLD."changed";
        changed := old_image *<> row_image;
    EXCEPTION WHEN undefined_column OR datatype_mismatch OR integrity_constraint_violation THEN
        -- A column that does not count is gone, or is of a domain that refuses
        -- NULL; those that are left decide.
        EXECUTE 'SELECT ' || "chrononaut".image_sql(TG_RELID, ARRAY['change_info', 'changed', 'version']::pg_catalog.text[]::text[], '($1)')
             || ' IS DISTINCT FROM ' || "chrononaut".image_sql(TG_RELID, ARRAY['change_info', 'changed', 'version']::pg_catalog.text[]::text[], '($2)')
            INTO changed USING OLD, NEW;
    END;
        IF NOT changed THEN
            RETURN NEW;
        END IF;
    END IF;

    BEGIN
        context := nullif(current_setting('chrononaut.context', true), '')::jsonb;
    EXCEPTION WHEN data_exception THEN
        PERFORM "chrononaut".context_error();
    END;
    NEW."change_info" := '{"user_id": null, "remote_addr": null}'::jsonb
        || coalesce(context -> 'user_info', '{}')
        || CASE WHEN coalesce(context -> 'extra_info', '{}') <> '{}'
                THEN pg_catalog.jsonb_build_object('extra', context -> 'extra_info') ELSE '{}' END;
    NEW."changed" := clock_timestamp();
    RETURN NEW;
END
$chrononaut$;

CREATE OR REPLACE FUNCTION "chrononaut"."todos_a23d6084_version"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
AS $chrononaut$
BEGIN
    RETURN "chrononaut"."todos_a23d6084_number"(TG_OP, TG_RELID, OLD, NEW);
END
$chrononaut$;

