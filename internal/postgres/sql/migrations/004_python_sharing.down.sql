DROP TRIGGER chrononaut_python_shared ON {{schema}}.chrononaut_table;
DROP FUNCTION {{schema}}.python_shared();
DROP TRIGGER chrononaut_python_replace ON {{schema}}.chrononaut_activity;
DROP TRIGGER chrononaut_python_complete ON {{schema}}.chrononaut_activity;
DROP FUNCTION {{schema}}.python_replace();
DROP FUNCTION {{schema}}.python_complete();
