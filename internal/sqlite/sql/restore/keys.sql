-- The foreign keys of the table ?1 and those that refer to it, as JSON.
SELECT m.name, f.id, f."table", f."from",
       coalesce(f."to", (SELECT x.name FROM pragma_table_info(f."table") AS x WHERE x.pk = f.seq + 1)),
       f.on_delete, f.on_update
  FROM main.sqlite_schema AS m
  JOIN pragma_foreign_key_list(m.name) AS f
 WHERE m.type = 'table' AND (m.name = ?1 COLLATE NOCASE OR f."table" = ?1 COLLATE NOCASE)
 ORDER BY m.name, f.id, f.seq
