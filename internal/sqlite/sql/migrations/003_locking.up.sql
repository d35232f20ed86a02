-- Records and tables that nobody may change, until the hold is released. A row is
-- inserted to place a hold; to release it, rationale is set. The triggers below
-- do the rest, and record both in history.
CREATE TABLE chrononaut_hold (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    table_name     TEXT    NOT NULL,
    record_keys    TEXT,                            -- JSON: an array of keys; NULL for the whole table
    children       TEXT    NOT NULL DEFAULT '[]',   -- JSON: the relations whose rows are held too
    scopes         TEXT    NOT NULL DEFAULT '[]',   -- JSON: what those are, as chrononaut_guard has it
    allow_insert   INTEGER NOT NULL DEFAULT 0,      -- of a whole table: new rows can be written, once
    two_people     INTEGER NOT NULL DEFAULT 0,
    reason         TEXT    NOT NULL,
    -- These are set by the triggers.
    placed         TEXT,
    user_info      TEXT,
    transaction_id INTEGER,
    guards         INTEGER,                         -- how many rows of chrononaut_guard it has
    requested      TEXT,                            -- JSON: {actor, at, rationale} of who has asked for the release, of two
    released       TEXT,                            -- JSON: the same of who has released it
    -- Set by who releases it.
    rationale      TEXT
);

-- The rows that are looked for when a table is written to. columns is a JSON
-- object: its names are those of columns, and the values say how they compare,
-- null for to the letter. match is JSON with the values that a row must have in
-- them. The key of a record; the columns of a child that refer to its parent;
-- none for a whole table.
CREATE TABLE chrononaut_guard (
    table_name TEXT    NOT NULL,
    columns    TEXT    NOT NULL,
    match      TEXT    NOT NULL,
    kind       TEXT    NOT NULL, -- hold, past or lease
    id         INTEGER NOT NULL, -- of the hold or lease
    -- past: of a key that the record had before, only history is held, from a version
    -- on and up to another.
    since      INTEGER NOT NULL DEFAULT 0,
    below      INTEGER,
    PRIMARY KEY (table_name, columns, match, kind, id, since)
) WITHOUT ROWID;
CREATE INDEX chrononaut_guard_id ON chrononaut_guard (kind, id);

-- The tables and columns in chrononaut_guard: what the triggers of a table ask
-- for at each write. It is empty while nothing is held or leased.
CREATE TABLE chrononaut_guarded (
    table_name TEXT NOT NULL,
    columns    TEXT NOT NULL,
    PRIMARY KEY (table_name, columns)
) WITHOUT ROWID;

-- Held and leased rows that a row which is being inserted excludes. If they are gone
-- afterwards, it was put in their place (OR REPLACE). A row that is still there
-- means nothing.
CREATE TABLE chrononaut_held_row (
    table_name TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    kind       TEXT    NOT NULL, -- hold or lease
    id         INTEGER NOT NULL, -- of that
    PRIMARY KEY (table_name, key, kind, id)
) WITHOUT ROWID;

-- What the refusals say, by what is looked for. The registry is not asked: a hold must
-- not depend on what it says.
CREATE VIEW chrononaut_refusal AS
SELECT g.table_name, g.columns, g.match, g.kind, g.id, g.since, g.below, h.allow_insert,
       'TM016: ' || iif(g.columns = '{}', 'table ', 'a record of table ')
       || 'main.' || iif(g.table_name GLOB '[a-z_]*' AND NOT g.table_name GLOB '*[^a-z0-9_]*', g.table_name, '"' || replace(g.table_name, '"', '""') || '"')
       || ' is held by ' || json_quote(coalesce(json_extract(h.user_info, '$.user_id'), ''))
       || ' since ' || substr(h.placed, 1, 23) || '000Z: ' || json_quote(h.reason) || ' (hold ' || h.id || ')' AS message
  FROM chrononaut_guard AS g
  JOIN chrononaut_hold AS h ON h.id = g.id
 WHERE g.kind IN ('hold', 'past');

-- The triggers of tables insert here what is being written, where the table is
-- guarded: the values of the columns in the old row and the new one, as JSON. own
-- says that it is the triggers themselves that write the version into a row. The
-- operation replace says that the old row, whose key is key, may have to go for another.
CREATE VIEW chrononaut_write AS
SELECT '' AS table_name, '' AS operation, 0 AS own, '' AS columns, '' AS old_match, '' AS new_match, '' AS key WHERE 0;

-- The same, with one match, which has its values as chrononaut_guard has them. It is
-- "missing" if the table lacks one of the columns, because that has another name by now.
CREATE VIEW chrononaut_compared_write AS
SELECT '' AS table_name, '' AS operation, 0 AS own, '' AS columns, '' AS match, '' AS key WHERE 0;

