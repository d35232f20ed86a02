{{- /* The statements of a tracking plan, one template each. */ -}}
{{define "add_version_column" -}}
ALTER TABLE {{.Table.Qualified}} ADD COLUMN{{if .Again}} IF NOT EXISTS{{end}} {{ident .Table.VersionColumn}} integer
{{- end}}
{{define "drop_version_column" -}}
ALTER TABLE {{.Table.Qualified}} DROP COLUMN{{if .Again}} IF EXISTS{{end}} {{ident .Table.VersionColumn}}
{{- end}}
{{define "add_record_change_column" -}}
ALTER TABLE {{.Table.Qualified}} ADD COLUMN{{if .Again}} IF NOT EXISTS{{end}} {{ident .Name}} {{if eq .Name "changed"}}timestamptz{{else}}jsonb{{end}}
{{- end}}
{{define "drop_record_change_column" -}}
ALTER TABLE {{.Table.Qualified}} DROP COLUMN{{if .Again}} IF EXISTS{{end}} {{ident .Name}}
{{- end}}
{{define "drop_function" -}}
DROP FUNCTION IF EXISTS {{.Table.Function .Name}}{{.Table.Arguments .Name}}
{{- end}}
{{define "comment_function" -}}
COMMENT ON FUNCTION {{.Table.Function .Name}}{{.Table.Arguments .Name}} IS {{literal .Comment}}
{{- end}}
{{define "revoke_function" -}}
REVOKE EXECUTE ON FUNCTION {{.Table.Function .Name}}{{.Table.Arguments .Name}} FROM PUBLIC
{{- end}}
{{define "create_trigger" -}}
CREATE OR REPLACE TRIGGER {{ident .Trigger.Name}}
    {{.Trigger.When}} ON {{.On}}
{{- with .Trigger}}{{if or .OldRows .NewRows}}
    REFERENCING{{with .OldRows}} OLD TABLE AS {{.}}{{end}}{{with .NewRows}} NEW TABLE AS {{.}}{{end}}{{end}}{{end}}
    FOR EACH {{if .Trigger.Row}}ROW{{else}}STATEMENT{{end}}{{if .Trigger.OfPartition}} WHEN (pg_catalog.pg_partition_root({{literal .On}}::pg_catalog.regclass) IS NOT NULL){{end}} EXECUTE FUNCTION {{.Table.Function .Trigger.Kind}}()
{{- end}}
{{define "restore_trigger" -}}
{{template "create_trigger" .}}
{{- if eq .Trigger.Enabled "A"}};
{{template "enable_trigger" .}}{{else if eq .Trigger.Enabled "R"}};
{{template "enable_replica" .}}{{end}}
{{- end}}
{{define "enable_trigger" -}}
ALTER TABLE {{.On}} ENABLE ALWAYS TRIGGER {{ident .Name}}
{{- end}}
{{define "enable_replica" -}}
ALTER TABLE {{.On}} ENABLE REPLICA TRIGGER {{ident .Name}}
{{- end}}
{{define "enable_origin" -}}
ALTER TABLE {{.On}} ENABLE TRIGGER {{ident .Name}}
{{- end}}
{{define "create_guard" -}}
CREATE OR REPLACE TRIGGER {{ident .Name}}
    {{if or (eq .Name "chrononaut_erased") (eq .Name "chrononaut_period_erased")}}AFTER DELETE ON {{schema}}.chrononaut_activity
    REFERENCING OLD TABLE AS erased
    FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.{{if eq .Name "chrononaut_erased"}}note_erased{{else}}period_erased{{end}}()
    {{- else if eq .Name "chrononaut_held"}}BEFORE DELETE ON {{schema}}.chrononaut_activity
    FOR EACH ROW EXECUTE FUNCTION {{schema}}.refuse_held()
    {{- else}}BEFORE {{if eq .Name "chrononaut_append_only"}}UPDATE OR DELETE ON {{schema}}.chrononaut_activity
    FOR EACH ROW{{else}}TRUNCATE ON {{schema}}.chrononaut_activity
    FOR EACH STATEMENT{{end}} EXECUTE FUNCTION {{schema}}.refuse_rewrite(){{end}}
{{- end}}
{{define "arm_holds" -}}
SELECT {{schema}}.arm_holds()
{{- end}}
{{define "create_python" -}}
CREATE OR REPLACE TRIGGER {{ident .Name}}
    {{if eq .Name "chrononaut_python_complete"}}BEFORE INSERT ON {{.On}}
    FOR EACH ROW WHEN (NEW.operation IS NULL) EXECUTE FUNCTION {{schema}}.python_complete()
    {{- else}}AFTER INSERT ON {{.On}}
    FOR EACH ROW WHEN (NEW.operation IS NULL AND NEW.table_schema IS NOT NULL) EXECUTE FUNCTION {{schema}}.python_replace()
    {{- end}}
{{- end}}
{{define "grant_history" -}}
GRANT SELECT, INSERT ON {{schema}}.chrononaut_activity TO {{ident .Name}};
GRANT USAGE ON SEQUENCE {{schema}}.chrononaut_activity_id_seq TO {{ident .Name}};
GRANT USAGE ON SCHEMA {{schema}} TO {{ident .Name}};
GRANT SELECT ON {{schema}}.chrononaut_hold_scope, {{schema}}.chrononaut_hold_shape, {{schema}}.chrononaut_lease TO {{ident .Name}};
SELECT {{schema}}.grant_keys({{literal .Name}})
{{- end}}
{{define "rename_column" -}}
ALTER TABLE {{.On}} RENAME COLUMN {{ident .Name}} TO {{ident .To}}
{{- end}}
{{define "rename_table" -}}
ALTER TABLE {{.On}} RENAME TO {{ident .To}}
{{- end}}
{{define "set_schema" -}}
ALTER TABLE {{.On}} SET SCHEMA {{ident .To}}
{{- end}}
{{define "move_registered" -}}
INSERT INTO {{schema}}.chrononaut_table (table_schema, table_name, tracked, tracked_since, key_columns, options, baseline)
SELECT {{literal .Table.Schema}}, {{literal .Table.Name}}, tracked, tracked_since, key_columns, options, baseline
  FROM {{schema}}.chrononaut_table
 WHERE table_schema = {{literal .From.Schema}} AND table_name = {{literal .From.Name}}
    ON CONFLICT (table_schema, table_name) DO UPDATE
   SET tracked = true, tracked_since = excluded.tracked_since, baseline = excluded.baseline
{{- end}}
{{define "leave_registered" -}}
UPDATE {{schema}}.chrononaut_table SET tracked = false, baseline = NULL, options = {{literal .Options}}::jsonb
 WHERE table_schema = {{literal .From.Schema}} AND table_name = {{literal .From.Name}}
{{- end}}
{{define "last_before" -}}
SELECT coalesce(pg_catalog.max(a.id), 0)
  FROM {{schema}}.chrononaut_activity AS a
 WHERE a.table_schema = $1::text AND a.table_name = $2::text AND a.changed < $3::timestamptz
{{- end}}
{{define "drop_trigger" -}}
DROP TRIGGER IF EXISTS {{ident .Name}} ON {{.On}}
{{- end}}
{{define "register" -}}
INSERT INTO {{schema}}.chrononaut_table (table_schema, table_name, tracked, key_columns, options)
VALUES ({{literal .Table.Schema}}, {{literal .Table.Name}}, true, {{textArray .Table.KeyColumns}}, {{literal .Options}}::jsonb)
    ON CONFLICT (table_schema, table_name) DO UPDATE
   SET tracked = true, key_columns = excluded.key_columns, options = excluded.options
{{- end}}
{{define "register_python" -}}
INSERT INTO {{schema}}.chrononaut_table (table_schema, table_name, tracked, key_columns, options)
VALUES ({{literal .Table.Schema}}, {{literal .Table.Name}}, false, {{textArray .Table.KeyColumns}}, {{literal .Options}}::jsonb)
    ON CONFLICT (table_schema, table_name) DO UPDATE SET key_columns = excluded.key_columns, options = excluded.options
{{- end}}
{{define "adopt_columns" -}}
ALTER TABLE {{schema}}.chrononaut_activity
    ADD COLUMN IF NOT EXISTS operation text,
    ADD COLUMN IF NOT EXISTS table_schema text,
    ADD COLUMN IF NOT EXISTS transaction_id xid8,
    ADD COLUMN IF NOT EXISTS database_user text,
    ADD COLUMN IF NOT EXISTS previous_key jsonb
{{- end}}
{{define "adopt_defaults" -}}
ALTER TABLE {{schema}}.chrononaut_activity
    ALTER COLUMN changed SET DEFAULT pg_catalog.clock_timestamp(),
    ALTER COLUMN key SET DEFAULT '{}',
    ALTER COLUMN data SET DEFAULT '{}',
    ALTER COLUMN user_info SET DEFAULT '{}',
    ALTER COLUMN extra_info SET DEFAULT '{}',
    ALTER COLUMN transaction_id SET DEFAULT pg_catalog.pg_current_xact_id(),
    ALTER COLUMN database_user SET DEFAULT session_user
{{- end}}
{{define "adopt_python_index" -}}
CREATE INDEX CONCURRENTLY IF NOT EXISTS chrononaut_activity_python ON {{schema}}.chrononaut_activity (table_name, id) WHERE table_schema IS NULL
{{- end}}
{{define "adopt_drop_index" -}}
DROP INDEX CONCURRENTLY IF EXISTS {{schema}}.{{ident .Name}}
{{- end}}
{{define "unregister" -}}
UPDATE {{schema}}.chrononaut_table SET tracked = false, baseline = NULL
 WHERE table_schema = {{literal .Table.Schema}} AND table_name = {{literal .Table.Name}}
{{- end}}
{{define "record" -}}
INSERT INTO {{schema}}.chrononaut_activity (table_name, table_schema, version, operation, data, user_info, extra_info)
SELECT {{literal .Table.Name}}, {{literal .Table.Schema}}, 0, {{literal .Name}}, {{literal .Options}}::jsonb,
       '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
       coalesce(context -> 'extra_info', '{}')
  FROM (SELECT nullif(current_setting('chrononaut.context', true), '')::jsonb AS context) AS c
{{- end}}
{{define "note_tracked" -}}
SELECT {{schema}}.note_tracked({{literal .Table.Schema}}, {{literal .Table.Name}})
{{- end}}
{{define "note_untracked" -}}
INSERT INTO {{schema}}.chrononaut_coverage (table_schema, table_name, kind, until)
VALUES ({{literal .Table.Schema}}, {{literal .Table.Name}}, 'disturbed', 'infinity')
{{- end}}
{{define "make_past_schema" -}}
SELECT {{schema}}.make_past_schema({{literal .Table.Schema}}, {{literal .Name}}, {{literal .To}})
{{- end}}
{{define "make_keys" -}}
SELECT {{schema}}.make_keys({{literal .Table.Schema}}, {{literal .Table.Name}}, {{literal .Table.KeysName}}, {{literal (.Table.FunctionName "capture")}}, {{literal .Table.KeysComment}})
{{- end}}
{{define "newest_change" -}}
SELECT coalesce(pg_catalog.max(a.id), 0) FROM {{schema}}.chrononaut_activity AS a
{{- end}}
{{define "add_keys" -}}
SELECT {{schema}}.add_keys($1::text, $2::text, $3::bigint) FROM {{schema}}.note_departed($1::text, $2::text)
{{- end}}
{{define "move_past" -}}
UPDATE {{schema}}.chrononaut_coverage SET table_schema = {{literal .Table.Schema}}, table_name = {{literal .Table.Name}}
 WHERE table_schema = {{literal .From.Schema}} AND table_name = {{literal .From.Name}}
{{- end}}
{{define "forget_past" -}}
SELECT {{schema}}.forget_past({{literal .From.Schema}}, {{literal .From.Name}})
{{- end}}
{{define "drop_past_view" -}}
SELECT {{schema}}.drop_past_view({{literal .Table.Schema}}, {{literal .Table.Name}})
{{- end}}
{{define "renew_mirrors" -}}
SELECT {{schema}}.renew_mirrors()
{{- end}}
{{define "make_event_triggers" -}}
SELECT {{schema}}.make_event_triggers()
{{- end}}
{{define "mirror_view" -}}
SELECT {{schema}}.mirror_view({{literal .Table.Schema}}, {{literal .Table.Name}})
{{- end}}
{{define "mirrored" -}}
SELECT EXISTS (SELECT FROM {{schema}}.chrononaut_past_mirror AS m WHERE m.view_schema = $1::text AND m.view_name = $2::text)
   AND NOT EXISTS (SELECT FROM {{schema}}.stale_mirrors() AS s WHERE s.view_schema = $1::text AND s.view_name = $2::text)
   AND {{schema}}.past_shared($1::text, $2::text)
{{- end}}
{{define "create_past_view" -}}
CREATE VIEW {{.On}} AS
{{.Options}}
{{- end}}
{{define "comment_past_view" -}}
COMMENT ON VIEW {{.On}} IS {{literal .Comment}}
{{- end}}
{{define "share_past" -}}
SELECT {{schema}}.share_past({{literal .Table.Schema}}, {{literal .Table.Name}})
{{- end}}
{{define "refuse_untracked" -}}
SELECT {{schema}}.refuse_untracked({{literal .Table.Schema}})
{{- end}}
{{define "lock_history" -}}
SET LOCAL lock_timeout = '500ms';
LOCK TABLE {{schema}}.chrononaut_activity IN SHARE ROW EXCLUSIVE MODE
{{- end}}
{{define "create_periods" -}}
DROP TABLE IF EXISTS {{.Table.PeriodTable}};
CREATE TABLE {{.Table.PeriodTable}} (
    began_id   bigint      NOT NULL,
    ended_id   bigint,
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz NOT NULL,
    found_at   timestamptz,
    began_by   xid8,
    ended_by   xid8,
    version    integer     NOT NULL,
    unsure     boolean     NOT NULL
{{- range .Table.Keys}},
    {{.KeysColumn}} {{.KeyType}}{{if and .Own .Collation}} COLLATE {{.Collation}}{{end}} NOT NULL{{end}},
    {{if .Table.PeriodKey}}key jsonb NOT NULL,
    {{end}}raw jsonb
{{- range .Table.PeriodFields}},
    {{.Slot}} {{.SlotType}}{{if .SlotCollation}} COLLATE {{.SlotCollation}}{{end}}{{end}}
);
CREATE INDEX ON {{.Table.PeriodTable}} ({{range .Table.Keys}}{{.KeysColumn}}, {{end}}valid_to);
CREATE INDEX ON {{.Table.PeriodTable}} (began_id) WHERE unsure OR raw IS NOT NULL;
COMMENT ON TABLE {{.Table.PeriodTable}} IS {{literal .Comment}};
DELETE FROM {{schema}}.chrononaut_period_todo
 WHERE table_schema = {{literal .Table.Schema}} AND table_name = {{literal .Table.Name}};
