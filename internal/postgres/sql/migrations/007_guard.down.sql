DROP FUNCTION {{schema}}.guard_truncate(text, text);
DROP FUNCTION {{schema}}.guard_row(text, text, text, jsonb, jsonb);
DROP FUNCTION {{schema}}.guard_snapshot();
DROP FUNCTION {{schema}}.guard(text, text);
DROP FUNCTION {{schema}}.guard_bit(text, text);
DROP FUNCTION {{schema}}.guard_committed(xid8);
DROP SEQUENCE {{schema}}.chrononaut_guarded_before;
DROP SEQUENCE {{schema}}.chrononaut_guarded_by;
DROP SEQUENCE {{schema}}.chrononaut_guarded;