CREATE TRIGGER chrononaut_write_compared INSTEAD OF INSERT ON chrononaut_write
BEGIN
    INSERT INTO chrononaut_compared_write (table_name, operation, own, columns, match, key)
    SELECT NEW.table_name, NEW.operation, NEW.own, NEW.columns,
           -- Columns that refer to others compare as these do.
           iif(instr(NEW.columns, ':"') AND w.match <> 'missing',
               (SELECT '{' || group_concat(json_quote(v.name) || ':' || CASE WHEN v.type = 'object' THEN v.value WHEN v.type = 'null' THEN 'null'
                                WHEN typeof(v.v) = 'text' THEN json_quote(CASE WHEN v.how LIKE '% NOCASE' THEN lower(v.v) WHEN v.how LIKE '% RTRIM' THEN rtrim(v.v) ELSE v.v END)
                                WHEN v.v = CAST(v.v AS INTEGER) THEN CAST(v.v AS INTEGER)
                                ELSE json_quote(v.v) END, ',') || '}'
                  FROM (SELECT c.key AS name, c.value AS how, j.type, j.value, j.atom,
                               CASE WHEN c.value LIKE 'text %' THEN CAST(j.atom AS TEXT)
                                    WHEN c.value LIKE 'numeric %' AND j.type = 'text' AND CAST(j.atom AS NUMERIC) = j.atom THEN CAST(j.atom AS NUMERIC)
                                    ELSE j.atom END AS v
                          FROM json_each(NEW.columns) AS c
                          JOIN json_each(w.match) AS j ON j.key = c.key) AS v),
               w.match),
           NEW.key
      FROM (SELECT NEW.old_match AS match UNION ALL SELECT NEW.new_match) AS w
     WHERE w.match IS NOT NULL;
END;

-- SQLite raises an error with a text that is not known before only by way of a
-- function that fails.
CREATE TRIGGER chrononaut_write_held INSTEAD OF INSERT ON chrononaut_compared_write
BEGIN
    SELECT json_extract('{}', r.message)
      FROM chrononaut_refusal AS r
     WHERE r.table_name = NEW.table_name AND r.columns = NEW.columns AND r.kind = 'hold' AND r.match = NEW.match
       AND NEW.operation <> 'replace' AND NOT (r.allow_insert AND (NEW.operation = 'insert' OR NEW.own))
     ORDER BY r.id
     LIMIT 1;
    -- What is held cannot be told then, so that nothing is written.
    SELECT json_extract('{}', r.message)
      FROM chrononaut_refusal AS r
     WHERE NEW.match = 'missing' AND r.table_name = NEW.table_name AND r.columns = NEW.columns AND r.kind = 'hold'
     ORDER BY r.id
     LIMIT 1;
    SELECT json_extract('{}', l.refusal)
      FROM chrononaut_guard AS g
      JOIN chrononaut_lease_state AS l ON l.id = g.id
     WHERE g.table_name = NEW.table_name AND g.columns = NEW.columns AND g.match = NEW.match AND g.kind = 'lease'
       AND NEW.operation NOT IN ('erase', 'lease', 'replace') AND l.runs AND NOT l.claimed
     LIMIT 1;
    INSERT INTO chrononaut_held_row (table_name, key, kind, id)
    SELECT DISTINCT NEW.table_name, NEW.key, g.kind, g.id
      FROM chrononaut_guard AS g
     WHERE NEW.operation = 'replace' AND g.table_name = NEW.table_name AND g.columns = NEW.columns AND g.match = NEW.match AND g.kind IN ('hold', 'lease')
       AND NOT EXISTS (SELECT 1 FROM chrononaut_held_row AS h WHERE h.table_name = NEW.table_name AND h.key = NEW.key AND h.kind = g.kind AND h.id = g.id);
END;

-- ---------------------------------------------------------------- holds --

CREATE TRIGGER chrononaut_hold_check BEFORE INSERT ON chrononaut_hold
BEGIN
    SELECT RAISE(ABORT, 'TM004: holds are released, not replaced')
     WHERE EXISTS (SELECT 1 FROM chrononaut_hold AS h WHERE h.id = NEW.id);
    SELECT RAISE(ABORT, 'TM020: a hold needs a reason')
     WHERE trim(coalesce(NEW.reason, '')) = '';
    SELECT RAISE(ABORT, 'TM020: who holds it and since when is not the application''s to say')
     WHERE coalesce(NEW.placed, NEW.user_info, NEW.transaction_id, NEW.guards, NEW.requested, NEW.released, NEW.rationale) IS NOT NULL;
    SELECT RAISE(ABORT, 'TM020: inserts are allowed only into a table that is held as a whole')
     WHERE NEW.allow_insert AND NEW.record_keys IS NOT NULL;
    SELECT RAISE(ABORT, 'TM020: only tables that are tracked can be held')
     WHERE NOT EXISTS (SELECT 1 FROM chrononaut_table AS t
                        WHERE t.table_name = NEW.table_name AND t.tracked AND NOT coalesce(json_extract(t.options, '$.no_history'), 0));
    SELECT RAISE(ABORT, 'TM020: a table has no triggers for holds: let the library or the command place its first hold')
     WHERE EXISTS (SELECT NEW.table_name AS name
                    UNION
                   SELECT s.value ->> '$.table_name' FROM json_each(NEW.scopes) AS s
                   EXCEPT
                   SELECT t.table_name
                     FROM chrononaut_table AS t
                     JOIN sqlite_schema AS s ON s.type = 'trigger' AND s.tbl_name = t.table_name COLLATE NOCASE AND s.name GLOB 'chrononaut_*_guard_update*'
                    WHERE t.tracked AND NOT coalesce(json_extract(t.options, '$.no_history'), 0));
    SELECT RAISE(ABORT, 'TM020: a key does not have the columns of the table''s')
     WHERE NOT CASE WHEN NEW.record_keys IS NULL THEN 1
                    WHEN NOT json_valid(NEW.record_keys) THEN 0
                    ELSE json_type(NEW.record_keys) = 'array' AND json_array_length(NEW.record_keys) > 0
                     AND NOT EXISTS (SELECT 1 FROM json_each(NEW.record_keys) AS k, chrononaut_table AS t
                                      WHERE t.table_name = NEW.table_name
                                        AND (k.type <> 'object'
                                             OR (SELECT count(*) FROM json_each(k.value)) <> json_array_length(t.key_columns)
                                             OR EXISTS (SELECT 1 FROM json_each(k.value) AS f
                                                         WHERE f.key NOT IN (SELECT c.value FROM json_each(t.key_columns) AS c))))
               END;
