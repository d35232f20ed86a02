CREATE OR REPLACE FUNCTION "chrononaut"."stock_f0c647c8_period_fill"(keys jsonb[], forget boolean, up_to bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $chrononaut$
#variable_conflict use_column
DECLARE
    one     record;
    image   jsonb;
    raw     jsonb;
    fields  record;
    made    bigint := 0;
    key_1   integer;
    key_2   text;
BEGIN
    IF forget THEN
        FOR one IN SELECT k.key FROM unnest(keys) AS k (key) LOOP
        BEGIN
            key_1 := one.key ->> 'id';
            key_2 := one.key ->> 'kind';
        EXCEPTION WHEN data_exception OR integrity_constraint_violation OR syntax_error OR datatype_mismatch OR cannot_coerce
         OR undefined_object OR undefined_table OR undefined_function OR undefined_column OR ambiguous_function
         OR invalid_schema_name OR feature_not_supported OR program_limit_exceeded THEN
            key_1 := NULL;
            key_2 := NULL;
        END;
            DELETE FROM "chrononaut"."stock_f0c647c8_period" AS k WHERE k.k1 = key_1 AND k.k2 = key_2;
        END LOOP;
    END IF;
    FOR one IN
        -- Each change in the life of a key, with the one that ended its state. Where
        -- their order and their times disagree the record is not sure: then history
        -- says what is seen.
        SELECT c.*, coalesce(bool_or(c.late) OVER (PARTITION BY c.of_key), false) AS unsure
          FROM (SELECT c.*, (lead(c.id) OVER life) AS next_id, (lead(c.changed) OVER life) AS next_changed, (lead(c.transaction_id) OVER life) AS next_transaction,
                       (row_number() OVER life) = 1 AS is_first,
                       (lag(c.changed) OVER life) > c.changed
                           OR (c.parted OR (lag(c.parted) OVER life)) AND (lag(c.id) OVER life) > c.id AS late
                  FROM (SELECT w.key AS of_key, false AS parted, a.id, a.version, a.changed, coalesce(a.transaction_id, '0') AS transaction_id, a.operation, a.data
                          FROM (SELECT DISTINCT k.key FROM unnest(keys) AS k (key)) AS w
                          JOIN "chrononaut".chrononaut_activity AS a
                            ON pg_catalog.jsonb_hash_extended(a.key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) = pg_catalog.jsonb_hash_extended(w.key, pg_catalog.hashtextextended('public.stock', 0))
                           AND a.key = w.key AND a.table_name || '' = 'stock' AND a.table_schema || '' = 'public'
                         WHERE a.id <= up_to
                        UNION ALL
                        SELECT w.key, true, a.id, a.version, a.changed, coalesce(a.transaction_id, '0'), a.operation, NULL
                          FROM (SELECT DISTINCT k.key FROM unnest(keys) AS k (key)) AS w
                          JOIN "chrononaut".chrononaut_activity AS a
                            ON pg_catalog.jsonb_hash_extended(a.previous_key, pg_catalog.hashtextextended(coalesce(a.table_schema, '') OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) a.table_name, 0)) = pg_catalog.jsonb_hash_extended(w.key, pg_catalog.hashtextextended('public.stock', 0))
                           AND a.previous_key IS NOT NULL
                           AND a.previous_key = w.key AND a.table_name || '' = 'stock' AND a.table_schema || '' = 'public'
                         WHERE a.id <= up_to) AS c
                WINDOW life AS (PARTITION BY c.of_key ORDER BY c.version, NOT c.parted, c.id)) AS c
    LOOP
        CONTINUE WHEN one.parted OR one.operation IN ('delete', 'truncate');
        BEGIN
            key_1 := one.of_key ->> 'id';
            key_2 := one.of_key ->> 'kind';
        EXCEPTION WHEN data_exception OR integrity_constraint_violation OR syntax_error OR datatype_mismatch OR cannot_coerce
         OR undefined_object OR undefined_table OR undefined_function OR undefined_column OR ambiguous_function
         OR invalid_schema_name OR feature_not_supported OR program_limit_exceeded THEN
            key_1 := NULL;
            key_2 := NULL;
        END;
        CONTINUE WHEN key_1 IS NULL OR key_2 IS NULL;
        IF pg_column_size(key_1) + pg_column_size(key_2) > 2600 THEN
            RAISE EXCEPTION USING ERRCODE = 'TM009',
                MESSAGE = 'a key of table stock is too long for the layout period',
                HINT = 'Give the table the layout json.';
        END IF;
        image := one.data;
        IF one.operation = 'baseline' AND one.version = 0 THEN
            -- The row has no version until it changes.
            image := image - 'version';
        END IF;
        raw := NULL;
        BEGIN
            SELECT (CASE WHEN ((coalesce(((image -> 'the "amount"') ->> 'chrononaut:text'), (image ->> 'the "amount"'))::pg_catalog."numeric")::numeric(8,2))::pg_catalog."numeric" OPERATOR(pg_catalog.=) (coalesce(((image -> 'the "amount"') ->> 'chrononaut:text'), (image ->> 'the "amount"'))::pg_catalog."numeric") IS FALSE THEN "chrononaut".past_misfit('the "amount"', NULL::numeric(8,2)) ELSE coalesce(((image -> 'the "amount"') ->> 'chrononaut:text'), (image ->> 'the "amount"'))::pg_catalog."numeric" END)::numeric(8,2) AS c3,
                   coalesce(((image -> 'price') ->> 'chrononaut:text'), (image ->> 'price'))::pg_catalog."numeric" AS c4,
                   pg_catalog.jsonb_build_object('moods', image -> 'moods') AS c5,
                   (coalesce(((image -> 'version') ->> 'chrononaut:text'), (image ->> 'version'))::pg_catalog.int4)::integer AS c6
              INTO fields;
        EXCEPTION WHEN data_exception OR integrity_constraint_violation OR syntax_error OR datatype_mismatch OR cannot_coerce
         OR undefined_object OR undefined_table OR undefined_function OR undefined_column OR ambiguous_function
         OR invalid_schema_name OR feature_not_supported OR program_limit_exceeded THEN
            raw := image;
            SELECT NULL::numeric(8,2) AS c3, NULL::pg_catalog."numeric" AS c4, NULL::jsonb AS c5, NULL::integer AS c6
              INTO fields;
        END;
        INSERT INTO "chrononaut"."stock_f0c647c8_period" (began_id, ended_id, valid_from, valid_to, found_at, began_by, ended_by, version, unsure, raw, k1, k2, key, c3, c4, c5, c6)
        VALUES (one.id,
                CASE WHEN NOT one.unsure THEN one.next_id END,
                -- What a baseline found was there before it.
                CASE WHEN one.unsure OR one.is_first AND one.operation = 'baseline' THEN '-infinity' ELSE one.changed END,
                CASE WHEN one.unsure OR one.next_id IS NULL THEN 'infinity' ELSE one.next_changed END,
                CASE WHEN NOT one.unsure AND one.is_first AND one.operation = 'baseline' THEN one.changed END,
                CASE WHEN NOT one.unsure THEN one.transaction_id END,
                CASE WHEN NOT one.unsure THEN one.next_transaction END,
                one.version, one.unsure, raw, key_1, key_2, one.of_key, fields.c3, fields.c4, fields.c5, fields.c6);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$chrononaut$;

