{{- /*
What CheckHardened tries, in a transaction that is rolled back. Each attack begins
with a line

    -- attack: WHO[, WHO]; what is done; refused, detected or neither; by what

which docs/security.md publishes. Its statements run as that role; an error refuses
it. If there is none, and after "-- proof:" no query that says whether it came to
anything says no, check must find it. The canary is a table that was tracked before, has
the rows 1 and 2, and history of a row 3. What a sequence or a slot would
keep after the rollback is asked for and not done: asked raises the error that doing
it would.
*/ -}}
{{- define "ask"}}DO $asked$ BEGIN IF NOT ({{end -}}
{{- define "end"}}) THEN RAISE insufficient_privilege; END IF; END $asked$;{{end -}}
{{- define "tracked"}}{{schema}}.chrononaut_table AS t JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident(t.table_schema) || '.' || pg_catalog.quote_ident(t.table_name)) AND t.tracked{{end -}}
{{- define "ours"}}pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {{literal rawSchema}}{{end -}}
-- attack: application, table owner; UPDATE of history; refused; no privilege
UPDATE {{schema}}.chrononaut_activity SET data = '{}' WHERE table_name = 'canary';
-- attack: application, table owner; DELETE of history; refused; no privilege
DELETE FROM {{schema}}.chrononaut_activity WHERE table_name = 'canary';
-- attack: application, table owner; DELETE of history with the settings of the unsafe door; refused; no privilege
SET LOCAL chrononaut.suppressed = 'on';
DELETE FROM {{schema}}.chrononaut_activity WHERE table_name = 'canary';
-- attack: application, table owner; TRUNCATE of history; refused; no privilege
TRUNCATE {{schema}}.chrononaut_activity;
-- attack: application, table owner; INSERT of a forged row into history; refused; no privilege
INSERT INTO {{schema}}.chrononaut_activity (id, table_schema, table_name, version, key, operation) VALUES (-77, {{literal .Schema}}, 'canary', 77, '{"id": 1}', 'update');
-- attack: application, table owner; INSERT of a row as Python chrononaut writes it; refused; no privilege
INSERT INTO {{schema}}.chrononaut_activity (id, table_name, version, key) VALUES (-77, 'canary', 77, '{"id": 1}');
-- attack: application, table owner; SELECT … FOR UPDATE of history, which would stop others; refused; no privilege
SELECT FROM {{schema}}.chrononaut_activity WHERE table_name = 'canary' FOR UPDATE;
-- attack: application, table owner; LOCK TABLE of history; refused; no privilege
LOCK TABLE {{schema}}.chrononaut_activity IN ACCESS EXCLUSIVE MODE;
-- attack: application, table owner; COPY of a file into history; refused; no privilege
COPY {{schema}}.chrononaut_activity FROM '/dev/null';
-- attack: application, table owner; DROP TABLE of history; refused; not its owner
DROP TABLE {{schema}}.chrononaut_activity CASCADE;
-- attack: application, table owner; DROP SCHEMA of history; refused; not its owner
DROP SCHEMA {{schema}} CASCADE;
-- attack: application, table owner; ALTER TABLE of history; refused; not its owner
ALTER TABLE {{schema}}.chrononaut_activity ALTER COLUMN database_user SET DEFAULT 'nobody';
-- attack: application, table owner; DISABLE TRIGGER on history; refused; not its owner
ALTER TABLE {{schema}}.chrononaut_activity DISABLE TRIGGER ALL;
-- attack: application, table owner; DROP TRIGGER of history; refused; not its owner
DROP TRIGGER chrononaut_append_only ON {{schema}}.chrononaut_activity;
-- attack: application, table owner; CREATE TRIGGER on history; refused; no privilege
CREATE FUNCTION pg_temp.attack() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER attack BEFORE INSERT ON {{schema}}.chrononaut_activity FOR EACH ROW EXECUTE FUNCTION pg_temp.attack();
-- attack: application, table owner; CREATE RULE on history; refused; not its owner
CREATE RULE attack AS ON INSERT TO {{schema}}.chrononaut_activity DO INSTEAD NOTHING;
-- attack: application, table owner; row security on history; refused; not its owner
ALTER TABLE {{schema}}.chrononaut_activity ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- attack: application, table owner; a table that inherits from history; refused; not its owner
CREATE TEMP TABLE attack () INHERITS ({{schema}}.chrononaut_activity);
-- attack: application, table owner; ALTER TABLE … OWNER TO of history; refused; not its owner
ALTER TABLE {{schema}}.chrononaut_activity OWNER TO CURRENT_USER;
-- attack: application, table owner; REASSIGN OWNED BY the owner of history; refused; not a member
REASSIGN OWNED BY {{ident .Owner}} TO CURRENT_USER;
-- attack: application, table owner; ALTER DEFAULT PRIVILEGES of the owner of history; refused; not a member
ALTER DEFAULT PRIVILEGES FOR ROLE {{ident .Owner}} GRANT ALL ON TABLES TO PUBLIC;
-- attack: application, table owner; GRANT of history to itself; refused; no grant option
GRANT INSERT, UPDATE, DELETE ON {{schema}}.chrononaut_activity TO CURRENT_USER;
-- proof: SELECT pg_catalog.has_table_privilege({{literal .Role}}, {{literal (print schema ".chrononaut_activity")}}, 'INSERT, UPDATE, DELETE')
-- attack: application, table owner; SET ROLE to the owner of history, or of its triggers; refused; not a member
{{template "ask"}}pg_catalog.pg_has_role(current_user, {{literal .Owner}}, 'MEMBER') OR pg_catalog.pg_has_role(current_user, {{literal .Writer}}, 'MEMBER'){{template "end"}}
-- attack: application; SET ROLE to the owner of a tracked table; refused; not a member
{{template "ask"}}EXISTS (SELECT FROM {{template "tracked"}} WHERE pg_catalog.pg_has_role(current_user, c.relowner, 'MEMBER')){{template "end"}}
-- attack: application, table owner; SET SESSION AUTHORIZATION; refused; no superuser
{{template "ask"}}(SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user){{template "end"}}
-- attack: application, table owner; logical decoding, or a replication slot that stops the server; refused; not REPLICATION
{{template "ask"}}(SELECT r.rolreplication OR r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user){{template "end"}}
-- attack: application, table owner; a publication of history; refused; not its owner
CREATE PUBLICATION attack FOR TABLE {{schema}}.chrononaut_activity;
-- attack: application, table owner; CREATE OR REPLACE of a function of history; refused; no privilege on the schema
CREATE OR REPLACE FUNCTION {{schema}}.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
-- attack: application, table owner; CREATE OR REPLACE of a trigger function of a table; refused; no privilege on the schema
CREATE OR REPLACE FUNCTION {{.Capture}}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
-- attack: application, table owner; ALTER FUNCTION of a trigger function; refused; not its owner
ALTER FUNCTION {{.Capture}}() SECURITY INVOKER;
-- attack: application, table owner; a function of its own in the schema of history; refused; no privilege on the schema
CREATE FUNCTION {{schema}}.guard_bit(of_schema name, of_table name) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
-- attack: application, table owner; trigger functions of history on a table of its own; refused; no privilege
CREATE TEMP TABLE attack (LIKE {{schema}}.chrononaut_activity);
CREATE TRIGGER attack AFTER DELETE ON attack REFERENCING OLD TABLE AS erased FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.note_erased();
-- attack: application, table owner; a capture function on a table of its own; refused; no privilege
CREATE TEMP TABLE attack (id integer, title text, version integer);
CREATE TRIGGER attack AFTER INSERT ON attack FOR EACH ROW EXECUTE FUNCTION {{.Capture}}();
-- attack: application, table owner; the function that writes the history of one row; refused; no privilege
{{template "ask"}}pg_catalog.has_function_privilege(current_user, {{literal (print .Record "(text, oid, record, record)")}}, 'EXECUTE'){{template "end"}}
-- attack: application, table owner; the unsafe door; refused; no privilege, unless it was granted
SELECT {{schema}}.suppress('attack', true);
-- attack: application, table owner; settle_history(), which says that older transactions are of another cluster; refused; no privilege
{{template "ask"}}pg_catalog.has_function_privilege(current_user, {{literal (print schema ".settle_history(bigint)")}}, 'EXECUTE'){{template "end"}}
-- attack: application, table owner; functions that only triggers need, to damage keys of the past or to learn what is held; refused; no privilege
{{template "ask"}}EXISTS (SELECT FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace AND n.nspname = {{literal rawSchema}}
    WHERE f.proname = ANY ({{textArray .Closed}}) AND pg_catalog.has_function_privilege(current_user, f.oid, 'EXECUTE')
      AND NOT EXISTS (SELECT FROM {{schema}}.wanted_calls({{schema}}.hardened()) AS w WHERE w.role = current_user AND w.function_name = f.proname)){{template "end"}}
