{{- /* Parts of several triggers. */ -}}

{{- /* Whether capture is off, and whether it is on. */ -}}
{{- define "suppressed"}}(SELECT suppressed FROM chrononaut_context){{end -}}
{{- define "captured"}}NOT {{template "suppressed"}}{{end -}}

{{- /* Refuses what cannot be recorded. The argument says which row has the key. */ -}}
{{- define "refuse"}}
    -- A change that must say why, and does not.
    SELECT RAISE(ABORT, {{literal (print "TM001: table " .Table.HistoryName " is strict and the transaction carries no change information")}})
     WHERE (SELECT {{if not .Table.Strict}}strict AND {{end}}NOT attributed AND NOT suppressed FROM chrononaut_context);
{{- with .Table.NullKey .Row}}
    -- SQLite lets any number of rows have NULL in their key.
    SELECT RAISE(ABORT, {{literal (print "TM006: the row has NULL in the primary key of table " $.Table.HistoryName)}})
     WHERE ({{.}}) AND {{template "captured"}};
{{- end}}
{{- end -}}

{{- /* The extra information of a change of the row, from the context c and the
hidden columns i.hidden. What is said about one record wins. */ -}}
{{- define "extra_info"}}CASE WHEN c.records IS NULL AND i.hidden = '' THEN c.extra_info
                ELSE (SELECT '{' || group_concat(json_quote(e.name) || ':' || e.value, ',') || '}'
                        FROM (SELECT e.name, e.value, max(e.rank)
                                FROM (SELECT z.key AS name, {{template "member" "c.extra_info -> z.fullkey"}} AS value, 0 AS rank FROM json_each(c.extra_info) AS z
                                      UNION ALL
                                      SELECT z.key, {{template "member" "x.value -> z.fullkey"}}, 1 + x.key
                                        FROM json_each(c.records) AS x, json_each(x.value, '$.extra_info') AS z
                                       WHERE {{.Table.RecordMatch .Row}}
                                      UNION ALL
                                      SELECT 'hidden_cols_changed', '[' || substr(i.hidden, 2) || ']', 1e9 WHERE i.hidden <> '') AS e
                               GROUP BY e.name) AS e)
           END
{{- end -}}

{{- /* Whether the transaction of a plan brings something back, and says why. */ -}}
{{- define "restoring"}}json_extract(c.context, '$.operation') = 'restore' AND json_type(c.extra_info, '$.rationale') IS NOT NULL
{{- end -}}

{{- /* The extra information with what a restore was. */ -}}
{{- define "restored_info"}}(SELECT iif({{template "restoring"}}, json_set(x.extra_info, '$.restore.operation', '{{.Was}}'), x.extra_info)
              FROM (SELECT {{template "extra_info" (row .Table "NEW")}} AS extra_info
                     LIMIT 1) AS x)
{{- end -}}

{{- /* A member of a JSON object as JSON; a path cannot say every name. */ -}}
{{- define "member"}}coalesce({{.}}, CASE WHEN z.type IN ('true', 'false') THEN z.type WHEN z.type IN ('object', 'array') THEN z.value ELSE json_quote(z.value) END)
{{- end -}}

