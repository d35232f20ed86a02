-- What is left of it when the rows are locked: the locks, and the setting as it was.
RELEASE SAVEPOINT chrononaut_lock;
SELECT pg_catalog.set_config('statement_timeout', pg_catalog.current_setting('chrononaut.lock_before'), true);