-- attack: application, table owner; writes to the registry, the setting and the marks of history; refused; no privilege
{{template "ask"}}EXISTS (SELECT FROM {{template "ours"}} WHERE c.relkind IN ('r', 'p') AND pg_catalog.has_table_privilege(current_user, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')){{template "end"}}
-- attack: application, table owner; the secret by which settings are signed; refused; no privilege
SELECT secret FROM {{schema}}.chrononaut_secret;
-- attack: application, table owner; sequences of history: ids, or which tables are looked at for holds; refused; no privilege
{{template "ask"}}EXISTS (SELECT FROM {{template "ours"}} WHERE c.relkind = 'S' AND pg_catalog.has_sequence_privilege(current_user, c.oid, 'USAGE, UPDATE')){{template "end"}}
-- attack: application, table owner; DELETE of holds; refused; no privilege
DELETE FROM {{schema}}.chrononaut_hold;
-- attack: application, table owner; DELETE of leases; refused; no privilege
DELETE FROM {{schema}}.chrononaut_lease;
-- attack: application, table owner; views of the past dropped; refused; not their owner
DROP VIEW {{.Past}};
-- attack: application, table owner; writes to the catalog; refused; no superuser
UPDATE pg_catalog.pg_trigger SET tgenabled = 'D' WHERE tgrelid = {{literal .Canary}}::pg_catalog.regclass;
-- attack: application, table owner; event triggers; refused; no superuser
CREATE FUNCTION pg_temp.attack() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER attack ON ddl_command_start EXECUTE FUNCTION pg_temp.attack();
-- attack: application, table owner; session_replication_role = replica; refused; no superuser
SET LOCAL session_replication_role = replica;
-- attack: application; ALTER TABLE … DISABLE TRIGGER on a tracked table; refused; not its owner
ALTER TABLE {{.Canary}} DISABLE TRIGGER ALL;
-- attack: application; DROP TRIGGER on a tracked table; refused; not its owner
DROP TRIGGER "000_chrononaut_capture" ON {{.Canary}};
-- attack: application; a trigger of its own on a tracked table, or a foreign key to it; refused; no privilege on any of them
{{template "ask"}}EXISTS (SELECT FROM {{template "tracked"}} WHERE pg_catalog.has_table_privilege(current_user, c.oid, 'TRIGGER, REFERENCES')){{template "end"}}
-- attack: application; DROP TABLE of a tracked table; refused; not its owner
DROP TABLE {{.Canary}};
-- attack: application; ALTER TABLE of a tracked table; refused; not its owner
ALTER TABLE {{.Canary}} RENAME COLUMN title TO heading;
-- attack: application; a table that inherits from a tracked one; refused; not its owner
CREATE TEMP TABLE attack () INHERITS ({{.Canary}});
-- attack: application; a write with the settings of the unsafe door; refused; it is captured
SET LOCAL chrononaut.suppressed = 'on';
SET LOCAL chrononaut.baseline = 'on';
INSERT INTO {{.Canary}} (id, title) VALUES (5, 'attack');
-- proof: SELECT NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a WHERE a.table_name = 'canary' AND a.table_schema = {{literal .Schema}} AND a.key = '{"id": 5}')
-- attack: application; another version for a record, from a trigger of its own; refused; the version is history's
CREATE TEMP TABLE attack (id integer);
CREATE FUNCTION pg_temp.attack() RETURNS trigger LANGUAGE plpgsql AS {{dollar}} BEGIN UPDATE {{.Canary}} SET version = 77 WHERE id = 1; RETURN NULL; END {{dollar}};
CREATE TRIGGER attack AFTER INSERT ON attack FOR EACH ROW EXECUTE FUNCTION pg_temp.attack();
SET LOCAL chrononaut.renumber = 'on';
INSERT INTO attack VALUES (1);
-- proof: SELECT c.version = 77 FROM {{.Canary}} AS c WHERE c.id = 1
-- attack: application; the highest version there is, by a change of the key; refused; the setting is not signed
SET LOCAL chrononaut.rekeyed = '2147483646 2147483646';
UPDATE {{.Canary}} SET id = 3 WHERE id = 1;
-- proof: SELECT c.version > 77 FROM {{.Canary}} AS c WHERE c.id = 3
-- attack: application; temporary tables and functions with the names of history's; refused; it is captured
CREATE TEMP TABLE chrononaut_activity (LIKE {{schema}}.chrononaut_activity);
CREATE FUNCTION pg_temp.is_suppressed() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql AS $$SELECT 'forged'$$;
CREATE FUNCTION pg_temp.attack(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR pg_temp.<> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = pg_temp.attack);
CREATE DOMAIN pg_temp.jsonb AS text;
SET LOCAL search_path = pg_temp, pg_catalog;
INSERT INTO {{.Canary}} (id, title) VALUES (5, 'attack');
-- proof: SELECT NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a WHERE a.table_name = 'canary' AND a.table_schema = {{literal .Schema}} AND a.key = '{"id": 5}' AND a.operation = 'insert')
-- attack: application; TRUNCATE of a tracked table; refused; it is captured, each row
TRUNCATE {{.Canary}};
-- proof: SELECT count(*) <> 2 FROM {{schema}}.chrononaut_activity AS a WHERE a.table_name = 'canary' AND a.table_schema = {{literal .Schema}} AND a.operation = 'truncate'
-- attack: application; another name as the actor; neither; the context is what the application says; database_user is not
SET LOCAL chrononaut.context = '{"user_info": {"user_id": "somebody else"}}';
UPDATE {{.Canary}} SET title = 'attack' WHERE id = 1;
-- attack: application; another database_user; refused; session_user counts, which it cannot change
SET LOCAL chrononaut.context = '{"user_info": {"user_id": "x"}, "database_user": "somebody else", "operation": "restore", "extra_info": {"rationale": "x", "database_user": "somebody else"}}';
UPDATE {{.Canary}} SET title = 'attack' WHERE id = 1;
-- proof: SELECT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a WHERE a.table_name = 'canary' AND a.database_user <> session_user)
-- attack: table owner; DISABLE TRIGGER on its table; detected; check: trigger_disabled
ALTER TABLE {{.Canary}} DISABLE TRIGGER ALL;
-- attack: table owner; DROP TRIGGER on its table; detected; check: trigger_missing
DROP TRIGGER "000_chrononaut_capture_update" ON {{.Canary}};
-- attack: table owner; another function under the trigger's name; detected; check: trigger_changed
CREATE FUNCTION {{ident .Schema}}.attack() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
DROP TRIGGER "000_chrononaut_capture_update" ON {{.Canary}};
CREATE TRIGGER "000_chrononaut_capture_update" AFTER UPDATE ON {{.Canary}} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {{ident .Schema}}.attack();
-- attack: table owner; a trigger enabled for replicas only; detected; check: trigger_disabled
ALTER TABLE {{.Canary}} ENABLE REPLICA TRIGGER "000_chrononaut_capture_update";
-- attack: table owner; a BEFORE trigger that changes a row after the version was counted; detected; check: trigger_order
CREATE FUNCTION {{ident .Schema}}.attack() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.version := 77; RETURN NEW; END';
CREATE TRIGGER zzzzz BEFORE UPDATE ON {{.Canary}} FOR EACH ROW EXECUTE FUNCTION {{ident .Schema}}.attack();
-- attack: table owner; a table that inherits from its table; detected; check: not_trackable
CREATE TABLE {{ident .Schema}}.attack () INHERITS ({{.Canary}});
-- attack: table owner; the version column dropped; detected; check: column_missing
ALTER TABLE {{.Canary}} DROP COLUMN version;
-- attack: table owner; DROP TABLE of its table; detected; check: table_dropped
DROP TABLE {{.Canary}};
-- attack: table owner; row security that hides rows from a captured TRUNCATE; refused; the trigger's owner sees them, or the trigger refuses it
ALTER TABLE {{.Canary}} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
TRUNCATE {{.Canary}};
-- proof: SELECT count(*) <> 2 FROM {{schema}}.chrononaut_activity AS a WHERE a.table_name = 'canary' AND a.table_schema = {{literal .Schema}} AND a.operation = 'truncate'
-- attack: table owner; code of its own that the capture trigger runs, which rewrites history; refused; the trigger's owner may not
CREATE FUNCTION {{ident .Schema}}.attack(value {{ident .Schema}}.kind) RETURNS json LANGUAGE plpgsql AS {{dollar}} BEGIN DELETE FROM {{schema}}.chrononaut_activity WHERE table_name = 'canary'; RETURN '1'; END {{dollar}};
CREATE CAST ({{ident .Schema}}.kind AS json) WITH FUNCTION {{ident .Schema}}.attack({{ident .Schema}}.kind);
UPDATE {{.Canary}} SET kind = 'b' WHERE id = 1;
-- attack: table owner; code of its own that the capture trigger runs, which disables the triggers of history; refused; the trigger's owner may not
CREATE FUNCTION {{ident .Schema}}.attack(value {{ident .Schema}}.kind) RETURNS json LANGUAGE plpgsql AS {{dollar}} BEGIN ALTER TABLE {{schema}}.chrononaut_activity DISABLE TRIGGER ALL; RETURN '1'; END {{dollar}};
CREATE CAST ({{ident .Schema}}.kind AS json) WITH FUNCTION {{ident .Schema}}.attack({{ident .Schema}}.kind);
UPDATE {{.Canary}} SET kind = 'b' WHERE id = 1;
-- attack: table owner; code of its own that the capture trigger runs, which adds a forged row to history; neither; the trigger's owner may add rows
CREATE FUNCTION {{ident .Schema}}.attack(value {{ident .Schema}}.kind) RETURNS json LANGUAGE plpgsql AS {{dollar}} BEGIN INSERT INTO {{schema}}.chrononaut_activity (id, table_schema, table_name, version, key, operation) VALUES (-77, 'x', 'forged', 77, '{"id": 1}', 'update') ON CONFLICT DO NOTHING; RETURN '1'; END {{dollar}};
CREATE CAST ({{ident .Schema}}.kind AS json) WITH FUNCTION {{ident .Schema}}.attack({{ident .Schema}}.kind);
UPDATE {{.Canary}} SET kind = 'b' WHERE id = 1;
DROP CAST ({{ident .Schema}}.kind AS json);
-- proof: SELECT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a WHERE a.table_name = 'forged' AND a.table_schema = 'x')
-- attack: table owner; ALTER TABLE … TYPE … USING, which changes rows without a trigger; neither; a baseline records the rows as they are
ALTER TABLE {{.Canary}} ALTER COLUMN title TYPE text USING 'attack';
-- attack: table owner; triggers disabled, rows written, triggers enabled again; neither; a baseline records the rows as they are
ALTER TABLE {{.Canary}} DISABLE TRIGGER USER;
UPDATE {{.Canary}} SET title = 'attack';
ALTER TABLE {{.Canary}} ENABLE TRIGGER USER, ENABLE REPLICA TRIGGER "000_chrononaut_capture", ENABLE ALWAYS TRIGGER "000_chrononaut_truncate", ENABLE ALWAYS TRIGGER "zzzz_chrononaut_version";
-- attack: superuser; UPDATE of history; refused; trigger
UPDATE {{schema}}.chrononaut_activity SET data = '{}' WHERE table_name = 'canary';
-- attack: superuser; DELETE of history with the settings of the unsafe door; refused; trigger
SET LOCAL chrononaut.suppressed = 'on';
DELETE FROM {{schema}}.chrononaut_activity WHERE table_name = 'canary';
-- attack: superuser; DELETE of history under session_replication_role = replica; refused; trigger, which fires always
SET LOCAL session_replication_role = replica;
DELETE FROM {{schema}}.chrononaut_activity WHERE table_name = 'canary';
-- attack: superuser; TRUNCATE of history; refused; trigger
TRUNCATE {{schema}}.chrononaut_activity;
-- attack: superuser; a write under session_replication_role = replica; refused; it is captured
SET LOCAL session_replication_role = replica;
UPDATE {{.Canary}} SET title = 'attack' WHERE id = 1;
-- proof: SELECT NOT EXISTS (SELECT FROM {{schema}}.chrononaut_activity AS a WHERE a.table_name = 'canary' AND a.data @> '{"title": "attack"}')
-- attack: superuser; DISABLE TRIGGER on history; detected; check: history_trigger
ALTER TABLE {{schema}}.chrononaut_activity DISABLE TRIGGER chrononaut_append_only;
-- attack: superuser; DROP TRIGGER of history; detected; check: history_trigger
DROP TRIGGER chrononaut_append_only ON {{schema}}.chrononaut_activity;
-- attack: superuser; writes to the catalog that disable a trigger of history; detected; check: history_trigger
UPDATE pg_catalog.pg_trigger SET tgenabled = 'D' WHERE tgrelid = {{literal (print schema ".chrononaut_activity")}}::pg_catalog.regclass AND tgname = 'chrononaut_append_only';
-- attack: superuser; CREATE OR REPLACE of a function of history; detected; check: function_changed
CREATE OR REPLACE FUNCTION {{schema}}.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN OLD; END';
-- attack: superuser; CREATE OR REPLACE of a trigger function of a table; detected; check: function_changed
CREATE OR REPLACE FUNCTION {{.Capture}}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NULL; END';
-- attack: superuser; GRANT of history to the application; detected; check: history_roles
GRANT INSERT ON {{schema}}.chrononaut_activity TO PUBLIC;
-- attack: superuser; GRANT of the unsafe door to everybody; detected; check: history_open
GRANT EXECUTE ON FUNCTION {{schema}}.suppress TO PUBLIC;
-- attack: superuser; history or its functions given to another owner; detected; check: history_roles
ALTER FUNCTION {{schema}}.suppress OWNER TO CURRENT_USER;
-- attack: superuser; INSERT of a forged row into history; neither; nothing tells it from a captured one
INSERT INTO {{schema}}.chrononaut_activity (id, table_schema, table_name, version, key, operation) VALUES (-77, {{literal .Schema}}, 'canary', 77, '{"id": 1}', 'update');
-- attack: superuser; triggers of history disabled, history rewritten, triggers enabled again; neither; keep a copy that the superuser does not reach
ALTER TABLE {{schema}}.chrononaut_activity DISABLE TRIGGER chrononaut_append_only;
UPDATE {{schema}}.chrononaut_activity SET data = '{}' WHERE table_name = 'canary';
ALTER TABLE {{schema}}.chrononaut_activity ENABLE ALWAYS TRIGGER chrononaut_append_only;
-- attack: superuser; the unsafe door; neither; it leaves its record in history
SELECT {{schema}}.suppress('attack');
UPDATE {{.Canary}} SET title = 'attack';