{{- /* Records rows that the statement has replaced. */ -}}
{{- define "replaced"}}
    -- Rows that had to go for this one (OR REPLACE) have fired no trigger, unless
    -- recursive_triggers is on. First their state, if history does not know it. What
    -- was noted last of a row counts: max() says so for the columns beside it.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation)
    SELECT {{literal .Table.HistoryName}}, coalesce(p.version, 0), p.key, p.data || {{.Table.VersionSuffix "coalesce(p.version, 0)"}},
           '{"user_id":null,"remote_addr":null}', 'baseline'
      FROM chrononaut_replaced AS p, {{.Table.Fallback "new"}}
     WHERE p.table_name = {{literal .Table.HistoryName}}
       AND +p.cause IN ({{range $n, $c := .Table.Causes}}{{if $n}}, {{end}}{{$c}}{{end}})
       AND {{.Table.Vanished "p.key"}}{{template "not_updated" .}}
       AND {{.Table.Last "p.key"}} < 0
     GROUP BY p.key HAVING max(p.rowid);
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT {{literal .Table.HistoryName}}, i.version, i.key, i.data || {{.Table.VersionSuffix "i.version"}},
           c.user_info, c.extra_info, 'delete', c.transaction_id
      FROM (SELECT p.key, p.data, 1 + max(coalesce(p.version, 0), {{.Table.Last "p.key"}}) AS version
              FROM chrononaut_replaced AS p, {{.Table.Fallback "new"}}
             WHERE p.table_name = {{literal .Table.HistoryName}}
               AND +p.cause IN ({{range $n, $c := .Table.Causes}}{{if $n}}, {{end}}{{$c}}{{end}})
               AND {{.Table.Vanished "p.key"}}{{template "not_updated" .}}
             GROUP BY p.key HAVING max(p.rowid)
             LIMIT -1) AS i, chrononaut_context AS c;
    DELETE FROM chrononaut_replaced
     WHERE table_name = {{literal .Table.HistoryName}}
{{- if .Table.Acts}}
       AND (cause IN ({{template "causes" .Table}}){{if .Row}} OR key = (SELECT {{.Table.KeyObject .Row}}){{end}})
{{- end}};
{{- end -}}

{{- /* The values of NEW that other rows exclude. */ -}}
{{- define "causes"}}{{$table := .}}{{range $n, $c := .Causes}}{{if $n}} UNION ALL {{end}}SELECT {{$c}} FROM {{$table.Fallback "new"}}{{end}}{{end -}}

{{- /* An upsert updates the row that was noted when it tried to insert. */ -}}
{{- define "not_updated"}}
{{- if .Row}}
               AND p.key <> (SELECT {{.Table.KeyObject .Row}}){{end}}
{{- end -}}

{{- /* Notes the rows that exclude NEW. */ -}}
{{- define "note"}}
    -- What others have left.
    DELETE FROM chrononaut_replaced
     WHERE table_name = {{literal .Table.HistoryName}}
{{- if .Table.Acts}}
       -- If a row that this statement has noted is gone, this here is what a foreign key
       -- does because it had to go, before the trigger of the row that takes its place
       -- has run: that one still needs its notes.
       AND (statement <> {{.Table.Now}}
            OR NOT EXISTS (SELECT 1 FROM chrononaut_replaced AS p
                            WHERE p.table_name = {{literal .Table.HistoryName}} AND p.statement = {{.Table.Now}} AND {{.Table.Gone "p.key"}}))
{{- end}};
{{- $causes := .Table.Causes}}
{{- range $n, $condition := .Table.Conflicts}}
    INSERT INTO chrononaut_replaced (table_name, cause, key, version, data, statement)
    SELECT {{literal $.Table.HistoryName}}, i.cause, i.key, i.version, i.data, {{$.Table.Now}}
      FROM (SELECT {{index $causes $n}} AS cause,
                   (SELECT {{$.Table.KeyObject "r"}} FROM {{ident $.Table.Name}} AS r WHERE {{$condition}}{{$.Except}}) AS key,
                   (SELECT r.{{ident $.Table.VersionColumn}} FROM {{ident $.Table.Name}} AS r WHERE {{$condition}}{{$.Except}}) AS version,
                   (SELECT (SELECT {{$.Table.Image "p"}}
                              FROM {{ident $.Table.Name}} AS p WHERE {{$.Table.Match "p" "r"}})
                      FROM {{ident $.Table.Name}} AS r WHERE {{$condition}}{{$.Except}}) AS data
              FROM {{$.Table.Fallback "new"}}, {{$.Table.Fallback "r"}}, {{$.Table.Fallback "p"}}
             WHERE EXISTS (SELECT 1 FROM {{ident $.Table.Name}} AS r WHERE {{$condition}}{{$.Except}})
             LIMIT 1) AS i
     WHERE i.key IS NOT NULL;
{{- end}}
{{- end -}}

