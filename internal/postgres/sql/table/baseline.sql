{{- /*
Writes the state of a row that was there before tracking began, before its first
recorded change: nothing where history knows the record. The version trigger calls it
for an UPDATE, the function that records rows for a DELETE.
*/ -}}
CREATE OR REPLACE FUNCTION {{.Function "baseline"}}(tg_relid oid, old record, row_version integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    {{template "settings"}}
AS {{dollar}}
#variable_conflict use_column
DECLARE
    row_image    record;
    record_key   jsonb;
    image        jsonb;
    special      jsonb := '{}';
BEGIN
    {{- template "image" (image . "OLD")}}
    IF NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a
                    WHERE {{.RecordHash "a.key"}} = {{.RecordHashOf "record_key"}}
                      AND a.key = record_key AND a.table_name || '' = {{literal .Name}} AND a.table_schema || '' = {{literal .Schema}}
                      -- The same statement may have given this key to another record.
                      AND (a.previous_key IS NULL OR a.transaction_id <> pg_current_xact_id())){{.UnknownElsewhere "record_key"}}
    THEN
        INSERT INTO {{schema}}.chrononaut_activity
               (table_name, changed, version, key, data, user_info, extra_info, operation, table_schema)
        VALUES ({{literal .Name}}, clock_timestamp(), row_version, record_key, image, '{"user_id": null, "remote_addr": null}', '{}', 'baseline', {{literal .Schema}})
        ON CONFLICT DO NOTHING;
        PERFORM {{schema}}.add_key({{literal .Schema}}, {{literal .Name}}, record_key, false);
    END IF;
END
{{dollar}}
