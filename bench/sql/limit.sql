-- Where the hand-written statements put history: the columns and indexes of
-- ours, with no trigger.
CREATE TABLE history_limit (LIKE chrononaut.chrononaut_activity INCLUDING ALL) WITH (autovacuum_enabled = off);
CREATE SEQUENCE history_limit_id OWNED BY history_limit.id;
ALTER TABLE history_limit ALTER COLUMN id SET DEFAULT nextval('history_limit_id');
ALTER TABLE chrononaut.chrononaut_activity SET (autovacuum_enabled = off);
