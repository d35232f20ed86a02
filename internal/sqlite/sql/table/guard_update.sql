CREATE TRIGGER main.{{ident .Trigger}} BEFORE UPDATE ON {{ident .Table.Name}}
WHEN {{template "guarded" .Table}}
BEGIN
    -- Whatever is written, also to columns that are not tracked.
    INSERT INTO chrononaut_write (table_name, operation, own, columns, old_match, new_match)
    SELECT {{literal .Table.HistoryName}}, 'update', (SELECT {{.Table.Unwritten}}), c.columns,
           (SELECT {{.Table.GuardMatch "c.columns" "OLD"}}), (SELECT {{.Table.GuardMatch "c.columns" "NEW"}})
      FROM chrononaut_guarded AS c, {{.Table.Fallback "new"}}, {{.Table.Fallback "old"}}
     WHERE c.table_name = {{literal .Table.HistoryName}};
END
