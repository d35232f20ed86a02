{{- /*
The table that CheckHardened attacks, in a transaction that is rolled back: made as
the table of an application is, and filled when it is tracked.
*/ -}}
{{define "canary" -}}
CREATE SCHEMA {{ident .Schema}} AUTHORIZATION {{ident .TableOwner}};
CREATE TYPE {{ident .Schema}}.kind AS ENUM ('a', 'b');
ALTER TYPE {{ident .Schema}}.kind OWNER TO {{ident .TableOwner}};
CREATE TABLE {{.Canary}} (id integer PRIMARY KEY, title text, kind {{ident .Schema}}.kind DEFAULT 'a');
ALTER TABLE {{.Canary}} OWNER TO {{ident .TableOwner}};
{{- range .Applications}}
GRANT USAGE ON SCHEMA {{ident $.Schema}} TO {{ident .}};
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {{$.Canary}} TO {{ident .}};
{{- end}}
{{- end}}
{{define "rows" -}}
INSERT INTO {{.Canary}} (id, title) VALUES (1, 'a'), (2, 'b'), (3, 'c');
DELETE FROM {{.Canary}} WHERE id = 3
{{- end}}
{{define "runner" -}}
-- Who runs it, and who owns tables that are tracked; empty where a superuser does.
SELECT current_user::text, current_setting('role'), current_setting('search_path'),
       (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user),
       coalesce((SELECT r.rolname
                   FROM {{schema}}.chrononaut_table AS t
                   JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident(t.table_schema) || '.' || pg_catalog.quote_ident(t.table_name))
                   JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner AND NOT r.rolsuper
                  WHERE t.tracked ORDER BY t.table_schema, t.table_name LIMIT 1), '')::text
{{- end}}
{{define "past" -}}
SELECT pg_catalog.quote_ident(s.past_schema) || '.canary' FROM {{schema}}.chrononaut_past_schema AS s WHERE s.table_schema = {{literal .Schema}}
{{- end}}
