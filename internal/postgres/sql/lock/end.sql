-- What is left of it when the rows are locked: the locks, and the setting as it was.
-- The setting first: it counts for this statement too, which may have to be undone.
SELECT pg_catalog.set_config('statement_timeout', pg_catalog.current_setting('chrononaut.lock_before'), true);
RELEASE SAVEPOINT chrononaut_lock;
