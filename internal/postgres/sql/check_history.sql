-- Guards of the history table that are missing or disabled, and settings that
-- turn ordinary triggers off.
SELECT 'history_trigger', g.name, coalesce(CASE t.tgenabled WHEN 'D' THEN 'disabled' ELSE 'not enabled always' END, 'missing')
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
