-- The migrations of this schema that were applied. Times are UTC, as text that
-- sorts in their order.
CREATE TABLE chrononaut_migration (
    version INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    applied TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

-- The history table: the columns are those of PostgreSQL, JSON is text. Ids are
-- never used again, so that they can mark a place in the log.
CREATE TABLE chrononaut_activity (
    id             INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    table_name     TEXT    NOT NULL,
    changed        TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    version        INTEGER NOT NULL,
    key            TEXT    NOT NULL DEFAULT '{}',
    data           TEXT    NOT NULL DEFAULT '{}',
    user_info      TEXT    NOT NULL DEFAULT '{}',
    extra_info     TEXT    NOT NULL DEFAULT '{}',
    operation      TEXT,
    table_schema   TEXT    DEFAULT 'main',
    transaction_id INTEGER,
    database_user  TEXT,
    previous_key   TEXT
);

-- One record's history. A record is its key as text: the triggers write equal
-- keys equally.
CREATE INDEX chrononaut_activity_record ON chrononaut_activity (table_name, key, version);

-- The same for the key that a record had before its primary key changed, and
-- the changes that gave a record the key that it has.
CREATE INDEX chrononaut_activity_previous_key ON chrononaut_activity (table_name, previous_key, version)
    WHERE previous_key IS NOT NULL;
CREATE INDEX chrononaut_activity_arrival ON chrononaut_activity (table_name, key, version)
    WHERE previous_key IS NOT NULL;

-- The log of one table, of one actor, of one transaction, of a time.
CREATE INDEX chrononaut_activity_table ON chrononaut_activity (table_name, id);
CREATE INDEX chrononaut_activity_actor ON chrononaut_activity (json_extract(user_info, '$.user_id'), id)
    WHERE json_extract(user_info, '$.user_id') IS NOT NULL;
CREATE INDEX chrononaut_activity_transaction ON chrononaut_activity (transaction_id, id)
    WHERE transaction_id IS NOT NULL;
CREATE INDEX chrononaut_activity_changed ON chrononaut_activity (changed, id);
-- The operations that are rare.
CREATE INDEX chrononaut_activity_operation ON chrononaut_activity (operation, id)
    WHERE operation NOT IN ('insert', 'update');

-- The tables that are or were tracked, and how. key_columns and options are
-- JSON; baseline is the key of the last row that a baseline has read.
CREATE TABLE chrononaut_table (
    table_schema  TEXT    NOT NULL DEFAULT 'main',
    table_name    TEXT    NOT NULL,
    tracked       INTEGER NOT NULL,
    tracked_since TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    key_columns   TEXT    NOT NULL,
    options       TEXT    NOT NULL,
    baseline      TEXT,
    PRIMARY KEY (table_schema, table_name)
);

-- Options of the whole database; the value is JSON.
CREATE TABLE chrononaut_setting (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- Who and why: the one row is what the transaction that is writing says. SQLite
-- has one writer at a time, so it is never another's. Package chronosql sets it
-- before a transaction's first write and clears it before its end.
CREATE TABLE chrononaut_context (
    id               INTEGER PRIMARY KEY CHECK (id = 1),
    context          TEXT,
    transaction_id   INTEGER,
    last_transaction INTEGER NOT NULL DEFAULT 0,
    -- The unsafe door: capture is off, history may be deleted, and why.
    suppressed       INTEGER NOT NULL DEFAULT 0 CHECK (suppressed IN (0, 1)),
    allow_erase      INTEGER NOT NULL DEFAULT 0 CHECK (allow_erase IN (0, 1)),
    reason           TEXT,
    -- The context in the form in which history has it, made once for all rows.
    user_info        TEXT AS (CASE WHEN context IS NULL OR NOT json_valid(context) THEN '{"user_id":null,"remote_addr":null}'
                                   ELSE json_insert(coalesce(json_extract(context, '$.user_info'), '{}'), '$.user_id', NULL, '$.remote_addr', NULL)
                              END) STORED,
    extra_info       TEXT AS (CASE WHEN json_valid(context) THEN coalesce(json_extract(context, '$.extra_info'), '{}') ELSE '{}' END) STORED,
    -- Whether the change information that a strict table wants was given.
    attributed       INTEGER AS (CASE WHEN json_valid(context)
                                      THEN json_type(context, '$.change_info') IS NOT NULL OR json_type(context, '$.extra_info.rationale') IS NOT NULL
                                      ELSE 0 END) STORED,
    -- What is said about single records: AppendChangeInfo.
    records          TEXT AS (CASE WHEN json_valid(context) THEN json_extract(context, '$.records') END) STORED,
    -- The setting of that name.
    strict           INTEGER NOT NULL DEFAULT 0,
    -- The user, where a change can be recorded with nothing but what is above.
    short_user_info  TEXT AS (CASE WHEN suppressed OR records IS NOT NULL OR strict AND NOT attributed THEN 'chrononaut:skip'
                                   WHEN context IS NULL OR NOT json_valid(context) THEN user_info
                                   WHEN json_extract(context, '$.operation') = 'restore' THEN 'chrononaut:skip'
                                   ELSE user_info
                              END) STORED
);
INSERT INTO chrononaut_context (id) VALUES (1);

-- Rows that the statement that is running may replace (OR REPLACE), which
-- SQLite deletes without a trigger. What is left here afterwards means nothing.
CREATE TABLE chrononaut_replaced (
    table_name TEXT    NOT NULL,
    cause      TEXT    NOT NULL, -- the unique values of the row that takes the place
    key        TEXT    NOT NULL,
    version    INTEGER,
    data       TEXT    NOT NULL,
    statement  TEXT    NOT NULL  -- its time, as in chrononaut_numbering
);
CREATE INDEX chrononaut_replaced_key ON chrononaut_replaced (table_name, key);

-- Tables of which a change is to be recorded that the short way has left to the
-- trigger that comes after it. What is left here afterwards means nothing.
CREATE TABLE chrononaut_missed (
    table_name TEXT NOT NULL
);

-- Tables whose triggers are writing versions into rows, and in which statement:
-- its time, which stands still while it runs. A statement that failed half-way
-- (OR FAIL) can leave a row, which then means nothing.
CREATE TABLE chrononaut_numbering (
    table_name TEXT PRIMARY KEY NOT NULL,
    statement  TEXT NOT NULL
) WITHOUT ROWID;

-- The entries of the log behind which the clock had been set back: the times
-- before and after them overlap.
CREATE TABLE chrononaut_clock (
    id      INTEGER PRIMARY KEY,
    changed TEXT NOT NULL
);

-- ---------------------------------------------------------- append-only --

CREATE TRIGGER chrononaut_activity_no_update BEFORE UPDATE ON chrononaut_activity
BEGIN
    SELECT RAISE(ABORT, 'TM004: history is append-only');
END;

-- Except through the unsafe door, of which the trace itself stays.
CREATE TRIGGER chrononaut_activity_no_delete BEFORE DELETE ON chrononaut_activity
WHEN OLD.operation IS 'suppress' OR NOT (SELECT suppressed AND allow_erase FROM chrononaut_context)
BEGIN
    SELECT RAISE(ABORT, 'TM004: history is append-only');
END;

-- INSERT OR REPLACE would delete a change without a trigger; the id of an entry
-- that is given none is -1 here. No version of a key occurs twice: those who
-- write updates see to that themselves. What says chrononaut:skip is not written, and
-- what is no JSON object is refused: it begins with {, and no text with that is greater
-- than |. Where the clock was set back is noted.
CREATE TRIGGER chrononaut_activity_insert BEFORE INSERT ON chrononaut_activity
WHEN NEW.data NOT BETWEEN '{' AND '|'
  OR NEW.user_info = 'chrononaut:skip'
  OR NEW.id > 0
  OR NEW.changed < (SELECT a.changed FROM chrononaut_activity AS a ORDER BY a.id DESC)
  OR NEW.operation IS NOT 'update' AND NEW.key <> '{}'
     AND EXISTS (SELECT 1 FROM chrononaut_activity AS a
                  WHERE a.table_name = NEW.table_name AND a.key = NEW.key AND a.version = NEW.version)
BEGIN
    SELECT RAISE(IGNORE) WHERE 'chrononaut:skip' IN (NEW.data, NEW.user_info);
    SELECT RAISE(ABORT, 'TM004: history is append-only')
     WHERE EXISTS (SELECT 1 FROM chrononaut_activity AS a WHERE a.id = NEW.id)
        OR NEW.data NOT BETWEEN '{' AND '|'
        OR NEW.key <> '{}'
           AND EXISTS (SELECT 1 FROM chrononaut_activity AS a
                        WHERE a.table_name = NEW.table_name AND a.key = NEW.key AND a.version = NEW.version);
    INSERT INTO chrononaut_clock (id, changed)
    SELECT a.id, a.changed FROM chrononaut_activity AS a
     WHERE a.id = (SELECT max(b.id) FROM chrononaut_activity AS b)
       AND NEW.changed < a.changed
       AND NOT EXISTS (SELECT 1 FROM chrononaut_clock AS c WHERE c.id = a.id);
END;

-- -------------------------------------------------------------- context --

CREATE TRIGGER chrononaut_context_no_insert BEFORE INSERT ON chrononaut_context
BEGIN
    SELECT RAISE(ABORT, 'TM002: chrononaut_context has one row: update it');
END;

CREATE TRIGGER chrononaut_context_no_delete BEFORE DELETE ON chrononaut_context
BEGIN
    SELECT RAISE(ABORT, 'TM002: chrononaut_context has one row: update it');
END;

CREATE TRIGGER chrononaut_context_check BEFORE UPDATE OF id, context ON chrononaut_context
WHEN NEW.context IS NOT NULL OR NEW.id IS NOT 1
BEGIN
    SELECT RAISE(ABORT, 'TM002: the change context is malformed')
     WHERE NEW.id IS NOT 1
        OR CASE WHEN json_valid(NEW.context) AND json_type(NEW.context) = 'object'
                THEN coalesce(json_type(NEW.context, '$.user_info'), 'object') <> 'object'
                  OR coalesce(json_type(NEW.context, '$.extra_info'), 'object') <> 'object'
                  OR coalesce(json_type(NEW.context, '$.records'), 'array') <> 'array'
                ELSE 1 END;
END;

-- The door needs a reason, and leaves a record of who opened it and why.
CREATE TRIGGER chrononaut_context_door AFTER UPDATE OF suppressed, allow_erase, reason ON chrononaut_context
WHEN NEW.suppressed OR NEW.allow_erase
BEGIN
    SELECT RAISE(ABORT, 'TM005: capture is suppressed only with a reason')
     WHERE trim(coalesce(NEW.reason, '')) = '' OR NOT NEW.suppressed;
    INSERT INTO chrononaut_activity (table_name, version, operation, table_schema, transaction_id, data, user_info, extra_info)
    VALUES ('', 0, 'suppress', '', NEW.transaction_id,
            '{"reason":' || json_quote(NEW.reason) || ',"allow_erase":' || iif(NEW.allow_erase, 'true', 'false') || '}',
            NEW.user_info, NEW.extra_info);
    -- What was noted before capture was off says nothing about afterwards.
    DELETE FROM chrononaut_replaced;
END;

-- The triggers of tables read the setting here.
CREATE TRIGGER chrononaut_setting_insert AFTER INSERT ON chrononaut_setting
BEGIN
    UPDATE chrononaut_context SET strict = EXISTS (SELECT 1 FROM chrononaut_setting WHERE name = 'strict' AND value = 'true');
END;

CREATE TRIGGER chrononaut_setting_update AFTER UPDATE ON chrononaut_setting
BEGIN
    UPDATE chrononaut_context SET strict = EXISTS (SELECT 1 FROM chrononaut_setting WHERE name = 'strict' AND value = 'true');
END;

CREATE TRIGGER chrononaut_setting_delete AFTER DELETE ON chrononaut_setting
BEGIN
    UPDATE chrononaut_context SET strict = EXISTS (SELECT 1 FROM chrononaut_setting WHERE name = 'strict' AND value = 'true');
END;
