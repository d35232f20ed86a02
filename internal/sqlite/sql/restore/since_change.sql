-- What has happened to a record since the version ?2: ?1 is the id of its newest change,
-- ?3 the names by which data has the version, as JSON.
SELECT ({{template "changes" changes "s.table_name" "?3" "s.key" "?2"}})
  FROM main.chrononaut_activity AS s
 WHERE s.id = ?1
