-- What keeps history from those who may write the tables, or own them: values that
-- nobody else can make, and who owns what.

-- A secret by which a setting that the triggers made is told from one that somebody
-- else has made. Read by the functions here only.
CREATE TABLE {{schema}}.chrononaut_secret (
    secret text NOT NULL
);
INSERT INTO {{schema}}.chrononaut_secret (secret)
VALUES (pg_catalog.gen_random_uuid()::text || pg_catalog.gen_random_uuid()::text);

-- The signature of a value, in this transaction.
CREATE FUNCTION {{schema}}.signature(value text) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT encode(sha256(convert_to(s.secret || '|' || pg_current_xact_id() || '|' || value || '|' || s.secret, 'UTF8')), 'hex')
      FROM {{schema}}.chrononaut_secret AS s
{{dollar}};

-- The highest version that this transaction has given to a row whose key it
-- changed: for records that exchange their keys, see the capture trigger.
CREATE FUNCTION {{schema}}.rekeyed() RETURNS integer
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    parts text[] := string_to_array(current_setting('chrononaut.rekeyed', true), ' ');
BEGIN
    IF parts[2] = {{schema}}.signature('rekeyed ' || parts[1]) THEN
        RETURN parts[1]::integer;
    END IF;
    RETURN NULL;
END
{{dollar}};

CREATE FUNCTION {{schema}}.note_rekeyed(version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
BEGIN
    IF coalesce({{schema}}.rekeyed(), -1) < version THEN
        PERFORM set_config('chrononaut.rekeyed', version || ' ' || {{schema}}.signature('rekeyed ' || version), true);
    END IF;
END
{{dollar}};

-- Whether a row may be given this version although nothing else of it changes: it is
-- the last one in history, or the one after it that Python chrononaut writes next.
CREATE FUNCTION {{schema}}.is_renumbered(of_schema text, of_table text, version integer, last_version integer) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT coalesce(version = last_version, false)
        OR coalesce(version = last_version + 1, false)
           AND EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t
                        WHERE t.table_schema = of_schema AND t.table_name = of_table AND t.options @> '{"shared_with_python": true}')
{{dollar}};

REVOKE EXECUTE ON FUNCTION {{schema}}.signature(text), {{schema}}.rekeyed(), {{schema}}.note_rekeyed(integer) FROM PUBLIC;

-- ------------------------------------------------------------------- roles --
--
-- In a hardened database history belongs to one role, and the functions that run
-- code of the owners of tables (their triggers, policies, casts, domains) to another,
-- which may add to history and cannot change it. Nobody logs in as one of them. The
-- setting "hardened" has the roles:
--   {"owner", "writer": names,
--    "admins", "applications", "readers", "past_readers", "holders", "leasers", "suppressors": [names]}

