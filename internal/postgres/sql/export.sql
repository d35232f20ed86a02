{{- /*
Statements that only files for migration tools have: a tool runs them without
Chrononaut, so that they check themselves what Chrononaut would check.
*/ -}}
{{define "lock"}}
    -- Others that change the history schema wait until this transaction ends.
    PERFORM pg_catalog.pg_advisory_xact_lock({{.Lock}});
    IF EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = {{literal rawSchema}} AND c.relname = 'chrononaut_migration') THEN
        SELECT coalesce(pg_catalog.max(m.version),
                        pg_catalog.substring(pg_catalog.obj_description({{literal (print schema ".chrononaut_migration")}}::pg_catalog.regclass, 'pg_class'), 'version ([0-9]+)')::integer,
                        0)
          INTO installed FROM {{schema}}.chrononaut_migration AS m;
    END IF;
{{- end}}
{{define "require_version" -}}
-- Refuse to run where the history schema has another version.
DO {{dollar}}
DECLARE
    installed integer := 0;
BEGIN
    {{- template "lock" .}}
    IF installed <> {{.Version}} THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('the history schema is at version %s, and this migration is for version %s', installed, {{.Version}}),
            HINT = 'chrononaut migrate get --from N prints the migrations after version N.';
    END IF;
END
{{dollar}}
{{- end}}
{{define "require_untracked" -}}
-- Refuse to run while a table is tracked: its triggers would fail afterwards.
DO {{dollar}}
BEGIN
    IF EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t WHERE t.tracked)
       OR EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
                    JOIN pg_catalog.pg_proc AS f ON f.oid = g.tgfoid
                    JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
                    JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid
                   WHERE n.nspname = {{literal rawSchema}} AND c.relnamespace <> n.oid) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'tables are still tracked',
            HINT = 'Revert the migrations that track them, or run chrononaut untrack on every table.';
    END IF;
{{- if eq .Version 1}}
    IF EXISTS (SELECT FROM {{schema}}.chrononaut_activity)
       AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_setting AS s WHERE s.name = 'drop_history' AND s.value = 'true') THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'there is history, and this migration would delete it for good',
            HINT = {{literal (print "To allow it: INSERT INTO " schema ".chrononaut_setting (name, value) VALUES ('drop_history', 'true')")}};
    END IF;
{{- end}}
END
{{dollar}}
{{- end}}
{{define "require_table" -}}
-- Refuse to run where the table, or how it is tracked, is not what this file was
-- made for: the functions below would not fit.
DO {{dollar}}
DECLARE
    installed integer := 0;
    relation  oid := pg_catalog.to_regclass({{literal .Table.Qualified}});
    different text;
