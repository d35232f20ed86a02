CREATE TRIGGER main.{{ident .Trigger}} AFTER UPDATE OF {{.Table.KeyAssignments}} ON {{ident .Table.Name}}
WHEN {{.Table.KeyObject "OLD"}} <> {{.Table.KeyObject "NEW"}}
BEGIN
    -- A lease is of a record: it goes along with its key.
    INSERT INTO chrononaut_lease_call (operation, table_name, former_key, key)
    VALUES ('follow', {{literal .Table.HistoryName}}, {{.Table.KeyObject "OLD"}}, {{.Table.KeyObject "NEW"}});
END