END;

CREATE TRIGGER chrononaut_hold_place AFTER INSERT ON chrononaut_hold
BEGIN
    INSERT INTO chrononaut_guard (table_name, columns, match, kind, id)
    SELECT NEW.table_name, '{}', '{}', 'hold', NEW.id
     WHERE NEW.record_keys IS NULL;
    -- The keys as history has them: the columns in the order of their names.
    INSERT INTO chrononaut_guard (table_name, columns, match, kind, id)
    SELECT DISTINCT NEW.table_name, '{' || k.columns || '}', '{' || k.match || '}', 'hold', NEW.id
      FROM (SELECT (SELECT group_concat(json_quote(f.key) || ':null', ',') FROM (SELECT f.key FROM json_each(k.value) AS f ORDER BY f.key) AS f) AS columns,
                   (SELECT group_concat(json_quote(f.key) || ':' || f.value, ',')
                      FROM (SELECT f.key, CASE f.type WHEN 'object' THEN f.value WHEN 'real' THEN coalesce(k.value -> f.fullkey, json_quote(f.value)) ELSE json_quote(f.atom) END AS value
                              FROM json_each(k.value) AS f ORDER BY f.key) AS f) AS match
              FROM json_each(NEW.record_keys) AS k) AS k;
    INSERT INTO chrononaut_guard (table_name, columns, match, kind, id)
    SELECT DISTINCT s.table_name, s.columns,
           iif(instr(s.columns, ':"'),
               (SELECT '{' || group_concat(json_quote(v.name) || ':' || CASE WHEN v.type = 'object' THEN v.value WHEN v.type = 'null' THEN 'null'
                                WHEN typeof(v.v) = 'text' THEN json_quote(CASE WHEN v.how LIKE '% NOCASE' THEN lower(v.v) WHEN v.how LIKE '% RTRIM' THEN rtrim(v.v) ELSE v.v END)
                                WHEN v.v = CAST(v.v AS INTEGER) THEN CAST(v.v AS INTEGER)
                                ELSE json_quote(v.v) END, ',') || '}'
                  FROM (SELECT c.key AS name, c.value AS how, j.type, j.value, j.atom,
                               CASE WHEN c.value LIKE 'text %' THEN CAST(j.atom AS TEXT)
                                               WHEN c.value LIKE 'numeric %' AND j.type = 'text' AND CAST(j.atom AS NUMERIC) = j.atom THEN CAST(j.atom AS NUMERIC)
                                               ELSE j.atom END AS v
                          FROM json_each(s.columns) AS c
                          JOIN json_each(s.match) AS j ON j.key = c.key) AS v),
               s.match),
           'hold', NEW.id
      FROM (SELECT s.value ->> '$.table_name' AS table_name, s.value ->> '$.columns' AS columns, s.value ->> '$.match' AS match
              FROM json_each(NEW.scopes) AS s) AS s;
    -- What history has of the records under keys that they had before. The versions of
    -- a key only grow, so that the changes that gave a key to a record, and those that
    -- took it away, cut its history into pieces.
    INSERT INTO chrononaut_guard (table_name, columns, match, kind, id, since, below)
    SELECT l.table_name, l.columns, l.key, 'past', NEW.id, coalesce(l.since, 0), l.below
      FROM (WITH RECURSIVE life (table_name, columns, key, since, below) AS (
                SELECT g.table_name, g.columns, g.match,
                       (SELECT max(s.version)
                          FROM (SELECT max(b.version) AS version FROM chrononaut_activity AS b
                                 WHERE b.table_name = g.table_name AND b.key = g.match AND b.previous_key IS NOT NULL
                                UNION ALL
                                SELECT max(b.version) FROM chrononaut_activity AS b
                                 WHERE b.table_name = g.table_name AND b.previous_key = g.match AND b.previous_key IS NOT NULL) AS s),
                       NULL
                  FROM chrononaut_guard AS g
                 WHERE g.kind = 'hold' AND g.id = NEW.id AND g.columns <> '{}'
                UNION ALL
                SELECT l.table_name, l.columns, a.previous_key,
                       (SELECT max(s.version)
                          FROM (SELECT max(b.version) AS version FROM chrononaut_activity AS b
                                 WHERE b.table_name = l.table_name AND b.key = a.previous_key AND b.previous_key IS NOT NULL AND b.version < l.since
                                UNION ALL
                                SELECT max(b.version) FROM chrononaut_activity AS b
                                 WHERE b.table_name = l.table_name AND b.previous_key = a.previous_key AND b.previous_key IS NOT NULL AND b.version < l.since) AS s),
                       l.since
                  FROM life AS l
                  JOIN chrononaut_activity AS a
                    ON a.table_name = l.table_name AND a.key = l.key AND a.version = l.since AND a.previous_key IS NOT NULL)
            SELECT DISTINCT table_name, columns, key, since, below FROM life WHERE below IS NOT NULL) AS l;
    INSERT INTO chrononaut_activity (table_name, version, operation, transaction_id, user_info, extra_info, data)
    SELECT NEW.table_name, 0, 'hold', c.transaction_id, c.user_info, json_set(c.extra_info, '$.rationale', NEW.reason),
           json_object('hold', NEW.id, 'keys', json(NEW.record_keys), 'reason', NEW.reason, 'children', json(NEW.children),
                       'allow_insert', json(iif(NEW.allow_insert, 'true', 'false')), 'two_people', json(iif(NEW.two_people, 'true', 'false')))
      FROM chrononaut_context AS c;
    -- With that it is placed.
    UPDATE chrononaut_hold
       SET placed = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), user_info = (SELECT c.user_info FROM chrononaut_context AS c),
           transaction_id = (SELECT c.transaction_id FROM chrononaut_context AS c),
           guards = (SELECT count(*) FROM chrononaut_guard AS g WHERE g.kind IN ('hold', 'past') AND g.id = NEW.id)
     WHERE id = NEW.id;
