DO {{dollar}}
BEGIN
    EXECUTE pg_catalog.format('DROP EVENT TRIGGER IF EXISTS %I', {{literal (beside "_held_drop")}});
    EXECUTE pg_catalog.format('DROP EVENT TRIGGER IF EXISTS %I', {{literal (beside "_held_alter")}});
    EXECUTE pg_catalog.format('DROP EVENT TRIGGER IF EXISTS %I', {{literal (beside "_held_rewrite")}});
EXCEPTION WHEN insufficient_privilege THEN
    -- They go with their functions, or are another role's to drop.
    RAISE EXCEPTION 'event triggers of the history schema are left: a superuser has to drop them first';
END
{{dollar}};
DROP FUNCTION {{schema}}.release(bigint, text);
DROP FUNCTION {{schema}}.hold(text, text, jsonb, text, jsonb);
DROP FUNCTION {{schema}}.note_hold(bigint, text, text, text, text, jsonb);
DROP FUNCTION {{schema}}.hold_children(bigint, jsonb, jsonb);
DROP FUNCTION {{schema}}.add_record_scopes(bigint, text, text, jsonb);
DROP FUNCTION {{schema}}.add_scopes(bigint, text, text, jsonb, boolean);
DROP FUNCTION {{schema}}.add_shapes(text, text, jsonb);
DROP FUNCTION {{schema}}.keys_of_life(text, text, jsonb);
DROP FUNCTION {{schema}}.key_since(text, text, jsonb, integer);
DROP FUNCTION {{schema}}.hold_rows(oid, jsonb, text[], boolean);
DROP FUNCTION {{schema}}.hold_referred(jsonb);
DROP FUNCTION {{schema}}.hold_relations(text, text, jsonb);
DROP FUNCTION {{schema}}.holdable(text, text);
DROP FUNCTION {{schema}}.hold_document({{schema}}.chrononaut_hold);
DROP FUNCTION {{schema}}.arm_holds();
DROP TRIGGER chrononaut_held ON {{schema}}.chrononaut_table;
DROP TRIGGER chrononaut_held ON {{schema}}.chrononaut_activity;
DROP FUNCTION {{schema}}.make_hold_triggers();
DROP FUNCTION {{schema}}.refuse_held_rewrite();
DROP FUNCTION {{schema}}.refuse_held_alter();
DROP FUNCTION {{schema}}.refuse_held_drop();
DROP FUNCTION {{schema}}.refuse_held_table();
DROP FUNCTION {{schema}}.refuse_held();
DROP FUNCTION {{schema}}.history_held(text, text, jsonb, integer);
DROP FUNCTION {{schema}}.guard_hold_truncate(text, text);
DROP FUNCTION {{schema}}.guard_hold(text, text, text, jsonb, jsonb);
DROP FUNCTION {{schema}}.raise_held(bigint, text, text);
DROP TABLE {{schema}}.chrononaut_hold_shape;
DROP TABLE {{schema}}.chrononaut_hold_scope;
DROP TABLE {{schema}}.chrononaut_hold;
DROP FUNCTION {{schema}}.refuse_hold_write();
