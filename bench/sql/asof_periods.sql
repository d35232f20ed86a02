-- The same two tables with the extension periods, whose history has an index
-- on the key and the end of each period.
CREATE EXTENSION IF NOT EXISTS periods CASCADE;

CREATE TABLE periods_account (LIKE account_none INCLUDING ALL) WITH (autovacuum_enabled = off);
SELECT periods.add_system_time_period('periods_account');
SELECT periods.add_system_versioning('periods_account');
ALTER TABLE periods_account_history SET (autovacuum_enabled = off);
CREATE INDEX ON periods_account_history (id, system_time_end);

CREATE TABLE periods_purchase (LIKE past_purchase INCLUDING ALL) WITH (autovacuum_enabled = off);
SELECT periods.add_system_time_period('periods_purchase');
SELECT periods.add_system_versioning('periods_purchase');
ALTER TABLE periods_purchase_history SET (autovacuum_enabled = off);
CREATE INDEX ON periods_purchase_history (id, system_time_end);
CREATE INDEX ON periods_purchase_history (account_id, system_time_end);
