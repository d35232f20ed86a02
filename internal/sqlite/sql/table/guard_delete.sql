CREATE TRIGGER main.{{ident .Trigger}} BEFORE DELETE ON {{ident .Table.Name}}
WHEN {{template "guarded" .Table}}
BEGIN
    INSERT INTO chrononaut_write (table_name, operation, own, columns, old_match)
    SELECT {{literal .Table.HistoryName}}, 'delete', 0, c.columns, (SELECT {{.Table.GuardMatch "c.columns" "OLD"}})
      FROM chrononaut_guarded AS c, {{.Table.Fallback "old"}}
     WHERE c.table_name = {{literal .Table.HistoryName}};
END
