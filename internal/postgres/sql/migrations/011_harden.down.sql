DROP FUNCTION {{schema}}.is_renumbered(text, text, integer, integer);
DROP FUNCTION {{schema}}.note_rekeyed(integer);
DROP FUNCTION {{schema}}.rekeyed();
DROP FUNCTION {{schema}}.signature(text);
DROP TABLE {{schema}}.chrononaut_secret;
