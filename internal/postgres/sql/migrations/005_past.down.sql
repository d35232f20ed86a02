-- Removes the time machine; history stays. Capture functions that were generated
-- for it must be gone before: chrononaut untrack, table by table.
DO {{dollar}}
BEGIN
    EXECUTE pg_catalog.format('DROP EVENT TRIGGER IF EXISTS %I', {{literal (beside "_views_aside")}});
    EXECUTE pg_catalog.format('DROP EVENT TRIGGER IF EXISTS %I', {{literal (beside "_views_back")}});
EXCEPTION WHEN insufficient_privilege THEN
    -- They go with their functions, or are another role's to drop.
    RAISE EXCEPTION 'event triggers of the history schema are left: a superuser has to drop them first';
END
{{dollar}};
DO {{dollar}}
DECLARE
    one record;
BEGIN
    FOR one IN SELECT s.past_schema, s.untracked_schema FROM {{schema}}.chrononaut_past_schema AS s LOOP
        EXECUTE pg_catalog.format('DROP SCHEMA IF EXISTS %I CASCADE', one.past_schema);
        EXECUTE pg_catalog.format('DROP SCHEMA IF EXISTS %I CASCADE', one.untracked_schema);
    END LOOP;
    FOR one IN SELECT p.keys_table FROM {{schema}}.chrononaut_past AS p LOOP
        EXECUTE pg_catalog.format('DROP TABLE IF EXISTS %s.%I', {{literal schema}}, one.keys_table);
    END LOOP;
END
{{dollar}};
DROP TRIGGER chrononaut_erased ON {{schema}}.chrononaut_activity;
DROP FUNCTION {{schema}}.make_event_triggers();
DROP FUNCTION {{schema}}.put_views_back();
DROP FUNCTION {{schema}}.set_views_aside();
DROP FUNCTION {{schema}}.renew_mirrors();
DROP FUNCTION {{schema}}.stale_mirrors();
DROP FUNCTION {{schema}}.mirror_view(text, text);
DROP FUNCTION {{schema}}.view_checksum(oid);
DROP FUNCTION {{schema}}.past_shared(text, text);
DROP FUNCTION {{schema}}.is_historys(oid);
DROP FUNCTION {{schema}}.hardened();
DROP FUNCTION {{schema}}.forget_past(text, text);
DROP FUNCTION {{schema}}.drop_past_view(text, text);
DROP FUNCTION {{schema}}.share_past(text, text);
DROP FUNCTION {{schema}}.refuse_untracked(text);
DROP FUNCTION {{schema}}.past_policy(oid);
DROP FUNCTION {{schema}}.past_covers(text);
DROP FUNCTION {{schema}}.make_past_schema(text, text, text);
DROP FUNCTION {{schema}}.note_gone(text, text, jsonb, jsonb);
DROP FUNCTION {{schema}}.note_unplaced(text, text);
DROP FUNCTION {{schema}}.grant_keys(text);
DROP FUNCTION {{schema}}.called_functions(name);
DROP FUNCTION {{schema}}.analyze_keys(text, text);
DROP FUNCTION {{schema}}.add_key(text, text, jsonb, boolean);
DROP FUNCTION {{schema}}.writer_functions();
DROP FUNCTION {{schema}}.add_keys(text, text, bigint);
DROP FUNCTION {{schema}}.make_keys(text, text, text, text, text);
DROP FUNCTION {{schema}}.key_type(oid, integer);
DROP FUNCTION {{schema}}.note_erased();
DROP FUNCTION {{schema}}.forget_keys(text, text, text, jsonb[]);
DROP FUNCTION {{schema}}.key_match_sql(oid, text);
DROP FUNCTION {{schema}}.note_tracked(text, text);
DROP FUNCTION {{schema}}.captures(regclass);
DROP FUNCTION {{schema}}.note_complete(text, text);
DROP FUNCTION {{schema}}.note_disturbed(text, text);
DROP FUNCTION {{schema}}.past_unknown(text, text, timestamptz);
DROP FUNCTION {{schema}}.past_recorded(text, text);
DROP FUNCTION {{schema}}.past_found(text, text);
DROP FUNCTION {{schema}}.past_complete(text, text, timestamptz);
DROP FUNCTION {{schema}}.past_misfit(text, anyelement);
DROP FUNCTION {{schema}}.past_refused(text);
DROP FUNCTION {{schema}}.travel_end();
DROP FUNCTION {{schema}}.past_relations();
DROP FUNCTION {{schema}}.past_path(jsonb, text);
DROP FUNCTION {{schema}}.past_schemas();
DROP FUNCTION {{schema}}.travel(jsonb);
DROP FUNCTION {{schema}}.resolve_point(jsonb);
DROP FUNCTION {{schema}}.value_fits(jsonb, text);
DROP FUNCTION {{schema}}.straddling(timestamptz);
DROP FUNCTION {{schema}}.transaction_end(xid8, bigint);
DROP FUNCTION {{schema}}.take_snapshot();
DROP FUNCTION {{schema}}.iso_time(timestamptz);
DROP FUNCTION {{schema}}.past_horizon();
DROP FUNCTION {{schema}}.ended_since(pg_snapshot);
DROP FUNCTION {{schema}}.is_given(xid8);
DROP FUNCTION {{schema}}.begun_after(xid8);
DROP FUNCTION {{schema}}.past_except(timestamptz, bigint, bigint);
DROP FUNCTION {{schema}}.as_of_sees(bigint, xid8);
DROP FUNCTION {{schema}}.as_of_to();
DROP FUNCTION {{schema}}.as_of_from();
DROP FUNCTION {{schema}}.as_of_snapshot();
DROP FUNCTION {{schema}}.as_of_except();
DROP FUNCTION {{schema}}.as_of_whole();
DROP FUNCTION {{schema}}.as_of();
DROP TABLE {{schema}}.chrononaut_ending;
DROP FUNCTION {{schema}}.note_ended();
DROP FUNCTION {{schema}}.note_ending(oid);
DROP FUNCTION {{schema}}.note_long();
DROP TABLE {{schema}}.chrononaut_long;
DROP TABLE {{schema}}.chrononaut_coverage;
DROP TABLE {{schema}}.chrononaut_past_schema;
DROP TABLE {{schema}}.chrononaut_past_aside;
DROP TABLE {{schema}}.chrononaut_past_mirror;
DROP TABLE {{schema}}.chrononaut_past;
