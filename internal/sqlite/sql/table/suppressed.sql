CREATE TRIGGER main.{{ident .Trigger}} AFTER INSERT ON {{ident .Table.Name}}
WHEN (SELECT suppressed FROM chrononaut_context)
 AND NEW.{{ident .Table.VersionColumn}} IS NOT NULL
BEGIN
    -- No version: the first change that is captured records this state.
    UPDATE {{ident .Table.Name}} SET {{ident .Table.VersionColumn}} = NULL
     WHERE {{.Table.Match (ident .Table.Name) "NEW"}};
END
