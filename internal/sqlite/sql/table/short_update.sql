CREATE TRIGGER main.{{ident .Trigger}} AFTER UPDATE OF {{.Table.OfColumns}} ON {{ident .Table.Name}}
BEGIN
    -- The short way, for what is mostly the case: the key stays, history knows the
    -- row in the state before and nothing later, so that nobody has changed it
    -- meanwhile, and the context has nothing to say of single records. VALUES and no
    -- SELECT, because SQLite puts the rows of that aside first; what is not to be
    -- recorded says so.
    INSERT INTO chrononaut_activity (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    VALUES ({{literal .Table.HistoryName}}, OLD.{{ident .Table.VersionColumn}} + 1, {{.Table.KeyObject "OLD"}},
            coalesce(CASE WHEN {{.Table.SameKey}}
                           AND NEW.{{ident .Table.VersionColumn}} IN (OLD.{{ident .Table.VersionColumn}}, OLD.{{ident .Table.VersionColumn}} + 1)
                           AND OLD.{{ident .Table.VersionColumn}} = {{.Table.Recorded (.Table.KeyObject "OLD")}}
                           AND NOT EXISTS (SELECT 1 FROM chrononaut_activity AS a
                                            WHERE a.table_name = {{literal .Table.HistoryName}} AND a.previous_key = {{.Table.KeyObject "OLD"}}
                                              AND a.version > OLD.{{ident .Table.VersionColumn}})
                          THEN (SELECT (SELECT (SELECT CASE WHEN {{.Table.ChangedShort}}
                                                    THEN {{.Table.Document "NEW" (print "OLD." (ident .Table.VersionColumn) " + 1")}} END)
                                          FROM {{.Table.Fallback "old"}})
                                  FROM {{.Table.Fallback "new"}}) END, 'chrononaut:skip'),
            (SELECT {{if .Table.Strict}}iif(attributed, short_user_info, 'chrononaut:skip'){{else}}short_user_info{{end}} FROM chrononaut_context), (SELECT extra_info FROM chrononaut_context), 'update', (SELECT transaction_id FROM chrononaut_context));
    -- The rest is the next trigger's.
    INSERT INTO chrononaut_missed (table_name)
    SELECT {{literal .Table.HistoryName}}
     WHERE changes() = 0
       AND {{.Table.Changed}};
END