DELETE FROM {{schema}}.chrononaut_period
 WHERE table_schema = {{literal .Table.Schema}} AND table_name = {{literal .Table.Name}};
INSERT INTO {{schema}}.chrononaut_period (table_schema, table_name, period_table, fill_function, follow_function, boundary)
SELECT {{literal .Table.Schema}}, {{literal .Table.Name}}, {{literal .Table.PeriodName}}, {{literal (.Table.FunctionName "period_fill")}},
       {{literal (.Table.FunctionName "period_follow")}}, coalesce(pg_catalog.max(a.id), 0)
  FROM {{schema}}.chrononaut_activity AS a;
SELECT {{schema}}.period_owned({{literal .Table.PeriodName}}, {{literal (.Table.FunctionName "period_follow")}})
{{- end}}
{{define "drop_periods" -}}
SET LOCAL lock_timeout = '500ms';
DROP TRIGGER IF EXISTS {{ident (.Table.FunctionName "period_follow")}} ON {{schema}}.chrononaut_activity;
DROP FUNCTION IF EXISTS {{.Table.PeriodFunction "follow"}}();
DROP FUNCTION IF EXISTS {{.Table.PeriodFunction "fill"}}(jsonb[], boolean, bigint);
DROP TABLE IF EXISTS {{.Table.PeriodTable}};
DELETE FROM {{schema}}.chrononaut_period_todo
 WHERE table_schema = {{literal .Table.Schema}} AND table_name = {{literal .Table.Name}};
