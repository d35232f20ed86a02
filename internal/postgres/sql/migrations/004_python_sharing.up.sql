-- Tables with the option shared_with_python are written by a running Python
-- chrononaut too. It writes a row of business data, which the capture trigger
-- records at once, and some time later in the same transaction its own row about
-- that change: eight columns, no operation. The two become one: Python's row,
-- which the application holds the id of, takes over what was captured, and the
-- captured one goes. Who and why are Python's, all else is what the database saw.

-- Before: Python's row gets everything of the captured one but the operation, so
-- that the two may stand side by side in the record index.
CREATE FUNCTION {{schema}}.python_complete() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    shared   record;
    captured {{schema}}.chrononaut_activity;
    found_in record;
    relation oid;
    name     text;
BEGIN
    FOR shared IN
        SELECT t.table_schema, t.table_name, t.key_columns, t.options
          FROM {{schema}}.chrononaut_table AS t
         WHERE t.table_name = NEW.table_name AND t.tracked AND t.options @> '{"shared_with_python": true}'
         ORDER BY t.table_schema
    LOOP
        found_in := shared;
        IF ARRAY(SELECT jsonb_object_keys(NEW.key) ORDER BY 1) <> ARRAY(SELECT unnest(shared.key_columns) ORDER BY 1) THEN
            RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
                MESSAGE = format('the key that Python records for %I.%I does not consist of its primary key columns', shared.table_schema, shared.table_name),
                HINT = 'Attributes of a shared model are named as their columns; see docs/python.md.';
        END IF;
        -- The change with the version that Python counted, or, when its count
        -- is behind, the first that it has not told about.
        SELECT a.* INTO captured
          FROM {{schema}}.chrononaut_activity AS a
         WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
               = jsonb_hash_extended(NEW.key, hashtextextended(shared.table_schema || '.' || shared.table_name, 0))
           AND a.key = NEW.key AND a.table_name || '' = shared.table_name AND a.table_schema || '' = shared.table_schema
           AND a.transaction_id = pg_current_xact_id()
           AND a.operation IN ('insert', 'update', 'delete')
           AND NOT a.extra_info ? 'chrononaut:python_version'
         ORDER BY a.version <> NEW.version, a.version < NEW.version, a.version LIMIT 1;
        EXIT WHEN FOUND;
    END LOOP;
    IF found_in IS NULL THEN
        RETURN NEW;
    END IF;
    relation := to_regclass(quote_ident(found_in.table_schema) || '.' || quote_ident(found_in.table_name));

    IF relation IS NULL THEN
        RETURN NEW;
    END IF;

    IF captured.id IS NULL THEN
        -- Python saw a change where the database saw none (5 became "5"). What it
        -- says about who and why is kept, as a version without a difference.
        IF (SELECT count(*) FROM {{schema}}.chrononaut_table AS t
             WHERE t.table_name = NEW.table_name AND t.tracked AND t.options @> '{"shared_with_python": true}') > 1 THEN
            RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
                MESSAGE = format('a row of Python about a table %I may be about several, and none of them was changed', NEW.table_name),
                HINT = 'Share tables of one name in one schema only; see docs/python.md.';
        END IF;
        EXECUTE format('SELECT FROM %s AS t WHERE %s = $1 FOR UPDATE', relation::regclass, {{schema}}.key_sql(relation, 't')) USING NEW.key;
        SELECT a.* INTO captured FROM {{schema}}.chrononaut_activity AS a
         WHERE a.id = {{schema}}.last_change(found_in.table_schema, found_in.table_name, NEW.key) AND a.key = NEW.key;
        IF captured.id IS NULL THEN
            RETURN NEW;
        END IF;
        captured.operation := CASE WHEN captured.operation IN ('delete', 'truncate') THEN 'delete' ELSE 'update' END;
        captured.version := {{schema}}.last_version(found_in.table_schema, found_in.table_name, NEW.key) + 1;
        captured.data := captured.data || jsonb_build_object('version', captured.version);
        captured.extra_info := '{}';
        captured.user_info := '{"user_id": null, "remote_addr": null}';
        captured.previous_key := NULL;
        captured.changed := clock_timestamp();
        captured.database_user := session_user;
        NEW.operation := captured.operation;
        PERFORM set_config('chrononaut.renumber', 'on', true);
        EXECUTE format('UPDATE %s AS t SET version = $2 WHERE %s = $1', relation::regclass, {{schema}}.key_sql(relation, 't'))
          USING NEW.key, captured.version;
        PERFORM set_config('chrononaut.renumber', '', true);
    END IF;

    -- What Python hides must not be captured, and what it calls otherwise it
    -- would not find again.
    FOR name IN SELECT h FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(NEW.extra_info -> 'hidden_cols_changed') = 'array'
                                                             THEN NEW.extra_info -> 'hidden_cols_changed' ELSE '[]' END) AS h LOOP
        IF captured.data ? name THEN
            RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
                MESSAGE = format('column %I of %I.%I is hidden in Python, but its values would be recorded here', name, found_in.table_schema, found_in.table_name),
                HINT = format('Run chrononaut track with --hidden %I.', name);
        END IF;
    END LOOP;
    FOR name IN SELECT d FROM jsonb_object_keys(NEW.data) AS d WHERE d <> 'version' AND NOT captured.data ? d LOOP
        IF NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = name AND a.attnum > 0 AND NOT a.attisdropped) THEN
            RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
                MESSAGE = format('Python records an attribute %I, which is no column of %I.%I', name, found_in.table_schema, found_in.table_name),
                HINT = 'Attributes of a shared model are named as their columns, and its columns are of one table; see docs/python.md.';
        END IF;
    END LOOP;

    NEW.extra_info := (NEW.extra_info - 'hidden_cols_changed') || captured.extra_info
        || jsonb_build_object('chrononaut:python_version', NEW.version);
    NEW.user_info := captured.user_info || jsonb_strip_nulls(NEW.user_info);
    NEW.table_schema := captured.table_schema;
    NEW.transaction_id := pg_current_xact_id();
    NEW.database_user := captured.database_user;
    NEW.changed := captured.changed;
    NEW.version := captured.version;
    NEW.data := captured.data;
    NEW.previous_key := captured.previous_key;
    RETURN NEW;
