CREATE TRIGGER main.{{ident .Trigger}} AFTER INSERT ON {{ident .Table.Name}}
WHEN {{template "guarded" .Table}}
BEGIN
    -- A row that is held, or in the place of one.
    INSERT INTO chrononaut_write (table_name, operation, own, columns, new_match)
    SELECT {{literal .Table.HistoryName}}, 'insert', 0, c.columns, (SELECT {{.Table.GuardMatch "c.columns" "NEW"}})
      FROM chrononaut_guarded AS c, {{.Table.Fallback "new"}}
     WHERE c.table_name = {{literal .Table.HistoryName}};
    SELECT json_extract('{}', r.message)
      FROM chrononaut_held_row AS h
      JOIN chrononaut_refusal AS r ON r.table_name = {{literal .Table.HistoryName}} AND r.kind = 'hold' AND r.id = h.id
     WHERE h.kind = 'hold' AND h.table_name = {{literal .Table.HistoryName}} AND {{.Table.Vanished "h.key"}}
     LIMIT 1;
    SELECT json_extract('{}', l.refusal)
      FROM chrononaut_held_row AS h
      JOIN chrononaut_lease_state AS l ON l.id = h.id AND l.table_name = {{literal .Table.HistoryName}}
     WHERE h.kind = 'lease' AND h.table_name = {{literal .Table.HistoryName}} AND {{.Table.Vanished "h.key"}}
       AND l.enforced AND l.runs AND NOT l.claimed
     LIMIT 1;
END
