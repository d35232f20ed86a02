-- Removes the tables of periods; history stays. Views that read them must be gone
-- before: chrononaut untrack, or chrononaut track --layout json, table by table.
DROP TRIGGER chrononaut_period_erased ON {{schema}}.chrononaut_activity;
DO {{dollar}}
DECLARE
    one record;
BEGIN
    FOR one IN SELECT p.* FROM {{schema}}.chrononaut_period AS p LOOP
        EXECUTE pg_catalog.format('DROP FUNCTION IF EXISTS {{literalBody schema}}.%I() CASCADE', one.follow_function);
        EXECUTE pg_catalog.format('DROP FUNCTION IF EXISTS {{literalBody schema}}.%I(jsonb[], boolean, bigint)', one.fill_function);
        EXECUTE pg_catalog.format('DROP TABLE IF EXISTS {{literalBody schema}}.%I', one.period_table);
    END LOOP;
END
{{dollar}};
DROP FUNCTION {{schema}}.period_erased();
DROP FUNCTION {{schema}}.period_open(text, text);
DROP FUNCTION {{schema}}.period_finish(text, text);
DROP FUNCTION {{schema}}.period_chunk(text, text, integer);
DROP FUNCTION {{schema}}.period_owned(text, text);
DROP FUNCTION {{schema}}.period_gap(text, text, jsonb, bigint, integer);
DROP FUNCTION {{schema}}.periods_complete(text, text);
DROP FUNCTION {{schema}}.past_newest(bigint);
DROP FUNCTION {{schema}}.as_of_sight();
DROP FUNCTION {{schema}}.as_of_low();
DROP FUNCTION {{schema}}.as_of_plain();
DROP FUNCTION {{schema}}.period_lock(text, text);
DROP TABLE {{schema}}.chrononaut_period_todo;
DROP TABLE {{schema}}.chrononaut_period;