END
{{dollar}};

-- After: the captured row goes, and its operation becomes that of Python's row.
-- The guard of history lets both pass because nothing is lost by them.
CREATE FUNCTION {{schema}}.python_replace() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    what text;
BEGIN
    DELETE FROM {{schema}}.chrononaut_activity AS a
     WHERE jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
           = jsonb_hash_extended(NEW.key, hashtextextended(NEW.table_schema || '.' || NEW.table_name, 0))
       AND a.version = NEW.version
       AND a.key = NEW.key AND a.table_name || '' = NEW.table_name AND a.table_schema || '' = NEW.table_schema
       AND a.transaction_id = pg_current_xact_id() AND a.operation IS NOT NULL
    RETURNING a.operation INTO what;
    IF FOUND THEN
        UPDATE {{schema}}.chrononaut_activity AS a SET operation = what WHERE a.id = NEW.id;
    END IF;
    RETURN NULL;
END
{{dollar}};

CREATE TRIGGER chrononaut_python_complete
    BEFORE INSERT ON {{schema}}.chrononaut_activity
    FOR EACH ROW WHEN (NEW.operation IS NULL) EXECUTE FUNCTION {{schema}}.python_complete();
CREATE TRIGGER chrononaut_python_replace
    AFTER INSERT ON {{schema}}.chrononaut_activity
    FOR EACH ROW WHEN (NEW.operation IS NULL AND NEW.table_schema IS NOT NULL) EXECUTE FUNCTION {{schema}}.python_replace();

-- Their conditions cost every INSERT something, so they fire from the first table on
-- that is shared.
ALTER TABLE {{schema}}.chrononaut_activity DISABLE TRIGGER chrononaut_python_complete;
ALTER TABLE {{schema}}.chrononaut_activity DISABLE TRIGGER chrononaut_python_replace;

CREATE FUNCTION {{schema}}.python_shared() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF EXISTS (SELECT FROM pg_trigger AS t
                WHERE t.tgrelid = {{literal (print schema ".chrononaut_activity")}}::regclass AND t.tgenabled = 'D'
                  AND t.tgname IN ('chrononaut_python_complete', 'chrononaut_python_replace'))
    THEN
        ALTER TABLE {{schema}}.chrononaut_activity ENABLE TRIGGER chrononaut_python_complete;
        ALTER TABLE {{schema}}.chrononaut_activity ENABLE TRIGGER chrononaut_python_replace;
    END IF;
    RETURN NULL;
END
{{dollar}};

CREATE TRIGGER chrononaut_python_shared
    AFTER INSERT OR UPDATE ON {{schema}}.chrononaut_table
    FOR EACH ROW WHEN (NEW.options @> '{"shared_with_python": true}') EXECUTE FUNCTION {{schema}}.python_shared();

-- On a table of his own, somebody could read history by them, or lock it.
REVOKE EXECUTE ON FUNCTION {{schema}}.python_complete(), {{schema}}.python_replace(), {{schema}}.python_shared() FROM PUBLIC;
