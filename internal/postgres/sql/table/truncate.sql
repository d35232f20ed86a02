{{- /*
The BEFORE TRUNCATE trigger of one table: records every row that is about to
go. A trigger on a partition and one on its parent may both run; each row is
recorded once.
*/ -}}
{{- define "known_version"}}{{if .Adopted}}coalesce(r.version, 0){{else}}0{{end}}{{end -}}
CREATE OR REPLACE FUNCTION {{.Function "truncate"}}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    {{template "all_settings"}}
    -- Rows that row security hides would go unrecorded: better an error.
    SET row_security = off
AS {{dollar}}
#variable_conflict use_column
DECLARE
    context    jsonb;
    user_info  jsonb := '{"user_id": null, "remote_addr": null}';
    extra_info jsonb := '{}';
    statement  text;
    before_id  bigint;
    unknown    bigint;
BEGIN
    -- Of a partition that was detached, or of a table that had this one's name: its rows are
    -- not those that history knows.
    IF {{schema}}.named({{literal .Qualified}}) <> TG_RELID
       AND NOT EXISTS (SELECT FROM pg_partition_tree({{schema}}.named({{literal .Qualified}})) AS p WHERE p.relid = TG_RELID)
    THEN
        RETURN NULL;
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM {{schema}}.assert_seen(TG_RELID);
    END IF;
    PERFORM {{schema}}.note_departed({{literal .Schema}}, {{literal .Name}});
    IF NOT {{template "bit_clear" (named . "chrononaut_guarded")}} THEN
        PERFORM {{schema}}.guard_truncate({{literal .Schema}}, {{literal .Name}});
    ELSIF strpos(current_setting('chrononaut.context', true), '"leases"') > 0 THEN
        PERFORM {{schema}}.lease_fence();
    END IF;
    IF coalesce(current_setting('chrononaut.suppressed', true), '') = 'on' AND {{schema}}.is_suppressed() THEN
        PERFORM {{schema}}.note_disturbed({{literal .Schema}}, {{literal .Name}});
        RETURN NULL;
    END IF;
{{- if .HiddenColumns}}
    PERFORM {{schema}}.assert_hidden(TG_RELID, {{textArray .HiddenNames}}, {{.HiddenAttnums}}, {{.HiddenOrdinals}});
{{- end}}
    BEGIN
        context := nullif(current_setting('chrononaut.context', true), '')::jsonb;
    EXCEPTION WHEN data_exception THEN
        PERFORM {{schema}}.context_error();
    END;
    IF context IS NOT NULL THEN
        IF jsonb_typeof(context) <> 'object'
           OR jsonb_typeof(coalesce(context -> 'user_info', '{}')) <> 'object'
           OR jsonb_typeof(coalesce(context -> 'extra_info', '{}')) <> 'object'
        THEN
            PERFORM {{schema}}.context_error();
        END IF;
        user_info := user_info || coalesce(context -> 'user_info', '{}');
        extra_info := coalesce(context -> 'extra_info', '{}');
    END IF;
{{- if .Strict}}
    IF context IS NULL OR NOT (context ? 'change_info' OR extra_info ? 'rationale') THEN
        PERFORM {{schema}}.unattributed_error({{literal .Schema}}, {{literal .Name}});
    END IF;
{{- end}}

    -- TRUNCATE also removes rows that a fixed snapshot does not see, as of
    -- transactions that have ended since.
    IF current_setting('transaction_isolation') <> 'read committed' AND {{schema}}.ended_since(pg_current_snapshot()) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
            MESSAGE = {{literal (printf "TRUNCATE of %s could not be recorded: other transactions have ended since this one took its snapshot" .Name)}},
            HINT = 'Repeat the transaction, or truncate in one of READ COMMITTED.';
    END IF;

    -- TRUNCATE is rare and reads the whole table: the catalog says what its
    -- columns are now. $1 and $2 are the table's names in history.
    statement := pg_catalog.format(
        'SELECT %s AS key, %s AS image, t.%I AS version FROM %s AS t',
        {{schema}}.key_sql(TG_RELID, 't'),
        {{schema}}.image_sql(TG_RELID, {{textArray .Excluded}}::text[], 't'),
        {{literal .VersionColumn}}, TG_RELID::regclass);

    -- The state of rows that history does not know yet.
    SELECT max(a.id) INTO before_id FROM {{schema}}.chrononaut_activity AS a;
    EXECUTE 'INSERT INTO {{literalBody schema}}.chrononaut_activity
                    (table_name, version, key, data, user_info, extra_info, operation, table_schema)
             SELECT $2, {{template "known_version" .}}, r.key, r.image || pg_catalog.jsonb_build_object({{literalBody (literal .VersionColumn)}}, {{template "known_version" .}}{{if .VersionKey}}, ''version'', {{template "known_version" .}}{{end}}),
                    ''{"user_id": null, "remote_addr": null}'', ''{}'', ''baseline'', $1
               FROM (' || statement || ') AS r
              WHERE {{if not .Adopted}}r.version IS NULL AND {{end}}{{literalBody .LastVersion}}($1, $2, r.key) IS NULL
             ON CONFLICT DO NOTHING'
        USING {{literal .Schema}}, {{literal .Name}};
    GET DIAGNOSTICS unknown = ROW_COUNT;
    IF unknown > 0 THEN
        PERFORM {{schema}}.add_keys({{literal .Schema}}, {{literal .Name}}, coalesce(before_id, 0));
    END IF;

    EXECUTE 'INSERT INTO {{literalBody schema}}.chrononaut_activity
                    (table_name, version, key, data, user_info, extra_info, operation, table_schema)
             SELECT $2, r.next, r.key, r.image || pg_catalog.jsonb_build_object({{literalBody (literal .VersionColumn)}}, r.next{{if .VersionKey}}, ''version'', r.next{{end}}),
                    $3, $4, ''truncate'', $1
               FROM (SELECT s.*, greatest(s.version, {{literalBody .LastVersion}}($1, $2, s.key), 0) + 1 AS next
                       FROM (' || statement || ') AS s) AS r
{{- if .Partitioned}}
              WHERE NOT EXISTS (SELECT FROM {{literalBody schema}}.chrononaut_activity AS a
                                 WHERE {{literalBody (.RecordHash "a.key")}} = pg_catalog.jsonb_hash_extended(r.key, pg_catalog.hashtextextended($1 || ''.'' || $2, 0))
                                   AND a.key = r.key AND a.table_name || '''' = $2 AND a.table_schema || '''' = $1
                                   AND a.transaction_id = pg_current_xact_id()
                                   AND a.operation = ''truncate''
                                   AND a.version = r.next - 1)
{{- end}}'
        USING {{literal .Schema}}, {{literal .Name}}, user_info, extra_info;
    PERFORM {{schema}}.note_long();
    RETURN NULL;
END
{{dollar}}
