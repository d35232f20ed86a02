-- What is known of the life of a key besides its changes: that from an entry of
-- the log on its row is there, in a state that history does not have, or is not
-- there. Rows that were there when tracking began, that were written while
-- nothing captured them, and whose history was erased. For the key '{}' it is
-- about the whole table: history before the entry has other keys.
CREATE TABLE chrononaut_unrecorded (
    table_name TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    id         INTEGER NOT NULL, -- of the entry of chrononaut_activity
    is_there   INTEGER NOT NULL CHECK (is_there IN (0, 1)),
    PRIMARY KEY (table_name, key, id)
) WITHOUT ROWID;

-- Erased history leaves the key, and when it had a record.
CREATE TRIGGER chrononaut_activity_erased AFTER DELETE ON chrononaut_activity
WHEN OLD.key <> '{}'
BEGIN
    INSERT INTO chrononaut_unrecorded (table_name, key, id, is_there)
    SELECT OLD.table_name, e.key, OLD.id, e.is_there
      FROM (SELECT OLD.key AS key, OLD.operation NOT IN ('delete', 'truncate') AS is_there
            UNION ALL
            SELECT OLD.previous_key, 0 WHERE OLD.previous_key IS NOT NULL) AS e
     WHERE NOT EXISTS (SELECT 1 FROM chrononaut_unrecorded AS u WHERE u.table_name = OLD.table_name AND u.key = e.key AND u.id = OLD.id);
END;
