DROP FUNCTION {{schema}}.unsettle(text, text);
DROP SEQUENCE {{schema}}.chrononaut_unsettled;
DROP FUNCTION {{schema}}.fits(regclass, text, text[]);
DROP FUNCTION {{schema}}.assert_seen(regclass);
DROP FUNCTION {{schema}}.row_columns(regclass);
