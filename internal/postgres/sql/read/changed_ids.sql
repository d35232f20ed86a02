-- The smallest and the greatest id of a table's changes in a time. The sum keeps
-- the planner from walking along the ids, so that it can use the index on times.
SELECT coalesce(min(w.id + 0), 0), coalesce(max(w.id + 0), 0),
       {{template "record" .}}
  FROM {{schema}}.chrononaut_activity AS w
 WHERE w.table_schema = {{literal .Schema}} AND w.table_name = {{literal .Name}}
   AND w.changed > {{.From}} AND w.changed <= {{.To}}
