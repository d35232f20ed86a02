DROP FUNCTION {{schema}}.guard_lease_truncate(text, text);
DROP FUNCTION {{schema}}.guard_lease(text, text, text, jsonb, jsonb);
