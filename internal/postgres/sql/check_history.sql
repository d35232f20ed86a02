-- Triggers of the history table that are missing, changed or not enabled as they
-- should be, settings that turn ordinary triggers off, roles that cannot write
-- history, and history that came from elsewhere.
(SELECT 'history_trigger', g.name,
       CASE WHEN t.oid IS NULL THEN 'missing'
            WHEN c.changed THEN 'changed'
            WHEN t.tgenabled = 'D' THEN 'disabled'
            WHEN t.tgenabled = 'R' THEN 'enabled for replicas only'
            WHEN g.enabled = 'A' THEN 'not enabled always'
            ELSE 'enabled for replicas too'
       END
  -- The events are the bits of tgtype: row 1, before 2, insert 4, delete 8, update 16, truncate 32.
  FROM (VALUES ('chrononaut_append_only', 'A', 1 + 2 + 8 + 16, 'refuse_rewrite', 'FOR EACH ROW'),
               ('chrononaut_append_only_truncate', 'A', 2 + 32, 'refuse_rewrite', 'FOR EACH STATEMENT'),
               ('chrononaut_erased', 'A', 8, 'note_erased', 'REFERENCING OLD TABLE AS erased FOR EACH STATEMENT'),
               ('chrononaut_held', 'A', 1 + 2 + 8, 'refuse_held', 'FOR EACH ROW'),
               ('chrononaut_period_erased', 'A', 8, 'period_erased', 'REFERENCING OLD TABLE AS erased FOR EACH STATEMENT'),
               ('chrononaut_python_complete', 'O', 1 + 2 + 4, 'python_complete', 'FOR EACH ROW WHEN ((new.operation IS NULL))'),
               ('chrononaut_python_replace', 'O', 1 + 4, 'python_replace',
                'FOR EACH ROW WHEN (((new.operation IS NULL) AND (new.table_schema IS NOT NULL)))')
       ) AS g (name, enabled, type, function, condition)
  LEFT JOIN pg_catalog.pg_trigger AS t
         ON t.tgname = g.name
        AND t.tgrelid = pg_catalog.to_regclass({{literal (print schema ".chrononaut_activity")}}),
       LATERAL (SELECT t.tgtype <> g.type OR t.tgattr::text <> ''
                       OR NOT EXISTS (SELECT FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
                                      WHERE f.oid = t.tgfoid AND f.proname = g.function AND n.nspname = {{literal rawSchema}})
                       OR pg_catalog.strpos(pg_catalog.pg_get_triggerdef(t.oid), g.condition || ' EXECUTE ') = 0) AS c (changed)
 WHERE t.oid IS NULL OR c.changed
    OR t.tgenabled <> g.enabled
       -- Those of Python fire where a table is shared.
       AND NOT (t.tgenabled = 'D' AND g.enabled = 'O'
                AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_table AS s WHERE s.tracked AND s.options @> '{"shared_with_python": true}'))
 ORDER BY g.name)
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
-- Owners of functions of triggers who may not write history or call what they call,
-- or whom row security on history stops: every write to their tables fails.
SELECT DISTINCT 'history_access', r.rolname,
       CASE WHEN NOT pg_catalog.has_table_privilege(r.oid, h.oid, 'INSERT') OR k.lacks THEN 'privilege' ELSE 'row security' END
  FROM pg_catalog.pg_class AS h
  JOIN pg_catalog.pg_proc AS f ON f.pronamespace = h.relnamespace
   AND (f.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype OR {{schema}}.called_functions(f.proname) <> '{}')
  JOIN pg_catalog.pg_roles AS r ON r.oid = f.proowner
  -- The table of keys of a capture function.
 CROSS JOIN LATERAL (SELECT EXISTS (
           SELECT FROM {{schema}}.chrononaut_past AS p
            WHERE pg_catalog.regexp_replace(p.keys_table, 'keys$', '') IN (pg_catalog.regexp_replace(f.proname, '(baseline|capture|record|statement)$', ''))
              AND NOT pg_catalog.has_table_privilege(r.oid, pg_catalog.to_regclass({{literal schema}} || '.' || pg_catalog.quote_ident(p.keys_table)), 'INSERT'))
           OR EXISTS (
           SELECT FROM pg_catalog.pg_proc AS w
            WHERE w.pronamespace = h.relnamespace
              AND w.proname = ANY ({{schema}}.writer_functions() || {{schema}}.called_functions(f.proname))
              AND NOT pg_catalog.has_function_privilege(r.oid, w.oid, 'EXECUTE'))) AS k (lacks)
 WHERE h.oid = pg_catalog.to_regclass({{literal (print schema ".chrononaut_activity")}})
   AND f.proname <> ALL ({{textArray .Closed}}) AND NOT r.rolsuper
   AND (NOT (pg_catalog.has_table_privilege(r.oid, h.oid, 'SELECT') AND pg_catalog.has_table_privilege(r.oid, h.oid, 'INSERT'))
        OR k.lacks
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
(SELECT 'history_open', f.proname, pg_catalog.pg_has_role(f.proowner, 'USAGE')::text
  FROM pg_catalog.pg_proc AS f
  JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
 WHERE n.nspname = {{literal rawSchema}} AND f.proname = ANY ({{textArray .Closed}})
   AND pg_catalog.has_function_privilege('public', f.oid, 'EXECUTE')
 ORDER BY f.proname COLLATE "C")

UNION ALL
-- What is not as chrononaut harden has set it.
SELECT 'history_roles', pg_catalog.min(h.statement COLLATE "C"), (pg_catalog.count(*) - 1)::text
  FROM {{schema}}.hardening({{schema}}.hardened(), {{textArray .Closed}}) AS h
 WHERE {{schema}}.hardened() IS NOT NULL AND h.place NOT IN (31, 33)
 GROUP BY h.place

UNION ALL
-- Views that are mirrored over the past.
SELECT 'past', pg_catalog.quote_ident(m.view_schema) || '.' || pg_catalog.quote_ident(m.view_name), m.reason
  FROM {{schema}}.stale_mirrors() AS m

UNION ALL
-- What is held and can be written all the same. A bit that is off, as after a restore
-- of a part of a dump, keeps the triggers from looking.
SELECT 'hold', pg_catalog.quote_ident(h.table_schema) || '.' || pg_catalog.quote_ident(h.table_name), w.why
  FROM (SELECT DISTINCT s.table_schema, s.table_name,
               pg_catalog.to_regclass(pg_catalog.quote_ident(s.table_schema) || '.' || pg_catalog.quote_ident(s.table_name)) AS relation
          FROM {{schema}}.chrononaut_hold_scope AS s) AS h
 CROSS JOIN LATERAL (VALUES
       (CASE WHEN pg_catalog.pg_sequence_last_value({{literal (print schema ".chrononaut_guarded")}}) & {{schema}}.guard_bit(h.table_schema, h.table_name) = 0
             THEN 'its triggers do not know of it' END),
       (CASE WHEN NOT {{schema}}.captures(h.relation)
             THEN 'its triggers are missing or not enabled' END),
       (CASE WHEN EXISTS (SELECT FROM {{schema}}.chrononaut_hold_scope AS s CROSS JOIN LATERAL pg_catalog.jsonb_object_keys(s.match) AS name
                           WHERE s.table_schema = h.table_schema AND s.table_name = h.table_name AND NOT s.past AND h.relation IS NOT NULL
                             AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = h.relation AND a.attname = name AND NOT a.attisdropped))
             THEN 'a column by which rows are held is gone or has another name' END)) AS w (why)
 WHERE w.why IS NOT NULL

UNION ALL
-- The guards over the holds themselves.
SELECT 'hold', w.relation, 'the trigger ' || w.name || ' is missing or not enabled'
  FROM (VALUES ('chrononaut_table', 'chrononaut_held', 'refuse_held_table'),
               ('chrononaut_hold', 'chrononaut_hold_written', 'refuse_hold_write'), ('chrononaut_hold', 'chrononaut_hold_truncated', 'refuse_hold_write'),
               ('chrononaut_hold_scope', 'chrononaut_hold_written', 'refuse_hold_write'), ('chrononaut_hold_scope', 'chrononaut_hold_truncated', 'refuse_hold_write'),
               ('chrononaut_hold_shape', 'chrononaut_hold_written', 'refuse_hold_write'), ('chrononaut_hold_shape', 'chrononaut_hold_truncated', 'refuse_hold_write')
       ) AS w (relation, name, function)
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid
                    WHERE t.tgrelid = pg_catalog.to_regclass({{literal schema}} || '.' || w.relation) AND t.tgname = w.name
                      AND t.tgenabled = 'A' AND t.tgqual IS NULL AND f.proname = w.function)
