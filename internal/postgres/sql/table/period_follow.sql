{{- /*
The trigger on history that feeds the periods of one table. What the table's
columns are now does not matter to it: it reads the recorded state, and a state
that does not fit the columns of the periods is kept as it is.
*/ -}}
{{- /* The period of a key that is still open ends. */ -}}
{{- define "period_end"}}
        UPDATE {{.PeriodTable}} AS k
           SET valid_to = NEW.changed, ended_id = NEW.id, ended_by = coalesce(NEW.transaction_id, '0')
         WHERE {{template "period_is" .}} AND k.valid_to = 'infinity' AND NOT k.unsure
           -- Records that exchange their keys: what has arrived is not over.
           AND k.version < NEW.version;
{{- end -}}
{{- /* Whether a change comes at an earlier time than what was before it. */ -}}
{{- define "period_late" -}}
EXISTS (SELECT FROM {{.PeriodTable}} AS k
                 WHERE {{template "period_is" .}} AND k.valid_to >= NEW.changed AND k.version < NEW.version
                   AND (k.valid_to > NEW.changed OR k.valid_from > NEW.changed))
{{- end -}}
{{- /* History says what is seen of a record whose times disagree with its order. */ -}}
{{- define "period_doubt"}}
            UPDATE {{.PeriodTable}} AS k
               SET unsure = true, valid_from = '-infinity', valid_to = 'infinity', found_at = NULL, began_by = NULL, ended_id = NULL, ended_by = NULL
             WHERE {{template "period_is" .}} AND NOT k.unsure;
{{- end -}}
CREATE OR REPLACE FUNCTION {{.PeriodFunction "follow"}}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
#variable_conflict use_column
DECLARE
    image   jsonb := NEW.data;
    raw     jsonb;
    fields  record;
    unsure  boolean;
    gap     text;
{{- range .Keys}}
    {{.Variable}}   {{.KeyType}};
{{- end}}
BEGIN
    IF NEW.previous_key IS NOT NULL THEN
{{- template "period_key" (period . "NEW.previous_key")}}
{{- template "period_end" .}}
        IF NOT FOUND AND NOT EXISTS (SELECT FROM {{.PeriodTable}} AS k WHERE {{template "period_is" .}} AND (k.unsure OR k.version >= NEW.version))
           AND {{schema}}.period_gap({{literal .Schema}}, {{literal .Name}}, NEW.previous_key, NEW.id, NEW.version) = 'missing'
        THEN
            INSERT INTO {{schema}}.chrononaut_period_todo (table_schema, table_name, key) VALUES ({{literal .Schema}}, {{literal .Name}}, NEW.previous_key);
        END IF;
        IF {{template "period_late" .}} THEN
{{- template "period_doubt" .}}
        END IF;
    END IF;
{{- template "period_key" (period . "NEW.key")}}
    IF {{template "period_unplaced" .}} THEN
        -- The capture trigger has noted it.
        RETURN NULL;
    END IF;
{{- if .PeriodLong}}
    IF {{template "period_long" .}} THEN
        INSERT INTO {{schema}}.chrononaut_period_todo (table_schema, table_name, key) VALUES ({{literal .Schema}}, {{literal .Name}}, NEW.key);
        RETURN NULL;
    END IF;
{{- end}}
{{- template "period_end" .}}
    IF NOT FOUND AND NOT EXISTS (SELECT FROM {{.PeriodTable}} AS k WHERE {{template "period_is" .}} AND k.unsure) THEN
        gap := {{schema}}.period_gap({{literal .Schema}}, {{literal .Name}}, NEW.key, NEW.id, NEW.version);
        IF gap = 'missing' THEN
            INSERT INTO {{schema}}.chrononaut_period_todo (table_schema, table_name, key) VALUES ({{literal .Schema}}, {{literal .Name}}, NEW.key);
        END IF;
    END IF;
    unsure := coalesce(gap = 'behind', false) OR {{template "period_late" .}};
    IF unsure THEN
{{- template "period_doubt" .}}
    END IF;
    IF NEW.operation IN ('delete', 'truncate') THEN
        RETURN NULL;
    END IF;
{{- if not .Adopted}}
    IF NEW.operation = 'baseline' AND NEW.version = 0 THEN
        -- The row has no version until it changes.
        image := image - {{literal .VersionColumn}};
    END IF;
{{- end}}
{{- template "period_fields" .}}
    INSERT INTO {{.PeriodTable}} (began_id, valid_from, valid_to, found_at, began_by, version, unsure, raw{{template "period_columns" .}})
    VALUES (NEW.id,
            -- What a baseline found was there before it.
            CASE WHEN unsure OR gap = 'first' AND NEW.operation = 'baseline' THEN '-infinity' ELSE NEW.changed END, 'infinity',
            CASE WHEN NOT unsure AND gap = 'first' AND NEW.operation = 'baseline' THEN NEW.changed END,
            CASE WHEN NOT unsure THEN coalesce(NEW.transaction_id, '0') END,
            NEW.version, unsure, raw{{template "period_values" (period . "NEW.key")}});
    RETURN NULL;
END
{{dollar}}
