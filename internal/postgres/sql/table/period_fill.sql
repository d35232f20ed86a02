{{- /*
Makes the periods of records of one table from history up to an id; forget says
that those which are there are removed first.
*/ -}}
CREATE OR REPLACE FUNCTION {{.PeriodFunction "fill"}}(keys jsonb[], forget boolean, up_to bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
#variable_conflict use_column
DECLARE
    one     record;
    image   jsonb;
    raw     jsonb;
    fields  record;
    made    bigint := 0;
{{- range .Keys}}
    {{.Variable}}   {{.KeyType}};
{{- end}}
BEGIN
    IF forget THEN
        FOR one IN SELECT k.key FROM unnest(keys) AS k (key) LOOP
{{- template "period_key" (period . "one.key")}}
            DELETE FROM {{.PeriodTable}} AS k WHERE {{template "period_is" .}};
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
                          JOIN {{schema}}.chrononaut_activity AS a
                            ON {{.RecordHash "a.key"}} = {{.RecordHashOf "w.key"}}
                           AND a.key = w.key AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}}
                         WHERE a.id <= up_to
                        UNION ALL
                        SELECT w.key, true, a.id, a.version, a.changed, coalesce(a.transaction_id, '0'), a.operation, NULL
                          FROM (SELECT DISTINCT k.key FROM unnest(keys) AS k (key)) AS w
                          JOIN {{schema}}.chrononaut_activity AS a
                            ON {{.RecordHash "a.previous_key"}} = {{.RecordHashOf "w.key"}}
                           AND a.previous_key IS NOT NULL
                           AND a.previous_key = w.key AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}}
                         WHERE a.id <= up_to) AS c
                WINDOW life AS (PARTITION BY c.of_key ORDER BY c.version, NOT c.parted, c.id)) AS c
    LOOP
        CONTINUE WHEN one.parted OR one.operation IN ('delete', 'truncate');
{{- template "period_key" (period . "one.of_key")}}
        CONTINUE WHEN {{template "period_unplaced" .}};
{{- if .PeriodLong}}
        IF {{template "period_long" .}} THEN
            RAISE EXCEPTION USING ERRCODE = 'TM009',
                MESSAGE = {{literal (printf "a key of table %s is too long for the layout period" .Name)}},
                HINT = 'Give the table the layout json.';
        END IF;
{{- end}}
        image := one.data;
{{- if not .Adopted}}
        IF one.operation = 'baseline' AND one.version = 0 THEN
            -- The row has no version until it changes.
            image := image - {{literal .VersionColumn}};
        END IF;
{{- end}}
{{- template "period_fields" .}}
        INSERT INTO {{.PeriodTable}} (began_id, ended_id, valid_from, valid_to, found_at, began_by, ended_by, version, unsure, raw{{template "period_columns" .}})
        VALUES (one.id,
                CASE WHEN NOT one.unsure THEN one.next_id END,
                -- What a baseline found was there before it.
                CASE WHEN one.unsure OR one.is_first AND one.operation = 'baseline' THEN '-infinity' ELSE one.changed END,
                CASE WHEN one.unsure OR one.next_id IS NULL THEN 'infinity' ELSE one.next_changed END,
                CASE WHEN NOT one.unsure AND one.is_first AND one.operation = 'baseline' THEN one.changed END,
                CASE WHEN NOT one.unsure THEN one.transaction_id END,
                CASE WHEN NOT one.unsure THEN one.next_transaction END,
                one.version, one.unsure, raw{{template "period_values" (period . "one.of_key")}});
        made := made + 1;
    END LOOP;
    RETURN made;
END
{{dollar}}
