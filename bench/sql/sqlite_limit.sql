-- What somebody writes who wants the history of this table and of no other: the version
-- is counted, and who and why come from where ours has them.
ALTER TABLE account_limit ADD COLUMN version INTEGER DEFAULT 0;

CREATE TRIGGER account_limit_update AFTER UPDATE OF id, name, email, balance, visits, active, born, created, tags, settings, body ON account_limit
BEGIN
    INSERT INTO history_limit (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    SELECT 'account_limit', OLD.version + 1, json_object('id', NEW.id),
           json_object('id', NEW.id, 'name', NEW.name, 'email', NEW.email, 'balance', NEW.balance, 'visits', NEW.visits,
                       'active', NEW.active, 'born', NEW.born, 'created', NEW.created, 'tags', NEW.tags,
                       'settings', NEW.settings, 'body', NEW.body, 'version', OLD.version + 1),
           c.user_info, c.extra_info, 'update', c.transaction_id
      FROM chrononaut_context AS c;
    UPDATE account_limit SET version = OLD.version + 1 WHERE id = NEW.id;
END;
