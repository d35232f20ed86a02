-- The tables whose past is read. Each account has one purchase. Autovacuum
-- stays out of the figures: loading ends with VACUUM ANALYZE.
CREATE TABLE past_account (LIKE account_none INCLUDING ALL) WITH (autovacuum_enabled = off);
CREATE TABLE past_purchase (
    id         bigint         PRIMARY KEY,
    account_id bigint         NOT NULL REFERENCES past_account,
    item       text           NOT NULL,
    amount     numeric(10, 2) NOT NULL,
    paid       boolean        NOT NULL,
    bought     timestamptz    NOT NULL
) WITH (autovacuum_enabled = off);
CREATE INDEX past_purchase_account ON past_purchase (account_id);

-- Two small tables with the same rows. Every tenth record has as many versions
-- in both; the others have ten times as many in the second.
CREATE TABLE past_short (id bigint PRIMARY KEY, name text NOT NULL, changes integer NOT NULL) WITH (autovacuum_enabled = off);
CREATE TABLE past_long (LIKE past_short INCLUDING ALL) WITH (autovacuum_enabled = off);
