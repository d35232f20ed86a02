DROP FUNCTION {{schema}}.guard_hold_truncate(text, text);
DROP FUNCTION {{schema}}.guard_hold(text, text, text, jsonb, jsonb);
