DROP FUNCTION {{schema}}.stale_write(oid, text, text, text, text[], record, record, integer, integer);
DROP FUNCTION {{schema}}.stale_changes(text, text, jsonb, integer, jsonb);
DROP FUNCTION {{schema}}.changes_since(text, text, jsonb, integer, jsonb);
DROP FUNCTION {{schema}}.change_summary(integer, timestamptz, text, jsonb, jsonb, jsonb, jsonb);
DROP FUNCTION {{schema}}.began_life(text, jsonb);
DROP FUNCTION {{schema}}.hidden_columns(jsonb);
DROP FUNCTION {{schema}}.changed_columns(jsonb, jsonb);
DROP FUNCTION {{schema}}.key_departure(text, text, jsonb);
DROP FUNCTION {{schema}}.record_rows(text, text, jsonb, integer, integer, bigint);