END;

CREATE TRIGGER chrononaut_hold_no_update BEFORE UPDATE ON chrononaut_hold
WHEN OLD.placed IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'TM004: of a hold only the rationale of its release can be written')
     WHERE NEW.id IS NOT OLD.id OR NEW.table_name IS NOT OLD.table_name OR NEW.record_keys IS NOT OLD.record_keys
        OR NEW.children IS NOT OLD.children OR NEW.scopes IS NOT OLD.scopes OR NEW.allow_insert IS NOT OLD.allow_insert
        OR NEW.two_people IS NOT OLD.two_people OR NEW.reason IS NOT OLD.reason OR NEW.placed IS NOT OLD.placed
        OR NEW.user_info IS NOT OLD.user_info OR NEW.transaction_id IS NOT OLD.transaction_id OR NEW.guards IS NOT OLD.guards
        -- What is in history before is what the triggers write.
        OR (NEW.requested IS NOT OLD.requested OR NEW.released IS NOT OLD.released)
           AND (NEW.requested IS NULL AND OLD.requested IS NOT NULL
                OR NOT EXISTS (SELECT 1 FROM chrononaut_activity AS a
                                WHERE a.id = (SELECT max(b.id) FROM chrononaut_activity AS b)
                                  AND a.operation = iif(NEW.released IS NULL, 'release_request', 'release') AND json_extract(a.data, '$.hold') = OLD.id
                                  AND json_extract(a.extra_info, '$.rationale') IS OLD.rationale
                                  AND json_extract(a.user_info, '$.user_id') IS json_extract(coalesce(NEW.released, NEW.requested), '$.actor'))
                -- Of two people the second is another one.
                OR OLD.two_people AND NEW.released IS NOT NULL
                   AND coalesce(json_extract(OLD.requested, '$.actor') = json_extract(NEW.released, '$.actor'), 1));
END;

CREATE TRIGGER chrononaut_hold_no_delete BEFORE DELETE ON chrononaut_hold
BEGIN
    SELECT RAISE(ABORT, 'TM004: holds are released, not deleted');
END;

CREATE TRIGGER chrononaut_hold_release BEFORE UPDATE OF rationale ON chrononaut_hold
BEGIN
    SELECT RAISE(ABORT, 'TM020: the hold was released already')
     WHERE OLD.released IS NOT NULL;
    SELECT RAISE(ABORT, 'TM020: a release needs a rationale')
     WHERE trim(coalesce(NEW.rationale, '')) = '';
    SELECT RAISE(ABORT, 'TM020: two people release this hold: it must be known who they are')
     WHERE OLD.two_people AND coalesce((SELECT json_extract(c.user_info, '$.user_id') FROM chrononaut_context AS c), '') = '';
    SELECT RAISE(ABORT, 'TM020: somebody else has to release this hold: you have asked for it')
     WHERE OLD.two_people AND json_extract(OLD.requested, '$.actor') = (SELECT json_extract(c.user_info, '$.user_id') FROM chrononaut_context AS c);
END;