DELETE FROM {{schema}}.chrononaut_period
 WHERE table_schema = {{literal .Table.Schema}} AND table_name = {{literal .Table.Name}}
{{- end}}
{{define "create_follow" -}}
CREATE OR REPLACE TRIGGER {{ident (.Table.FunctionName "period_follow")}}
    AFTER INSERT ON {{schema}}.chrononaut_activity
    FOR EACH ROW WHEN (NEW.table_name = {{literal .Table.Name}} AND NEW.table_schema = {{literal .Table.Schema}} AND NEW.key <> '{}')
    EXECUTE FUNCTION {{.Table.PeriodFunction "follow"}}()
{{- end}}
{{define "period_chunk" -}}
SELECT {{schema}}.period_chunk($1::text, $2::text, $3::integer)::text
{{- end}}
{{define "period_finish" -}}
SELECT {{schema}}.period_finish($1::text, $2::text)
{{- end}}
{{define "migrated" -}}
INSERT INTO {{schema}}.chrononaut_migration (version, name) VALUES ({{.Version}}, {{literal .Name}});
COMMENT ON TABLE {{schema}}.chrononaut_migration IS 'The applied migrations: version {{.Version}}.'
{{- end}}
{{define "reverted" -}}
{{if eq .Version 1 -}}
DROP TABLE {{schema}}.chrononaut_migration
{{- else -}}
DELETE FROM {{schema}}.chrononaut_migration WHERE version = {{.Version}};
COMMENT ON TABLE {{schema}}.chrononaut_migration IS 'The applied migrations: version {{.Previous}}.'
{{- end}}
{{- end}}
{{define "callers" -}}
SELECT t.nspname, c.relname, g.tgname
  FROM pg_catalog.pg_trigger AS g
  JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid
  JOIN pg_catalog.pg_namespace AS t ON t.oid = c.relnamespace
  JOIN pg_catalog.pg_proc AS f ON f.oid = g.tgfoid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
 WHERE n.nspname = {{literal rawSchema}} AND f.proname IN ($1::text, $2::text, $3::text, $4::text) AND g.tgparentid = 0
 ORDER BY t.nspname, c.relname, g.tgname
{{- end}}
{{define "strict" -}}
SELECT EXISTS (SELECT FROM {{schema}}.chrononaut_setting WHERE name = 'strict' AND value = 'true')
{{- end}}
{{define "set_strict" -}}
INSERT INTO {{schema}}.chrononaut_setting (name, value) VALUES ('strict', {{literal .Name}}::jsonb)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
{{- end}}
{{define "close" -}}
REVOKE EXECUTE ON FUNCTION {{schema}}.{{ident .Name}} FROM PUBLIC
{{- end}}
{{define "hardened" -}}
SELECT coalesce({{schema}}.hardened(), 'null')::text
{{- end}}
{{define "keep_hardened" -}}
SELECT {{schema}}.keep_hardened({{textArray .Closed}})
{{- end}}
{{define "hardening" -}}
SELECT h.what, h.statement FROM {{schema}}.hardening($1::jsonb, {{textArray .Closed}}) AS h
{{- end}}
{{define "set_hardened" -}}
INSERT INTO {{schema}}.chrononaut_setting (name, value) VALUES ('hardened', {{literal .Options}}::jsonb)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
{{- end}}
{{define "record_hardened" -}}
INSERT INTO {{schema}}.chrononaut_activity (table_name, table_schema, version, operation, data, user_info, extra_info)
SELECT '', '', 0, 'harden', {{literal .Options}}::jsonb,
       '{"user_id": null, "remote_addr": null}'::jsonb || coalesce(context -> 'user_info', '{}'),
       coalesce(context -> 'extra_info', '{}')
  FROM (SELECT nullif(current_setting('chrononaut.context', true), '')::jsonb AS context) AS c
{{- end}}
{{define "share" -}}
SELECT {{schema}}.share_past({{literal .From.Schema}}, {{literal .From.Name}})
{{- end}}
{{define "moved" -}}
SELECT {{schema}}.history_moved() IS NOT NULL
{{- end}}
{{define "settle" -}}
SELECT {{schema}}.settle_history()
{{- end}}
{{define "lock_registered" -}}
SELECT FROM {{schema}}.chrononaut_table WHERE table_schema = $1::text AND table_name = $2::text FOR UPDATE
{{- end}}
{{define "baseline" -}}
SELECT {{schema}}.baseline_chunk($1::text, $2::text, $3::integer)::text
{{- end}}
