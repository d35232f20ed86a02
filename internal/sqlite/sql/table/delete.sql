CREATE TRIGGER main.{{ident .Trigger}} AFTER DELETE ON {{ident .Table.Name}}
WHEN {{template "captured"}}
BEGIN
{{- template "refuse" (row .Table "OLD")}}
{{- template "baseline" .Table}}
    -- Unless a trigger of the application has put the row back.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT {{literal .Table.HistoryName}}, i.version, i.key, i.image || {{.Table.VersionSuffix "i.version"}},
           c.user_info, {{template "extra_info" (row .Table "OLD")}}, 'delete', c.transaction_id
      FROM (SELECT k.*, 1 + max(k.row_version, {{.Table.Last "k.key"}}) AS version
              FROM (SELECT (SELECT {{.Table.KeyObject "OLD"}}) AS key,
                           (SELECT {{.Table.RowVersion "OLD"}}) AS row_version,
                           (SELECT {{.Table.Image "OLD"}}) AS image,
                           '' AS hidden
                      FROM {{.Table.Fallback "old"}}
                     LIMIT 1) AS k
             LIMIT 1) AS i, chrononaut_context AS c
     WHERE NOT EXISTS (SELECT 1 FROM {{ident .Table.Name}} AS r WHERE {{.Table.Same "r" "OLD"}});
    DELETE FROM chrononaut_replaced
     WHERE table_name = {{literal .Table.HistoryName}} AND key = {{.Table.KeyObject "OLD"}};
END