CREATE TRIGGER chrononaut_hold_released AFTER UPDATE OF rationale ON chrononaut_hold
BEGIN
    INSERT INTO chrononaut_activity (table_name, version, operation, transaction_id, user_info, extra_info, data)
    SELECT NEW.table_name, 0, iif(NEW.two_people AND OLD.requested IS NULL, 'release_request', 'release'), c.transaction_id, c.user_info, json_set(c.extra_info, '$.rationale', NEW.rationale),
           json_object('hold', NEW.id, 'keys', json(NEW.record_keys), 'children', json(NEW.children), 'reason', NEW.reason)
      FROM chrononaut_context AS c;
    UPDATE chrononaut_hold
       SET requested = iif(NEW.two_people AND OLD.requested IS NULL, a.approval, OLD.requested),
           released = iif(NEW.two_people AND OLD.requested IS NULL, NULL, a.approval)
      FROM (SELECT json_object('actor', json_extract(c.user_info, '$.user_id'), 'at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'rationale', NEW.rationale) AS approval
              FROM chrononaut_context AS c) AS a
     WHERE chrononaut_hold.id = NEW.id;
    DELETE FROM chrononaut_guard
     WHERE kind IN ('hold', 'past') AND id = NEW.id
       AND EXISTS (SELECT 1 FROM chrononaut_hold AS h WHERE h.id = NEW.id AND h.released IS NOT NULL);
END;

-- --------------------------------------------------------------- leases --

-- For a while, a record is somebody's to edit. The next lease of a record takes the
-- place of its last one. Written by way of chrononaut_lease_call.
CREATE TABLE chrononaut_lease (
    id             INTEGER PRIMARY KEY AUTOINCREMENT, -- grows from one lease of a record to the next
    table_name     TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    token          TEXT    NOT NULL, -- what its holder knows
    version        INTEGER NOT NULL, -- of the record when it was leased
    enforced       INTEGER NOT NULL DEFAULT 0,
    seconds        REAL    NOT NULL,
    granted        TEXT    NOT NULL,
    renewed        TEXT    NOT NULL,
    expires        TEXT    NOT NULL,
    not_before     TEXT    NOT NULL, -- it has ended when the clock was set back behind this
    released       TEXT,
    user_info      TEXT    NOT NULL,
    rationale      TEXT,
    former         INTEGER,          -- the lease of the record before this one
    taken_over     INTEGER NOT NULL DEFAULT 0,
    proof          TEXT              -- the token, while a trigger writes
);
CREATE INDEX chrononaut_lease_record ON chrononaut_lease (table_name, key);
CREATE INDEX chrononaut_lease_former ON chrononaut_lease (former) WHERE former IS NOT NULL;

-- What is to be said of leases. claimed: those who write now are its holder.
CREATE VIEW chrononaut_lease_state AS
SELECT l.*,
       l.released IS NULL AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now') >= l.not_before AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now') < l.expires AS runs,
       EXISTS (SELECT 1 FROM chrononaut_context AS c, json_each(c.context, '$.leases') AS x WHERE instr(c.context, '"leases"') AND x.value ->> '$.id' = l.id AND x.value ->> '$.token' = l.token) AS claimed,
       json_quote(coalesce(json_extract(l.user_info, '$.user_id'), '')) AS holder,
       'TM018: a record of table ' || 'main.' || iif(l.table_name GLOB '[a-z_]*' AND NOT l.table_name GLOB '*[^a-z0-9_]*', l.table_name, '"' || replace(l.table_name, '"', '""') || '"')
       || ' is leased to ' || json_quote(coalesce(json_extract(l.user_info, '$.user_id'), ''))
       || ' until ' || substr(l.expires, 1, 23) || '000Z' || iif(l.rationale IS NULL, '', ': ' || json_quote(l.rationale)) || ' (lease ' || l.id || ')' AS refusal
  FROM chrononaut_lease AS l;

-- What can be done with leases: take (table_name, key, token, version, seconds,
-- enforced, take_over, rationale), renew (id, token, seconds), release (id, token).
-- follow is of the triggers. INSERT here is a call.
CREATE VIEW chrononaut_lease_call AS
SELECT '' AS operation, 0 AS id, '' AS token, '' AS table_name, '' AS key, '' AS former_key, 0 AS version, 0.0 AS seconds,
       0 AS enforced, 0 AS take_over, '' AS rationale WHERE 0;