-- The functions of the role that writes, by the names that the generated ones have.
CREATE FUNCTION {{schema}}.is_writers(function_name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT function_name ~ '_[0-9a-f]{8}_(baseline|number|version|record|capture|statement|truncate|period_fill|period_follow)$'
        OR function_name IN ('forget_keys', 'python_complete', 'hold', 'hold_rows')
{{dollar}};

-- The relations of a role of the setting: what it may do with which of ours.
CREATE FUNCTION {{schema}}.wanted_privileges(roles jsonb) RETURNS TABLE (role text, relation name, privilege text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    WITH ours AS (
        SELECT c.relname, c.relkind FROM pg_class AS c
         WHERE c.relnamespace = {{literal schema}}::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
    )
    SELECT roles ->> 'writer', o.relname, w.privilege
      FROM ours AS o
      JOIN (VALUES ('^chrononaut_activity$', 'SELECT'), ('^chrononaut_activity$', 'INSERT'), ('^chrononaut_table$', 'SELECT'),
                   ('^chrononaut_move$', 'SELECT'), ('^chrononaut_move$', 'INSERT'), ('^chrononaut_move$', 'UPDATE'), ('^chrononaut_move$', 'DELETE'),
                   ('^chrononaut_period_todo$', 'SELECT'), ('^chrononaut_period_todo$', 'INSERT'),
                   ('_[0-9a-f]{8}_keys$', 'SELECT'), ('_[0-9a-f]{8}_keys$', 'INSERT'), ('_[0-9a-f]{8}_keys$', 'DELETE'),
                   ('_[0-9a-f]{8}_period$', 'SELECT'), ('_[0-9a-f]{8}_period$', 'INSERT'), ('_[0-9a-f]{8}_period$', 'UPDATE'), ('_[0-9a-f]{8}_period$', 'DELETE'),
                   ('^chrononaut_hold(_scope|_shape)?$', 'SELECT'), ('^chrononaut_hold(_scope|_shape)?$', 'INSERT'), ('^chrononaut_lease$', 'SELECT')) AS w (pattern, privilege)
        ON o.relkind <> 'S' AND o.relname ~ w.pattern
    UNION ALL
    SELECT roles ->> 'writer', o.relname, 'USAGE' FROM ours AS o
     WHERE o.relname IN ('chrononaut_activity_id_seq', 'chrononaut_period_todo_id_seq', 'chrononaut_hold_id_seq')
    UNION ALL
    SELECT r.name, o.relname, 'SELECT'
      FROM (SELECT jsonb_array_elements_text(coalesce(roles -> 'applications', '[]') || coalesce(roles -> 'readers', '[]'))) AS r (name), ours AS o
     WHERE o.relname IN ('chrononaut_activity', 'chrononaut_table', 'chrononaut_migration', 'chrononaut_setting', 'chrononaut_cluster', 'chrononaut_hold', 'chrononaut_hold_scope', 'chrononaut_hold_shape', 'chrononaut_lease')
    UNION ALL
    -- What is tracked, and the holds or leases that there are.
    SELECT DISTINCT r.name, o.relname, 'SELECT'
      FROM (VALUES ('holders', '^chrononaut_(table|migration|hold|hold_scope)$'), ('leasers', '^chrononaut_(table|migration|lease)$')) AS k (kind, pattern)
     CROSS JOIN jsonb_array_elements_text(coalesce(roles -> k.kind, '[]')) AS r (name)
      JOIN ours AS o ON o.relname ~ k.pattern
     WHERE NOT coalesce(roles -> 'applications', '[]') || coalesce(roles -> 'readers', '[]') ? r.name
    UNION ALL
    SELECT 'PUBLIC', o.relname, 'SELECT' FROM ours AS o
     WHERE o.relname IN ('chrononaut_past', 'chrononaut_past_schema', 'chrononaut_past_mirror', 'chrononaut_period', 'chrononaut_guarded', 'chrononaut_unsettled', 'chrononaut_departed')
{{dollar}};

-- Which closed functions a role of the setting may call. Others are the owner's.
CREATE FUNCTION {{schema}}.wanted_calls(roles jsonb) RETURNS TABLE (role text, function_name text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
    SELECT roles ->> 'writer', f FROM unnest({{schema}}.writer_functions() || '{guard}'::text[]) AS f
    UNION ALL
    SELECT r.name, f.name
      FROM (VALUES ('suppressors', '{suppress}'::text[]), ('holders', '{hold,release}'),
                   ('leasers', '{lease,lease_grant,lease_guard,renew_lease,release_lease}')) AS k (kind, names)
     CROSS JOIN unnest(k.names) AS f (name)
     CROSS JOIN jsonb_array_elements_text(coalesce(roles -> k.kind, '[]')) AS r (name)
{{dollar}};

-- What is not yet as the roles want it: statements in the order in which they run.
-- "former" are roles that are no longer named: who else may read history is not
-- Chrononaut's to say.
-- closed are the functions that not everybody may call.
CREATE FUNCTION {{schema}}.hardening(roles jsonb, closed text[]) RETURNS TABLE (place integer, what text, statement text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    -- To compile it takes seconds.
    SET jit = off
AS {{dollar}}
    WITH spaces AS MATERIALIZED (
        SELECT n.oid, n.nspname, n.nspowner, n.nspacl, n.oid = {{literal schema}}::regnamespace AS history
          FROM pg_namespace AS n
         WHERE n.oid = {{literal schema}}::regnamespace
            OR n.nspname IN (SELECT unnest(ARRAY[s.past_schema, s.untracked_schema]) FROM {{schema}}.chrononaut_past_schema AS s)
    ), privileges AS MATERIALIZED (
        SELECT w.* FROM {{schema}}.wanted_privileges(roles) AS w
    ), calls AS MATERIALIZED (
        SELECT w.* FROM {{schema}}.wanted_calls(roles) AS w
    ), functions AS MATERIALIZED (
        SELECT f.oid, f.proname, f.proowner, f.proacl, format('%I.%I(%s)', n.nspname, f.proname, pg_get_function_identity_arguments(f.oid)) AS written,
               CASE WHEN {{schema}}.is_writers(f.proname) THEN roles ->> 'writer' ELSE roles ->> 'owner' END AS wanted
          FROM pg_proc AS f JOIN spaces AS n ON n.oid = f.pronamespace
    ), tracked AS MATERIALIZED (
        SELECT t.table_schema, t.table_name, c.oid, c.relacl, coalesce(t.options ->> 'version_column', 'version') AS version_column
          FROM {{schema}}.chrononaut_table AS t
          JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(t.table_schema) || '.' || quote_ident(t.table_name))
         WHERE t.tracked
    ), tree AS MATERIALIZED (
        SELECT t.version_column, p.relid AS oid, n.nspname, c.relname, c.relacl, c.relowner
          FROM tracked AS t
         CROSS JOIN LATERAL (SELECT t.oid UNION SELECT x.relid FROM pg_partition_tree(t.oid) AS x) AS p (relid)
          JOIN pg_class AS c ON c.oid = p.relid
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
    ), members AS (
        SELECT k.kind, r.name FROM jsonb_each(roles) AS k (kind, names)
         CROSS JOIN LATERAL jsonb_array_elements_text(CASE WHEN jsonb_typeof(k.names) = 'array' THEN k.names ELSE '[]' END) AS r (name)
    ), usable AS (
        -- Who uses the history schema and those of the application.
        SELECT roles ->> 'writer' AS name, n.oid, n.nspname, n.nspacl, n.nspowner FROM spaces AS n WHERE n.history
        UNION
        SELECT m.name, n.oid, n.nspname, n.nspacl, n.nspowner FROM members AS m, spaces AS n WHERE n.history
        UNION
        SELECT r.name, n.oid, n.nspname, n.nspacl, n.nspowner
          FROM (VALUES (roles ->> 'owner'), (roles ->> 'writer')) AS r (name),
               pg_namespace AS n WHERE n.oid IN (SELECT c.relnamespace FROM tree AS t JOIN pg_class AS c ON c.oid = t.oid)
    )
    SELECT 10, 'The schemas of history and of the past belong to the owner of history.', format('ALTER SCHEMA %I OWNER TO %I', n.nspname, roles ->> 'owner')
      FROM spaces AS n WHERE pg_get_userbyid(n.nspowner) <> roles ->> 'owner'
    UNION ALL
    SELECT 20, 'So do the tables, sequences and views in them.',
           format('ALTER %s %I.%I OWNER TO %I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, n.nspname, c.relname, roles ->> 'owner')
      FROM pg_class AS c JOIN spaces AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'S') AND pg_get_userbyid(c.relowner) <> roles ->> 'owner'
       -- The sequence of a column goes with its table.
       AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND c.relkind = 'S' AND d.deptype IN ('a', 'i'))
    UNION ALL
    SELECT 30, 'The functions too. Those that run code of the owners of tables belong to the role that can only add to history.',
           format('ALTER FUNCTION %s OWNER TO %I', f.written, roles ->> 'owner')
      FROM functions AS f WHERE f.wanted = roles ->> 'owner' AND pg_get_userbyid(f.proowner) <> f.wanted
    UNION ALL
    SELECT 31, 'The new owner of a function needs this for a moment.', format('GRANT CREATE ON SCHEMA {{literalBody schema}} TO %I', roles ->> 'writer')
     WHERE EXISTS (SELECT FROM functions AS f WHERE f.wanted = roles ->> 'writer' AND pg_get_userbyid(f.proowner) <> f.wanted)
    UNION ALL
    SELECT 32, 'The functions that run code of the owners of tables.', format('ALTER FUNCTION %s OWNER TO %I', f.written, roles ->> 'writer')
      FROM functions AS f WHERE f.wanted = roles ->> 'writer' AND pg_get_userbyid(f.proowner) <> f.wanted
    UNION ALL
    SELECT 33, 'The new owner of a function needs this for a moment.', format('REVOKE CREATE ON SCHEMA {{literalBody schema}} FROM %I', roles ->> 'writer')
     WHERE EXISTS (SELECT FROM functions AS f WHERE f.wanted = roles ->> 'writer' AND pg_get_userbyid(f.proowner) <> f.wanted)
    UNION ALL
    SELECT 40, 'Nobody else may do more with history than read it.',
           format('REVOKE %s ON %s %I.%I FROM %s', string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type), CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                  n.nspname, c.relname, CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END)
      FROM pg_class AS c JOIN spaces AS n ON n.oid = c.relnamespace AND n.history
     CROSS JOIN LATERAL aclexplode(c.relacl) AS e
     WHERE c.relkind IN ('r', 'p', 'v', 'S') AND e.grantee <> c.relowner
       AND pg_get_userbyid(e.grantee) <> roles ->> 'owner'
       AND NOT (e.privilege_type = 'SELECT' AND c.relname <> 'chrononaut_secret' AND NOT coalesce(roles -> 'former' ? pg_get_userbyid(e.grantee), false))
       AND NOT EXISTS (SELECT FROM privileges AS w
                        WHERE w.relation = c.relname AND w.privilege = e.privilege_type AND w.role = pg_get_userbyid(e.grantee))
     GROUP BY n.nspname, c.relname, c.relkind, e.grantee
    UNION ALL
    SELECT 41, 'Nobody else may make anything in the schema of history.',
           format('REVOKE CREATE ON SCHEMA %I FROM %s', n.nspname, CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END)
      FROM spaces AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS e
     WHERE e.privilege_type = 'CREATE' AND e.grantee <> n.nspowner AND pg_get_userbyid(e.grantee) <> roles ->> 'owner'
    UNION ALL
    SELECT 42, 'Functions that open the door, hold, lease, or that only the triggers need.',
           format('REVOKE EXECUTE ON FUNCTION %s FROM %s', f.written, CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END)
      FROM functions AS f CROSS JOIN LATERAL aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS e
     WHERE (f.proname = ANY (closed) OR f.wanted = roles ->> 'writer') AND e.grantee <> f.proowner
       AND pg_get_userbyid(e.grantee) <> f.wanted
       -- forget_keys() is called by a function of the owner's.
       AND NOT (f.proname = 'forget_keys' AND pg_get_userbyid(e.grantee) = roles ->> 'owner')
       AND NOT EXISTS (SELECT FROM calls AS w WHERE w.function_name = f.proname AND w.role = pg_get_userbyid(e.grantee))
    UNION ALL
    SELECT 43, 'Nor with a column of it.',
           format('REVOKE %s ON %I.%I FROM %s', string_agg(format('%s (%I)', e.privilege_type, a.attname), ', ' ORDER BY e.privilege_type, a.attnum), n.nspname, c.relname,
                  CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END)
      FROM pg_class AS c JOIN spaces AS n ON n.oid = c.relnamespace AND n.history
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
     CROSS JOIN LATERAL aclexplode(a.attacl) AS e
     WHERE c.relkind IN ('r', 'p', 'v') AND e.grantee <> c.relowner AND pg_get_userbyid(e.grantee) <> roles ->> 'owner'
       AND NOT (e.privilege_type = 'SELECT' AND c.relname <> 'chrononaut_secret' AND NOT coalesce(roles -> 'former' ? pg_get_userbyid(e.grantee), false))
     GROUP BY n.nspname, c.relname, e.grantee
    UNION ALL
    SELECT 50, 'What these schemas have is found by name.', format('GRANT USAGE ON SCHEMA %I TO %I', u.nspname, u.name)
      FROM usable AS u
     WHERE pg_get_userbyid(u.nspowner) <> u.name
       AND NOT EXISTS (SELECT FROM aclexplode(u.nspacl) AS e WHERE e.privilege_type = 'USAGE' AND (e.grantee = 0 OR pg_get_userbyid(e.grantee) = u.name))
    UNION ALL
    SELECT 60, CASE WHEN w.role = roles ->> 'writer' THEN 'The triggers add to history.' ELSE 'Applications and readers read it.' END,
           format('GRANT %s ON %s {{literalBody schema}}.%I TO %I', string_agg(w.privilege, ', ' ORDER BY w.privilege), CASE WHEN bool_or(w.privilege = 'USAGE') THEN 'SEQUENCE' ELSE 'TABLE' END, w.relation, w.role)
      FROM privileges AS w
      JOIN pg_class AS c ON c.relname = w.relation AND c.relnamespace = {{literal schema}}::regnamespace
     WHERE w.role <> 'PUBLIC' AND pg_get_userbyid(c.relowner) <> w.role
       AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) AS e WHERE e.privilege_type = w.privilege AND pg_get_userbyid(e.grantee) = w.role)
     GROUP BY w.role, w.relation
    UNION ALL
    -- No keys, no data, and nobody's name.
    SELECT DISTINCT 63, 'Who holds or leases sees when tables were tracked.',
           format('GRANT SELECT (id, table_schema, table_name, operation, changed) ON TABLE {{literalBody schema}}.chrononaut_activity TO %I', m.name)
      FROM members AS m, pg_class AS c
     WHERE m.kind IN ('holders', 'leasers') AND c.relname = 'chrononaut_activity' AND c.relnamespace = {{literal schema}}::regnamespace
       AND NOT coalesce(roles -> 'applications', '[]') || coalesce(roles -> 'readers', '[]') ? m.name
       AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) AS e WHERE e.privilege_type = 'SELECT' AND pg_get_userbyid(e.grantee) = m.name)
       AND EXISTS (SELECT FROM pg_attribute AS a
                    WHERE a.attrelid = c.oid AND a.attname IN ('id', 'table_schema', 'table_name', 'operation', 'changed')
                      AND NOT EXISTS (SELECT FROM aclexplode(a.attacl) AS e WHERE e.privilege_type = 'SELECT' AND pg_get_userbyid(e.grantee) = m.name))
    UNION ALL
    SELECT 61, CASE WHEN w.role = roles ->> 'writer' THEN 'The triggers call these.' ELSE 'Who may open the unsafe door, hold or lease.' END,
           format('GRANT EXECUTE ON FUNCTION %s TO %I', f.written, w.role)
      FROM calls AS w
      JOIN functions AS f ON f.proname = w.function_name
     WHERE f.wanted <> w.role
       AND NOT EXISTS (SELECT FROM aclexplode(f.proacl) AS e WHERE pg_get_userbyid(e.grantee) = w.role)
    UNION ALL
    SELECT 62, 'Erased history forgets its keys.', format('GRANT EXECUTE ON FUNCTION %s TO %I', f.written, roles ->> 'owner')
      FROM functions AS f
     WHERE f.proname = 'forget_keys' AND NOT EXISTS (SELECT FROM aclexplode(f.proacl) AS e WHERE pg_get_userbyid(e.grantee) = roles ->> 'owner')
    UNION ALL
    -- Of a table that can be held all of it is locked, which asks for more.
    SELECT 70, 'The triggers correct the version of a row, and read the rows that TRUNCATE removes.',
           CASE WHEN roles -> 'holders' <> '[]' THEN format('GRANT SELECT, UPDATE ON %I.%I TO %I', t.nspname, t.relname, roles ->> 'writer')
                ELSE format('GRANT SELECT, UPDATE (%I) ON %I.%I TO %I', t.version_column, t.nspname, t.relname, roles ->> 'writer') END
      FROM tree AS t
     WHERE pg_get_userbyid(t.relowner) <> roles ->> 'writer'
       AND NOT (EXISTS (SELECT FROM aclexplode(t.relacl) AS e WHERE e.privilege_type = 'SELECT' AND pg_get_userbyid(e.grantee) = roles ->> 'writer')
                AND (EXISTS (SELECT FROM aclexplode(t.relacl) AS e WHERE e.privilege_type = 'UPDATE' AND pg_get_userbyid(e.grantee) = roles ->> 'writer')
                     OR roles -> 'holders' = '[]'
                        AND EXISTS (SELECT FROM pg_attribute AS a CROSS JOIN LATERAL aclexplode(a.attacl) AS e
                                     WHERE a.attrelid = t.oid AND a.attname = t.version_column AND e.privilege_type = 'UPDATE' AND pg_get_userbyid(e.grantee) = roles ->> 'writer')))
    UNION ALL
    SELECT 71, 'An application makes no triggers on tracked tables, and refers to none of their rows.',
           format('REVOKE %s ON %I.%I FROM %s', string_agg(e.privilege_type, ', ' ORDER BY e.privilege_type), t.nspname, t.relname,
                  CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END)
      FROM tree AS t CROSS JOIN LATERAL aclexplode(t.relacl) AS e
     WHERE e.privilege_type IN ('TRIGGER', 'REFERENCES') AND e.grantee <> t.relowner
       AND (e.grantee = 0 OR EXISTS (SELECT FROM members AS m WHERE m.kind = 'applications' AND m.name = pg_get_userbyid(e.grantee)))
     GROUP BY t.nspname, t.relname, e.grantee
    UNION ALL
    SELECT 80, 'Who may read a table may read its past, and some read only the past.', format('SELECT {{literalBody schema}}.share_past(%L, %L)', t.table_schema, t.table_name)
      FROM tracked AS t
      JOIN {{schema}}.chrononaut_past AS p ON p.table_schema = t.table_schema AND p.table_name = t.table_name
     WHERE EXISTS (SELECT FROM members AS m
                    WHERE m.kind = 'past_readers'
                      AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_past_schema AS s
                                        JOIN pg_class AS v ON v.oid = to_regclass(quote_ident(s.past_schema) || '.' || quote_ident(t.table_name))
                                       CROSS JOIN LATERAL aclexplode(v.relacl) AS e
                                       WHERE s.table_schema = t.table_schema AND pg_get_userbyid(e.grantee) = m.name))
        OR EXISTS (SELECT FROM {{schema}}.chrononaut_past_schema AS s
                     JOIN pg_class AS v ON v.oid = to_regclass(quote_ident(s.past_schema) || '.' || quote_ident(t.table_name))
                    CROSS JOIN LATERAL aclexplode(v.relacl) AS e
                    WHERE s.table_schema = t.table_schema AND coalesce(roles -> 'former' ? pg_get_userbyid(e.grantee), false)
                      AND NOT has_table_privilege(e.grantee, t.oid, 'SELECT'))
        OR NOT {{schema}}.past_shared(t.table_schema, t.table_name)
     ORDER BY 1, 2, 3
{{dollar}};

-- Does what is left of it, after track and migrate have made something new.
CREATE FUNCTION {{schema}}.keep_hardened(closed text[]) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS {{dollar}}
DECLARE
    statements text[] := ARRAY(SELECT h.statement FROM {{schema}}.hardening({{schema}}.hardened(), closed) AS h);
    one        text;
BEGIN
    FOREACH one IN ARRAY statements LOOP
        EXECUTE one;
    END LOOP;
    RETURN cardinality(statements);
END
{{dollar}};