{{- /* Records the state of OLD if history does not know the row. */ -}}
{{- define "baseline"}}
    -- The state before the first recorded change of a row that was there before
    -- tracking began.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, operation)
    SELECT {{literal .HistoryName}}, i.version, i.key, i.image || {{.VersionSuffix "i.version"}},
           '{"user_id":null,"remote_addr":null}', 'baseline'
      FROM (SELECT (SELECT {{.KeyObject "OLD"}}) AS key,
                   (SELECT {{.RowVersion "OLD"}}) AS version,
                   (SELECT {{.Image "OLD"}}) AS image
              FROM {{.Fallback "old"}}
             WHERE {{template "captured"}}
               AND (SELECT {{.Last (print "(SELECT " (.KeyObject "OLD") ")")}}) < 0
             LIMIT 1) AS i;
{{- end -}}

{{- /* Notes the key of a row, by which the past finds it. */ -}}
{{- define "add_key"}}
    INSERT INTO {{ident .Table.KeyTable}} ({{.Table.KeyTableColumns}})
    SELECT {{.Table.KeyTableValues .Row}}
     WHERE NOT EXISTS (SELECT 1 FROM {{ident .Table.KeyTable}} AS k WHERE {{.Table.KeyTableMatch "k" .Row}});
{{- end -}}

{{- /* Notes that the state of a row is not recorded from here on, or that it is
not there. Conflict clauses in here would give way to those of the statement
that fires the trigger. */ -}}
{{- define "unrecorded"}}
    DELETE FROM chrononaut_unrecorded
     WHERE table_name = {{literal .Table.HistoryName}} AND key = {{.Table.KeyObject .Row}} AND id = (SELECT max(id) FROM chrononaut_activity)
       AND {{template "suppressed"}};
    INSERT INTO chrononaut_unrecorded (table_name, key, id, is_there)
    SELECT {{literal .Table.HistoryName}}, {{.Table.KeyObject .Row}}, last.id, {{if eq .Row "NEW"}}1{{else}}0{{end}}
      FROM (SELECT max(id) AS id FROM chrononaut_activity) AS last
     WHERE {{template "suppressed"}};
{{- end -}}

{{- /* Whether records of the table are held or leased. */ -}}
{{- define "guarded"}}EXISTS (SELECT 1 FROM chrononaut_guarded WHERE table_name = {{literal .HistoryName}}){{end -}}

{{- /* Refuses a write that is based on another version than the row's. What has
happened since is not told here: SQLite would compile that with every statement. */ -}}
{{- define "stale"}}
    -- A value in the version column says on which version the write is based.
    SELECT json_extract('{}', {{literal (print "TM017: stale write to table " .Table.SQLName ": based on ")}} || coalesce('version ' || i.expected, 'no version')
               || ', the record is at version ' || i.actual || char(10) || {{literal .Table.StaleReport}} || ',"expected":' || coalesce(i.expected, 'null') || ',"actual":' || i.actual
               || ',"change":' || coalesce((SELECT a.id FROM chrononaut_activity AS a WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key = i.key ORDER BY a.version DESC LIMIT 1), 'null')
               || ',"mine":[' || substr(i.mine, 2) || ']}')
      FROM (SELECT (SELECT {{.Table.KeyObject "OLD"}}) AS key, iif(typeof(NEW.{{ident .Table.VersionColumn}}) = 'integer', NEW.{{ident .Table.VersionColumn}}, NULL) AS expected,
                   {{.Table.RowVersion "OLD"}} AS actual, (SELECT {{if .Row}}{{.Table.OthersChanged}}{{else}}{{.Table.AllChanged}}{{end}}) AS mine
              FROM {{.Table.Fallback "new"}}, {{.Table.Fallback "old"}}
             WHERE OLD.{{ident .Table.VersionColumn}} IS NOT NEW.{{ident .Table.VersionColumn}}
               AND NOT {{.Table.BasedOnPresent}}
               AND {{template "captured"}}
{{- if and .Row .Table.Light}}
               -- Not what the triggers write into a row that history is ahead of.
               AND NOT coalesce(NEW.{{ident .Table.VersionColumn}} > {{.Table.RowVersion "OLD"}} AND NEW.{{ident .Table.VersionColumn}} <= {{.Table.Recorded (.Table.KeyObject "NEW")}}, 0)
{{- else if .Row}}
               AND {{template "not_numbering" .Table}}
{{- end}}
             LIMIT 1) AS i;
{{- end -}}
