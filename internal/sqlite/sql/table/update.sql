CREATE TRIGGER main.{{ident .Trigger}} AFTER UPDATE OF {{.Table.OfColumns}} ON {{ident .Table.Name}}
WHEN {{if .Table.Short}}EXISTS (SELECT 1 FROM chrononaut_missed WHERE table_name = {{literal .Table.HistoryName}})
 AND {{else}}{{template "captured"}}
 AND {{end}}{{.Table.Changed}}
BEGIN
{{- if .Table.Short}}
    DELETE FROM chrononaut_missed WHERE table_name = {{literal .Table.HistoryName}};
{{- end}}
{{- template "stale" (row .Table "")}}
{{- template "refuse" (row .Table "NEW")}}
{{- template "baseline" .Table}}
{{- template "add_key" (row .Table "NEW")}}
{{- if .Table.Short}}
{{- template "unrecorded" (row .Table "OLD")}}
{{- template "unrecorded" (row .Table "NEW")}}
{{- end}}
    -- The row as it is in the table now: triggers of the application may have
    -- changed it again, which then is in history already.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id, previous_key)
    SELECT {{literal .Table.HistoryName}}, i.version, i.key, i.image || {{.Table.VersionSuffix "i.version"}},
           c.user_info, {{template "restored_info" (restored .Table "update")}}, iif({{template "restoring"}}, 'restore', 'update'), c.transaction_id, nullif(i.old_key, i.key)
      FROM (SELECT k.*, 1 + max(k.row_version, {{.Table.Last "k.old_key"}}, iif(k.key = k.old_key, -1, {{.Table.Last "k.key"}})) AS version
              FROM (SELECT (SELECT {{.Table.KeyObject "NEW"}}) AS key,
                           (SELECT {{.Table.KeyObject "OLD"}}) AS old_key,
                           (SELECT {{.Table.RowVersion "OLD"}}) AS row_version,
                           (SELECT {{.Table.Image "r"}}
                              FROM {{ident .Table.Name}} AS r WHERE {{.Table.Match "r" "NEW"}}) AS image,
                           (SELECT {{.Table.HiddenChanged}}) AS hidden
                      FROM {{.Table.Fallback "new"}}, {{.Table.Fallback "old"}}, {{.Table.Fallback "r"}}
                     LIMIT 1) AS k
             LIMIT 1) AS i, chrononaut_context AS c
     WHERE NOT c.suppressed
       AND i.image IS NOT NULL
       AND (i.hidden <> '' OR i.key <> i.old_key
            OR NOT EXISTS (SELECT 1 FROM chrononaut_activity AS a
                            WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key = i.key
                              AND a.version = {{.Table.Last "i.key"}}
                              AND a.operation <> 'delete' AND a.data = i.image || {{.Table.VersionSuffix "a.version"}}));
END
