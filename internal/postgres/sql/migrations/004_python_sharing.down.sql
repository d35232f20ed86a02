DROP TRIGGER chrononaut_python_replace ON {{schema}}.chrononaut_activity;
DROP TRIGGER chrononaut_python_complete ON {{schema}}.chrononaut_activity;
DROP FUNCTION {{schema}}.python_replace();
DROP FUNCTION {{schema}}.python_complete();