CREATE OR REPLACE FUNCTION "chrononaut"."stock_f0c647c8_period_follow"() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $chrononaut$
#variable_conflict use_column
DECLARE
    image   jsonb := NEW.data;
    raw     jsonb;
    fields  record;
    unsure  boolean;
    gap     text;
    key_1   integer;
    key_2   text;
BEGIN
    IF NEW.previous_key IS NOT NULL THEN
        BEGIN
            key_1 := NEW.previous_key ->> 'id';
            key_2 := NEW.previous_key ->> 'kind';
        EXCEPTION WHEN data_exception OR integrity_constraint_violation OR syntax_error OR datatype_mismatch OR cannot_coerce
         OR undefined_object OR undefined_table OR undefined_function OR undefined_column OR ambiguous_function
         OR invalid_schema_name OR feature_not_supported OR program_limit_exceeded THEN
            key_1 := NULL;
            key_2 := NULL;
        END;
        UPDATE "chrononaut"."stock_f0c647c8_period" AS k
           SET valid_to = NEW.changed, ended_id = NEW.id, ended_by = coalesce(NEW.transaction_id, '0')
         WHERE k.k1 = key_1 AND k.k2 = key_2 AND k.valid_to = 'infinity' AND NOT k.unsure
           -- Records that exchange their keys: what has arrived is not over.
           AND k.version < NEW.version;
        IF NOT FOUND AND NOT EXISTS (SELECT FROM "chrononaut"."stock_f0c647c8_period" AS k WHERE k.k1 = key_1 AND k.k2 = key_2 AND (k.unsure OR k.version >= NEW.version))
           AND "chrononaut".period_gap('public', 'stock', NEW.previous_key, NEW.id, NEW.version) = 'missing'
        THEN
            INSERT INTO "chrononaut".chrononaut_period_todo (table_schema, table_name, key) VALUES ('public', 'stock', NEW.previous_key);
        END IF;
        IF EXISTS (SELECT FROM "chrononaut"."stock_f0c647c8_period" AS k
                 WHERE k.k1 = key_1 AND k.k2 = key_2 AND k.valid_to >= NEW.changed AND k.version < NEW.version
                   AND (k.valid_to > NEW.changed OR k.valid_from > NEW.changed)) THEN
            UPDATE "chrononaut"."stock_f0c647c8_period" AS k
               SET unsure = true, valid_from = '-infinity', valid_to = 'infinity', found_at = NULL, began_by = NULL, ended_id = NULL, ended_by = NULL
             WHERE k.k1 = key_1 AND k.k2 = key_2 AND NOT k.unsure;
        END IF;
    END IF;
        BEGIN
            key_1 := NEW.key ->> 'id';
            key_2 := NEW.key ->> 'kind';
        EXCEPTION WHEN data_exception OR integrity_constraint_violation OR syntax_error OR datatype_mismatch OR cannot_coerce
         OR undefined_object OR undefined_table OR undefined_function OR undefined_column OR ambiguous_function
         OR invalid_schema_name OR feature_not_supported OR program_limit_exceeded THEN
            key_1 := NULL;
            key_2 := NULL;
        END;
    IF key_1 IS NULL OR key_2 IS NULL THEN
        -- The capture trigger has noted it.
        RETURN NULL;
    END IF;
    IF pg_column_size(key_1) + pg_column_size(key_2) > 2600 THEN
        INSERT INTO "chrononaut".chrononaut_period_todo (table_schema, table_name, key) VALUES ('public', 'stock', NEW.key);
        RETURN NULL;
    END IF;
        UPDATE "chrononaut"."stock_f0c647c8_period" AS k
           SET valid_to = NEW.changed, ended_id = NEW.id, ended_by = coalesce(NEW.transaction_id, '0')
         WHERE k.k1 = key_1 AND k.k2 = key_2 AND k.valid_to = 'infinity' AND NOT k.unsure
           -- Records that exchange their keys: what has arrived is not over.
           AND k.version < NEW.version;
    IF NOT FOUND AND NOT EXISTS (SELECT FROM "chrononaut"."stock_f0c647c8_period" AS k WHERE k.k1 = key_1 AND k.k2 = key_2 AND k.unsure) THEN
        gap := "chrononaut".period_gap('public', 'stock', NEW.key, NEW.id, NEW.version);
        IF gap = 'missing' THEN
            INSERT INTO "chrononaut".chrononaut_period_todo (table_schema, table_name, key) VALUES ('public', 'stock', NEW.key);
        END IF;
    END IF;
    unsure := coalesce(gap = 'behind', false) OR EXISTS (SELECT FROM "chrononaut"."stock_f0c647c8_period" AS k
                 WHERE k.k1 = key_1 AND k.k2 = key_2 AND k.valid_to >= NEW.changed AND k.version < NEW.version
                   AND (k.valid_to > NEW.changed OR k.valid_from > NEW.changed));
    IF unsure THEN
            UPDATE "chrononaut"."stock_f0c647c8_period" AS k
               SET unsure = true, valid_from = '-infinity', valid_to = 'infinity', found_at = NULL, began_by = NULL, ended_id = NULL, ended_by = NULL
             WHERE k.k1 = key_1 AND k.k2 = key_2 AND NOT k.unsure;
    END IF;
    IF NEW.operation IN ('delete', 'truncate') THEN
        RETURN NULL;
    END IF;
    IF NEW.operation = 'baseline' AND NEW.version = 0 THEN
        -- The row has no version until it changes.
        image := image - 'version';
    END IF;
        raw := NULL;
        BEGIN
            SELECT (CASE WHEN ((coalesce(((image -> 'the "amount"') ->> 'chrononaut:text'), (image ->> 'the "amount"'))::pg_catalog."numeric")::numeric(8,2))::pg_catalog."numeric" OPERATOR(pg_catalog.=) (coalesce(((image -> 'the "amount"') ->> 'chrononaut:text'), (image ->> 'the "amount"'))::pg_catalog."numeric") IS FALSE THEN "chrononaut".past_misfit('the "amount"', NULL::numeric(8,2)) ELSE coalesce(((image -> 'the "amount"') ->> 'chrononaut:text'), (image ->> 'the "amount"'))::pg_catalog."numeric" END)::numeric(8,2) AS c3,
                   coalesce(((image -> 'price') ->> 'chrononaut:text'), (image ->> 'price'))::pg_catalog."numeric" AS c4,
                   pg_catalog.jsonb_build_object('moods', image -> 'moods') AS c5,
                   (coalesce(((image -> 'version') ->> 'chrononaut:text'), (image ->> 'version'))::pg_catalog.int4)::integer AS c6
              INTO fields;
        EXCEPTION WHEN data_exception OR integrity_constraint_violation OR syntax_error OR datatype_mismatch OR cannot_coerce
         OR undefined_object OR undefined_table OR undefined_function OR undefined_column OR ambiguous_function
         OR invalid_schema_name OR feature_not_supported OR program_limit_exceeded THEN
            raw := image;
            SELECT NULL::numeric(8,2) AS c3, NULL::pg_catalog."numeric" AS c4, NULL::jsonb AS c5, NULL::integer AS c6
              INTO fields;
        END;
    INSERT INTO "chrononaut"."stock_f0c647c8_period" (began_id, valid_from, valid_to, found_at, began_by, version, unsure, raw, k1, k2, key, c3, c4, c5, c6)
    VALUES (NEW.id,
            -- What a baseline found was there before it.
            CASE WHEN unsure OR gap = 'first' AND NEW.operation = 'baseline' THEN '-infinity' ELSE NEW.changed END, 'infinity',
            CASE WHEN NOT unsure AND gap = 'first' AND NEW.operation = 'baseline' THEN NEW.changed END,
            CASE WHEN NOT unsure THEN coalesce(NEW.transaction_id, '0') END,
            NEW.version, unsure, raw, key_1, key_2, NEW.key, fields.c3, fields.c4, fields.c5, fields.c6);
    RETURN NULL;
END
$chrononaut$;