CREATE TRIGGER chrononaut_lease_check INSTEAD OF INSERT ON chrononaut_lease_call
WHEN NEW.operation <> 'follow'
BEGIN
    SELECT RAISE(ABORT, 'TM020: leases are taken, renewed and released')
     WHERE NEW.operation NOT IN ('take', 'renew', 'release');
    SELECT RAISE(ABORT, 'TM020: a lease lasts between one millisecond and 24 hours')
     WHERE NEW.operation <> 'release' AND NOT coalesce(NEW.seconds BETWEEN 0.001 AND 86400, 0);
    SELECT RAISE(ABORT, 'TM020: a lease needs a table that is tracked, a key, a version and a token')
     WHERE NEW.operation = 'take'
       AND (coalesce(NEW.token, '') = '' OR NEW.version IS NULL OR NEW.key IS NULL
            OR NOT EXISTS (SELECT 1 FROM chrononaut_table AS t
                            WHERE t.table_name = NEW.table_name AND t.tracked AND NOT coalesce(json_extract(t.options, '$.no_history'), 0)));
    SELECT RAISE(ABORT, 'TM020: taking over a lease needs a rationale')
     WHERE NEW.operation = 'take' AND NEW.take_over
       AND trim(coalesce(NEW.rationale, (SELECT json_extract(c.extra_info, '$.rationale') FROM chrononaut_context AS c), '')) = '';
    SELECT json_extract('{}', l.refusal)
      FROM chrononaut_lease_state AS l
     WHERE NEW.operation = 'take' AND NOT coalesce(NEW.take_over, 0) AND l.table_name = NEW.table_name AND l.key = NEW.key AND l.runs;
    INSERT INTO chrononaut_lease_fence (id, token)
    SELECT NEW.id, NEW.token
     WHERE NEW.operation IN ('renew', 'release');
    INSERT INTO chrononaut_lease (table_name, key, token, version, enforced, seconds, granted, renewed, expires, not_before, user_info, rationale, former, taken_over)
    SELECT NEW.table_name, NEW.key, NEW.token, NEW.version, coalesce(NEW.enforced, 0), NEW.seconds, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
           strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('+%.3f seconds', NEW.seconds)), strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('-%.3f seconds', NEW.seconds)),
           c.user_info, nullif(trim(coalesce(NEW.rationale, json_extract(c.extra_info, '$.rationale'))), ''), l.id, coalesce(l.runs, 0)
      FROM chrononaut_context AS c
      LEFT JOIN chrononaut_lease_state AS l ON l.table_name = NEW.table_name AND l.key = NEW.key
     WHERE NEW.operation = 'take'
     ORDER BY l.id DESC LIMIT 1;
    UPDATE chrononaut_lease
       SET proof = NEW.token, seconds = NEW.seconds, renewed = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
           expires = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('+%.3f seconds', NEW.seconds)),
           not_before = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('-%.3f seconds', NEW.seconds))
     WHERE id = NEW.id AND NEW.operation = 'renew';
    UPDATE chrononaut_lease
       SET proof = NEW.token, released = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
     WHERE id = NEW.id AND NEW.operation = 'release';
END;

-- The record has another key. Where that has a lease of its own, of a record that
-- was deleted, that stays.
CREATE TRIGGER chrononaut_lease_follow INSTEAD OF INSERT ON chrononaut_lease_call
WHEN NEW.operation = 'follow'
BEGIN
    UPDATE chrononaut_lease
       SET proof = token, key = NEW.key
     WHERE table_name = NEW.table_name AND key = NEW.former_key
       AND EXISTS (SELECT 1 FROM chrononaut_lease_state AS l WHERE l.id = chrononaut_lease.id AND l.runs)
       AND NOT EXISTS (SELECT 1 FROM chrononaut_lease_state AS l WHERE l.table_name = NEW.table_name AND l.key = NEW.key AND l.runs);
END;

-- INSERT here raises an error when the lease does not run. A transaction under leases
-- begins with that; nobody can get the records before its end, because there is one
-- writer at a time.
CREATE VIEW chrononaut_lease_fence AS SELECT 0 AS id, '' AS token WHERE 0;

CREATE TRIGGER chrononaut_lease_lost INSTEAD OF INSERT ON chrononaut_lease_fence
WHEN NOT EXISTS (SELECT 1 FROM chrononaut_lease_state AS l WHERE l.id = NEW.id AND l.token = NEW.token AND l.runs)
BEGIN
    SELECT json_extract('{}', 'TM019: lease ' || coalesce(CAST(NEW.id AS INTEGER), 0) || ' has ended: ' || coalesce(
               (SELECT coalesce('it was released at ' || substr(l.released, 1, 23), 'it expired at ' || substr(l.expires, 1, 23)) || '000Z'
                  FROM chrononaut_lease AS l WHERE l.id = NEW.id AND l.token = NEW.token),
               (SELECT iif(l.taken_over, 'it was taken over by ', 'the record was leased to ') || l.holder || ' at ' || substr(l.granted, 1, 23) || '000Z'
                       || iif(l.taken_over, iif(l.rationale IS NULL, '', ': ' || json_quote(l.rationale)), '')
                  FROM chrononaut_lease_state AS l WHERE l.former = NEW.id),
               'no lease has this number and token'));
END;

CREATE TRIGGER chrononaut_lease_granted AFTER INSERT ON chrononaut_lease
BEGIN
    INSERT INTO chrononaut_activity (table_name, version, operation, transaction_id, user_info, extra_info, data)
    SELECT NEW.table_name, 0, iif(NEW.taken_over, 'lease_takeover', 'lease'), c.transaction_id, c.user_info,
           iif(NEW.rationale IS NULL, c.extra_info, json_set(c.extra_info, '$.rationale', NEW.rationale)),
           json_patch(json_object('lease', NEW.id, 'key', json(NEW.key), 'version', NEW.version, 'enforced', json(iif(NEW.enforced, 'true', 'false')),
                                  'granted', substr(NEW.granted, 1, 23) || '000Z', 'expires', substr(NEW.expires, 1, 23) || '000Z'),
                      coalesce((SELECT iif(NEW.taken_over, json_object('former', l.id, 'former_holder', json_extract(l.user_info, '$.user_id'),
                                                                       'former_expires', substr(l.expires, 1, 23) || '000Z'),
                                           json_object('former', l.id))
                                  FROM chrononaut_lease AS l WHERE l.id = NEW.former), '{}'))
      FROM chrononaut_context AS c;
    DELETE FROM chrononaut_lease WHERE table_name = NEW.table_name AND key = NEW.key AND id < NEW.id;
    -- Some of those that ended long ago.
    DELETE FROM chrononaut_lease
     WHERE id IN (SELECT l.id FROM chrononaut_lease AS l ORDER BY l.id LIMIT 10)
       AND expires < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day');
    INSERT INTO chrononaut_guard (table_name, columns, match, kind, id)
    SELECT NEW.table_name, (SELECT '{' || group_concat(json_quote(f.key) || ':null', ',') || '}' FROM json_each(NEW.key) AS f), NEW.key, 'lease', NEW.id
     WHERE NEW.enforced;
