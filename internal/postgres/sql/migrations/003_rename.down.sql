DROP FUNCTION {{schema}}.renamed_last_change(text, text, jsonb);
DROP FUNCTION {{schema}}.renamed_state(jsonb, text, text, bigint, jsonb);
DROP FUNCTION {{schema}}.renamed_last_version(text, text, jsonb);
DROP FUNCTION {{schema}}.renamed_version(text, text, jsonb);
DROP FUNCTION {{schema}}.renamed_info(jsonb, jsonb);
DROP FUNCTION {{schema}}.renamed_data(jsonb, jsonb);
