-- Guards of the history table that are missing or disabled, settings that turn
-- ordinary triggers off, roles that cannot write history, and history that came
-- from elsewhere.
SELECT 'history_trigger', g.name, CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'O' THEN 'not enabled always' WHEN 'R' THEN 'enabled for replicas only' ELSE 'missing' END
  FROM (VALUES ('chrononaut_append_only'), ('chrononaut_append_only_truncate')) AS g (name)
  LEFT JOIN pg_catalog.pg_trigger AS t
         ON t.tgname = g.name
        AND t.tgrelid = pg_catalog.to_regclass({{literal (print schema ".chrononaut_activity")}})
 WHERE t.tgenabled IS DISTINCT FROM 'A'
UNION ALL
SELECT 'replica_role',
       coalesce('role ' || r.rolname, '') || CASE WHEN r.rolname IS NOT NULL AND d.datname IS NOT NULL THEN ' in ' ELSE '' END
           || coalesce('database ' || d.datname, ''),
       pg_catalog.split_part(c.setting, '=', 2)
  FROM pg_catalog.pg_db_role_setting AS s
  LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
  LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase,
       LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
 WHERE pg_catalog.starts_with(c.setting, 'session_replication_role=') AND pg_catalog.split_part(c.setting, '=', 2) <> 'origin'
   AND (s.setdatabase = 0 OR d.datname = pg_catalog.current_database())

UNION ALL
-- Owners of trigger functions who may not write history, or whom row security
-- on it stops: every write to their tables fails.
SELECT DISTINCT 'history_access', r.rolname,
       CASE WHEN NOT pg_catalog.has_table_privilege(r.oid, h.oid, 'INSERT') THEN 'privilege' ELSE 'row security' END
  FROM pg_catalog.pg_class AS h
  JOIN pg_catalog.pg_proc AS f ON f.pronamespace = h.relnamespace AND f.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype
  JOIN pg_catalog.pg_roles AS r ON r.oid = f.proowner
 WHERE h.oid = pg_catalog.to_regclass({{literal (print schema ".chrononaut_activity")}})
   AND f.proname <> 'refuse_rewrite' AND NOT r.rolsuper
   AND (NOT (pg_catalog.has_table_privilege(r.oid, h.oid, 'SELECT') AND pg_catalog.has_table_privilege(r.oid, h.oid, 'INSERT'))
        OR h.relrowsecurity AND NOT r.rolbypassrls
           AND (h.relforcerowsecurity OR NOT pg_catalog.pg_has_role(r.oid, h.relowner, 'USAGE')))

UNION ALL
-- The detail says whether this role may settle it.
SELECT 'history_moved', m.moved,
       pg_catalog.has_function_privilege({{literal (print schema ".settle_history(bigint)")}}, 'EXECUTE')::text
  FROM {{schema}}.history_moved() AS m (moved)
 WHERE m.moved IS NOT NULL

UNION ALL
-- Functions that not everybody may call: a restore without privileges opens them.
SELECT 'history_open', f.proname, pg_catalog.pg_has_role(f.proowner, 'USAGE')::text
  FROM pg_catalog.pg_proc AS f
  JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
 WHERE n.nspname = {{literal rawSchema}} AND f.proname IN ('suppress', 'settle_history')
   AND pg_catalog.has_function_privilege('public', f.oid, 'EXECUTE')