END;

CREATE TRIGGER chrononaut_lease_gone AFTER DELETE ON chrononaut_lease
BEGIN
    DELETE FROM chrononaut_guard WHERE kind = 'lease' AND id = OLD.id;
END;

CREATE TRIGGER chrononaut_lease_moved AFTER UPDATE OF key ON chrononaut_lease
BEGIN
    DELETE FROM chrononaut_lease WHERE table_name = NEW.table_name AND key = NEW.key AND id <> NEW.id;
    DELETE FROM chrononaut_guard WHERE kind = 'lease' AND id = NEW.id;
    INSERT INTO chrononaut_guard (table_name, columns, match, kind, id)
    SELECT NEW.table_name, (SELECT '{' || group_concat(json_quote(f.key) || ':null', ',') || '}' FROM json_each(NEW.key) AS f), NEW.key, 'lease', NEW.id
     WHERE NEW.enforced;
END;

CREATE TRIGGER chrononaut_lease_released AFTER UPDATE OF released ON chrononaut_lease
BEGIN
    DELETE FROM chrononaut_guard WHERE kind = 'lease' AND id = NEW.id;
    INSERT INTO chrononaut_activity (table_name, version, operation, transaction_id, user_info, extra_info, data)
    SELECT NEW.table_name, 0, 'lease_release', c.transaction_id, c.user_info, c.extra_info,
           json_object('lease', NEW.id, 'key', json(NEW.key), 'version', NEW.version, 'enforced', json(iif(NEW.enforced, 'true', 'false')),
                       'granted', substr(NEW.granted, 1, 23) || '000Z', 'expires', substr(NEW.expires, 1, 23) || '000Z')
      FROM chrononaut_context AS c;
END;

-- Nobody else ends a lease that runs.
CREATE TRIGGER chrononaut_lease_no_update BEFORE UPDATE ON chrononaut_lease
WHEN NEW.proof IS NOT OLD.token AND (NEW.proof IS NOT NULL OR OLD.proof IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'TM004: leases are written by way of chrononaut_lease_call');
END;

CREATE TRIGGER chrononaut_lease_proved AFTER UPDATE OF proof ON chrononaut_lease
WHEN NEW.proof IS NOT NULL
BEGIN
    UPDATE chrononaut_lease SET proof = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER chrononaut_lease_no_delete BEFORE DELETE ON chrononaut_lease
WHEN OLD.released IS NULL AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now') BETWEEN OLD.not_before AND OLD.expires
 AND NOT EXISTS (SELECT 1 FROM chrononaut_lease AS l WHERE l.table_name = OLD.table_name AND l.key = OLD.key AND l.id > OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'TM004: leases are written by way of chrononaut_lease_call');
END;

CREATE TRIGGER chrononaut_lease_no_replace BEFORE INSERT ON chrononaut_lease
WHEN EXISTS (SELECT 1 FROM chrononaut_lease AS l WHERE l.id = NEW.id)
  OR EXISTS (SELECT 1 FROM chrononaut_lease_state AS l WHERE l.table_name = NEW.table_name AND l.key = NEW.key AND l.runs AND NOT NEW.taken_over)
BEGIN
    SELECT RAISE(ABORT, 'TM004: leases are written by way of chrononaut_lease_call');
END;

-- --------------------------------------------------------------- guards --

CREATE TRIGGER chrononaut_guard_no_insert BEFORE INSERT ON chrononaut_guard
WHEN NOT iif(NEW.kind = 'lease',
             EXISTS (SELECT 1 FROM chrononaut_lease AS l WHERE l.id = NEW.id AND l.table_name = NEW.table_name AND l.key = NEW.match AND l.enforced),
             EXISTS (SELECT 1 FROM chrononaut_hold AS h WHERE h.id = NEW.id AND h.placed IS NULL))
BEGIN
    SELECT RAISE(ABORT, 'TM004: what is held and leased is written by way of chrononaut_hold and chrononaut_lease_call');
END;

CREATE TRIGGER chrononaut_guard_no_update BEFORE UPDATE ON chrononaut_guard
BEGIN
    SELECT RAISE(ABORT, 'TM004: what is held and leased is written by way of chrononaut_hold and chrononaut_lease_call');
END;