BEGIN
    {{- template "lock" .}}
    IF installed < {{.Version}} THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('the history schema is at version %s, and this migration needs version %s', installed, {{.Version}}),
            HINT = 'Run the migrations of the history schema first.';
    END IF;
    IF relation IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = {{literal (print "table " .Table.Qualified " does not exist")}};
    END IF;
    -- Columns that track adds itself may be there, from an earlier time.
    WITH wanted (name, type, attnum, ordinal, missing, position) AS (
        SELECT w.*, pg_catalog.row_number() OVER () FROM (VALUES
{{- range $i, $c := .Columns}}{{if $i}},{{end}}
            ({{literal $c.Name}}, {{literal $c.Type}}, {{if $c.Attnum}}{{$c.Attnum}}, {{$c.Ordinal}}, {{$c.Missing}}{{else}}NULL::integer, NULL::integer, NULL::boolean{{end}})
{{- end}}) AS w
    ), present AS (
        SELECT p.*, pg_catalog.row_number() OVER (ORDER BY p.attnum) AS position
          FROM (SELECT a.attname::text AS name, a.attnum, pg_catalog.row_number() OVER (ORDER BY a.attnum) AS ordinal,
                       pg_catalog.format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attgenerated <> '' THEN ' generated' ELSE '' END AS type,
                       a.atthasmissing AS missing
                  FROM pg_catalog.pg_attribute AS a
                 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped) AS p
         WHERE p.name <> ALL ({{textArray .Tolerated}})
    )
    SELECT pg_catalog.string_agg(coalesce(w.name, p.name), ', ') INTO different
      FROM wanted AS w FULL JOIN present AS p ON p.name = w.name
     WHERE w.name IS NULL OR p.name IS NULL OR w.type <> p.type OR w.position <> p.position
        -- Of hidden and untracked columns the functions also know the place.
        OR w.attnum <> p.attnum OR w.ordinal <> p.ordinal OR w.missing <> p.missing;
{{- range .Later}}
    -- Where it is, the functions take it to be the last one.
    IF different IS NULL AND EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = relation AND a.attname = {{literal .}} AND a.attnum < (
               SELECT pg_catalog.max(o.attnum) FROM pg_catalog.pg_attribute AS o
                WHERE o.attrelid = relation AND NOT o.attisdropped AND o.attname <> ALL ({{textArray $.Tolerated}}))) THEN
        different := {{literal .}};
    END IF;
{{- end}}
    IF different IS NULL AND {{textArray .Table.KeyColumns}} IS DISTINCT FROM (
        SELECT pg_catalog.array_agg(a.attname::text ORDER BY k.position)
          FROM pg_catalog.pg_index AS i,
               LATERAL pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, position)
          JOIN pg_catalog.pg_attribute AS a ON a.attnum = k.attnum
         WHERE i.indrelid = relation AND a.attrelid = relation AND i.indisprimary AND k.position <= i.indnkeyatts) THEN
        different := 'the primary key';
    END IF;
    IF different IS NULL AND (SELECT c.relkind = 'p' FROM pg_catalog.pg_class AS c WHERE c.oid = relation) <> {{.Table.Partitioned}} THEN
        different := 'whether it is partitioned';
    END IF;
    IF different IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = {{literal (print "table " .Table.Qualified " is not as it was where this migration was made")}},
            DETAIL = 'Different: ' || different || '.',
            HINT = 'Make the migration with a database that has the same schema, or run chrononaut track instead.';
    END IF;
{{- if .VersionAdded}}
    -- An application's own column would be taken for the version.
    IF EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = relation AND a.attname = {{literal .Table.VersionColumn}} AND NOT a.attisdropped)
       AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t
                        WHERE t.table_schema = {{literal .Table.Schema}} AND t.table_name = {{literal .Table.Name}}
                          AND coalesce(t.options ->> 'version_column', 'version') = {{literal .Table.VersionColumn}}
                          AND NOT coalesce((t.options ->> 'adopted')::boolean, false)) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = {{literal (print "table " .Table.Qualified " already has a column " (ident .Table.VersionColumn))}},
            HINT = 'Make the migration with a database that has the same schema, with --version-column.';
    END IF;
{{- end}}
{{- if not .Tracked}}{{range .Later}}
    -- It would be dropped when this migration goes back.
    IF EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = relation AND a.attname = {{literal .}} AND NOT a.attisdropped)
       AND NOT EXISTS (SELECT FROM {{schema}}.chrononaut_table AS t
                        WHERE t.table_schema = {{literal $.Table.Schema}} AND t.table_name = {{literal $.Table.Name}}
                          AND (t.options ->> 'record_changes')::boolean) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = {{literal (print "table " $.Table.Qualified " already has a column " (ident .))}},
            HINT = 'Make the migration with a database that has the same schema.';
    END IF;
{{- end}}{{end}}
    IF {{if .Tracked}}NOT EXISTS{{else}}EXISTS{{end}} (
        SELECT FROM {{schema}}.chrononaut_table AS t
         WHERE t.table_schema = {{literal .Table.Schema}} AND t.table_name = {{literal .Table.Name}} AND t.tracked
           AND t.options - 'generation' {{if .Tracked}}IN ({{range $i, $o := .Tracked}}{{if $i}}, {{end}}{{literal $o}}::jsonb - 'generation'{{end}}){{else}}<> {{literal .Options}}::jsonb - 'generation'{{end}}) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = {{literal (print "table " .Table.Qualified " is not tracked as it was where this migration was made")}},
            HINT = 'chrononaut track TABLE --dry-run shows what a table has and lacks.';
    END IF;
    IF EXISTS (SELECT FROM {{schema}}.chrononaut_setting AS s WHERE s.name = 'strict' AND s.value = 'true') <> {{.Strict}} THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'one database is strict, and the one where this migration was made is not, or the other way round',
            HINT = 'chrononaut strict says whether a database is strict.';
    END IF;
END
{{dollar}}
{{- end}}
