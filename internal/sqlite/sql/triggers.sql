-- Our triggers, and the tables that they are on.
SELECT name, tbl_name FROM main.sqlite_schema
 WHERE type = 'trigger' AND substr(name, 1, 11) = 'chrononaut_'
 ORDER BY rowid
