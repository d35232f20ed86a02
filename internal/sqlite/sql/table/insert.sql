CREATE TRIGGER main.{{ident .Trigger}} AFTER INSERT ON {{ident .Table.Name}}
WHEN {{template "captured"}}
BEGIN
{{- template "refuse" (row .Table "NEW")}}
{{- template "add_key" (row .Table "NEW")}}
    -- The row as it is in the table now: triggers of the application may have
    -- changed it again, which then is in history already.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT {{literal .Table.HistoryName}}, i.last + 1, i.key, i.image || {{.Table.VersionSuffix "i.last + 1"}},
           c.user_info, {{template "restored_info" (restored .Table "insert")}}, iif({{template "restoring"}}, 'restore', 'insert'), c.transaction_id
      FROM (SELECT k.key, k.image, k.hidden, {{.Table.Last "k.key"}} AS last
              FROM (SELECT (SELECT {{.Table.KeyObject "NEW"}}) AS key,
                           (SELECT {{.Table.Image "r"}}
                              FROM {{ident .Table.Name}} AS r WHERE {{.Table.Match "r" "NEW"}}) AS image,
                           (SELECT {{.Table.HiddenSet}}) AS hidden
                      FROM {{.Table.Fallback "new"}}, {{.Table.Fallback "r"}}
                     LIMIT 1) AS k
             LIMIT 1) AS i, chrononaut_context AS c
     WHERE i.image IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM chrononaut_activity AS a
                        WHERE a.table_name = {{literal .Table.HistoryName}} AND a.key = i.key AND a.version = i.last
                          AND a.operation <> 'delete' AND a.data = i.image || {{.Table.VersionSuffix "i.last"}});
END