CREATE TRIGGER chrononaut_guard_no_delete BEFORE DELETE ON chrononaut_guard
WHEN iif(OLD.kind = 'lease',
         EXISTS (SELECT 1 FROM chrononaut_lease AS l
                  WHERE l.id = OLD.id AND l.table_name = OLD.table_name AND l.key = OLD.match AND l.enforced
                    AND l.released IS NULL AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now') BETWEEN l.not_before AND l.expires),
         EXISTS (SELECT 1 FROM chrononaut_hold AS h WHERE h.id = OLD.id AND h.released IS NULL))
BEGIN
    SELECT RAISE(ABORT, 'TM004: what is held and leased is written by way of chrononaut_hold and chrononaut_lease_call');
END;

CREATE TRIGGER chrononaut_guard_added AFTER INSERT ON chrononaut_guard
BEGIN
    INSERT INTO chrononaut_guarded (table_name, columns)
    SELECT NEW.table_name, NEW.columns
     WHERE NOT EXISTS (SELECT 1 FROM chrononaut_guarded AS g WHERE g.table_name = NEW.table_name AND g.columns = NEW.columns);
END;

CREATE TRIGGER chrononaut_guard_gone AFTER DELETE ON chrononaut_guard
BEGIN
    DELETE FROM chrononaut_guarded
     WHERE table_name = OLD.table_name AND columns = OLD.columns
       AND NOT EXISTS (SELECT 1 FROM chrononaut_guard AS g WHERE g.table_name = OLD.table_name AND g.columns = OLD.columns);
END;

CREATE TRIGGER chrononaut_guarded_no_update BEFORE UPDATE ON chrononaut_guarded
BEGIN
    SELECT RAISE(ABORT, 'TM004: what is held and leased is written by way of chrononaut_hold and chrononaut_lease_call');
END;

CREATE TRIGGER chrononaut_guarded_no_delete BEFORE DELETE ON chrononaut_guarded
WHEN EXISTS (SELECT 1 FROM chrononaut_guard AS g WHERE g.table_name = OLD.table_name AND g.columns = OLD.columns)
BEGIN
    SELECT RAISE(ABORT, 'TM004: what is held and leased is written by way of chrononaut_hold and chrononaut_lease_call');
END;

-- -------------------------------------------------------------- history --

-- What says that records were held and released stays, and so does the history of
-- held records, also through the unsafe door.
CREATE TRIGGER chrononaut_activity_held BEFORE DELETE ON chrononaut_activity
WHEN OLD.operation IN ('hold', 'release_request', 'release') OR EXISTS (SELECT 1 FROM chrononaut_guarded AS g WHERE g.table_name = OLD.table_name)
BEGIN
    SELECT RAISE(ABORT, 'TM004: history is append-only')
     WHERE OLD.operation IN ('hold', 'release_request', 'release');
    SELECT json_extract('{}', r.message)
      FROM chrononaut_refusal AS r
     WHERE r.table_name = OLD.table_name AND (r.columns = '{}' OR r.match = OLD.key)
       AND (r.kind = 'hold' OR OLD.version >= r.since AND OLD.version < r.below)
     ORDER BY r.id
     LIMIT 1;
    INSERT INTO chrononaut_write (table_name, operation, own, columns, old_match)
    SELECT OLD.table_name, 'erase', 0, g.columns,
           (SELECT '{' || group_concat(json_quote(c.key) || ':' || iif(j.type = 'object', j.value, json_quote(j.atom)), ',') || '}'
              FROM json_each(g.columns) AS c
              JOIN json_each(OLD.data) AS j ON j.key = c.key)
      FROM chrononaut_guarded AS g
     WHERE g.table_name = OLD.table_name AND instr(g.columns, ':"');
END;

-- A table with holds stays tracked. Its row of the registry is not replaced by another
-- one either, also by its rowid.
CREATE TRIGGER chrononaut_table_held BEFORE UPDATE ON chrononaut_table
WHEN OLD.tracked AND (NOT NEW.tracked OR coalesce(json_extract(NEW.options, '$.no_history'), 0))
  OR NEW.table_name IS NOT OLD.table_name OR NEW.table_schema IS NOT OLD.table_schema OR NEW.rowid IS NOT OLD.rowid
BEGIN
    SELECT json_extract('{}', r.message)
      FROM chrononaut_refusal AS r
     WHERE r.kind = 'hold'
       AND (r.table_name IN (OLD.table_name, NEW.table_name)
            OR NEW.rowid IS NOT OLD.rowid AND r.table_name IN (SELECT t.table_name FROM chrononaut_table AS t WHERE t.rowid = NEW.rowid))
     ORDER BY r.id
     LIMIT 1;
END;

CREATE TRIGGER chrononaut_table_held_replace BEFORE INSERT ON chrononaut_table
WHEN EXISTS (SELECT 1 FROM chrononaut_table AS t WHERE t.rowid = NEW.rowid)
  OR NOT NEW.tracked OR coalesce(json_extract(NEW.options, '$.no_history'), 0)
BEGIN
    SELECT json_extract('{}', r.message)
      FROM chrononaut_refusal AS r
     WHERE r.kind = 'hold'
       AND r.table_name IN (SELECT t.table_name FROM chrononaut_table AS t
                             WHERE t.rowid = NEW.rowid OR t.table_schema = NEW.table_schema AND t.table_name = NEW.table_name)
     ORDER BY r.id
     LIMIT 1;
END;

CREATE TRIGGER chrononaut_table_held_delete BEFORE DELETE ON chrononaut_table
BEGIN
    SELECT json_extract('{}', r.message) FROM chrononaut_refusal AS r WHERE r.table_name = OLD.table_name AND r.kind = 'hold' ORDER BY r.id LIMIT 1;
END;
