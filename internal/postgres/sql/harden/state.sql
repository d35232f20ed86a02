{{- /*
What chrononaut harden has to know, as one JSON document. $1 is the roles that are
asked for, as the setting has them, with "table_owner".
*/ -}}
WITH asked AS (
    SELECT $1::jsonb AS roles
), applications AS (
    SELECT r.* FROM asked AS a CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(a.roles -> 'applications') AS n (name)
      JOIN pg_catalog.pg_roles AS r ON r.rolname = n.name
), named AS (
    SELECT DISTINCT n.name
      FROM asked AS a CROSS JOIN LATERAL pg_catalog.jsonb_each(a.roles) AS k
     CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(CASE pg_catalog.jsonb_typeof(k.value) WHEN 'array' THEN k.value ELSE '[]' END) AS n (name)
), tracked AS (
    SELECT t.table_schema, t.table_name, c.oid, c.relowner, c.relkind, c.relrowsecurity, c.relnamespace, t.options @> '{"shared_with_python": true}' AS shared
      FROM {{schema}}.chrononaut_table AS t
      JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident(t.table_schema) || '.' || pg_catalog.quote_ident(t.table_name))
     WHERE t.tracked
), problems AS (
    SELECT r.rolname, 'is a superuser' AS reason FROM applications AS r WHERE r.rolsuper
    UNION ALL
    SELECT r.rolname, 'may replicate' FROM applications AS r WHERE r.rolreplication AND NOT r.rolsuper
    UNION ALL
    SELECT r.rolname, 'bypasses row security' FROM applications AS r WHERE r.rolbypassrls AND NOT r.rolsuper
    UNION ALL
    SELECT r.rolname, 'may create roles' FROM applications AS r WHERE r.rolcreaterole AND NOT r.rolsuper
    UNION ALL
    SELECT r.rolname, 'owns the database' FROM applications AS r JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
     WHERE NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, d.datdba, 'MEMBER')
    UNION ALL
    SELECT r.rolname, 'is a member of ' || o.rolname
      FROM applications AS r CROSS JOIN asked AS a
      JOIN pg_catalog.pg_roles AS o
        ON o.rolname IN (a.roles ->> 'owner', a.roles ->> 'writer', a.roles ->> 'table_owner', 'pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files')
        OR a.roles -> 'admins' ? o.rolname
     WHERE NOT r.rolsuper AND pg_catalog.pg_has_role(r.oid, o.oid, 'MEMBER')
    UNION ALL
    SELECT r.rolname, CASE WHEN t.relowner = r.oid THEN 'owns ' ELSE 'is a member of the owner of ' END
                      || pg_catalog.quote_ident(t.table_schema) || '.' || pg_catalog.quote_ident(t.table_name)
      FROM applications AS r CROSS JOIN asked AS a
      JOIN tracked AS t ON pg_catalog.pg_has_role(r.oid, t.relowner, 'MEMBER')
     WHERE NOT r.rolsuper AND NOT (t.relowner = r.oid AND a.roles ->> 'table_owner' <> '')
    UNION ALL
    SELECT '', 'there is no role ' || n.name FROM named AS n WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = n.name)
    UNION ALL
    SELECT r.rolname, 'is to own history, and has other rights'
      FROM asked AS a JOIN pg_catalog.pg_roles AS r ON r.rolname IN (a.roles ->> 'owner', a.roles ->> 'writer')
     WHERE r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolreplication
        OR EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m WHERE m.member = r.oid)
    UNION ALL
    SELECT '', pg_catalog.quote_ident(t.table_schema) || '.' || pg_catalog.quote_ident(t.table_name) || ' is shared with Python, whose program writes history itself'
      FROM tracked AS t WHERE t.shared
    UNION ALL
    SELECT '', 'the schema of history has a table of something else, ' || pg_catalog.quote_ident(c.relname)
      FROM pg_catalog.pg_class AS c
     WHERE c.relnamespace = {{literal schema}}::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       AND c.relname !~ '^chrononaut_' AND c.relname !~ '_[0-9a-f]{8}_(keys|period)$'
)
SELECT pg_catalog.jsonb_build_object(
    'runner', current_user,
    'superuser', (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user),
    -- Since 16, who may create roles may give away what it has itself.
    'bypasses', (SELECT r.rolsuper OR r.rolbypassrls AND r.rolcreaterole AND pg_catalog.current_setting('server_version_num')::integer >= 160000
                   FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user),
    'existing', (SELECT coalesce(pg_catalog.jsonb_agg(r.rolname), '[]') FROM asked AS a
                   JOIN pg_catalog.pg_roles AS r ON r.rolname IN (a.roles ->> 'owner', a.roles ->> 'writer', a.roles ->> 'table_owner')),
    -- Who can already act for the roles of history: has their rights, and may hand over to them.
    'acting', (SELECT coalesce(pg_catalog.jsonb_agg(m.rolname || E'\n' || r.rolname), '[]')
                 FROM asked AS a
                 JOIN pg_catalog.pg_roles AS r ON r.rolname IN (a.roles ->> 'owner', a.roles ->> 'writer', a.roles ->> 'table_owner')
                 JOIN pg_catalog.pg_roles AS m ON m.rolname = current_user OR a.roles -> 'admins' ? m.rolname
                WHERE pg_catalog.pg_has_role(m.oid, r.oid, 'USAGE')
                  AND CASE WHEN pg_catalog.current_setting('server_version_num')::integer >= 160000 THEN pg_catalog.pg_has_role(m.oid, r.oid, 'SET') ELSE true END),
    'hidden_rows', EXISTS (SELECT FROM tracked AS t WHERE t.relrowsecurity),
    'writer_bypasses', coalesce((SELECT r.rolbypassrls FROM asked AS a JOIN pg_catalog.pg_roles AS r ON r.rolname = a.roles ->> 'writer'), false),
    'problems', (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT pg_catalog.jsonb_build_object('role', p.rolname, 'reason', p.reason)), '[]') FROM problems AS p),
    -- Tables that change hands: those that an application owns.
    'moves', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                         'schema', t.table_schema, 'name', t.table_name, 'from', r.rolname,
                         'creates', pg_catalog.has_schema_privilege(coalesce(o.oid, 0), t.relnamespace, 'CREATE'),
                         'tables', (SELECT pg_catalog.jsonb_agg(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) ORDER BY c.oid)
                                      FROM (SELECT t.oid UNION SELECT p.relid FROM pg_catalog.pg_partition_tree(t.oid) AS p) AS x (oid)
                                      JOIN pg_catalog.pg_class AS c ON c.oid = x.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace),
                         'sequences', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)), '[]')
                                         FROM pg_catalog.pg_depend AS d
                                         JOIN pg_catalog.pg_class AS c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                                        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = t.oid AND d.deptype IN ('a', 'i')))
                       ORDER BY t.table_schema, t.table_name), '[]')
                FROM asked AS a CROSS JOIN tracked AS t
                JOIN applications AS r ON r.oid = t.relowner
                LEFT JOIN pg_catalog.pg_roles AS o ON o.rolname = a.roles ->> 'table_owner'
               WHERE a.roles ->> 'table_owner' <> '')
)::text
  FROM asked
