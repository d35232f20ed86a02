-- What somebody writes who wants the history of this table and of no other.
ALTER TABLE account_limit ADD COLUMN version INTEGER DEFAULT 0;

CREATE TRIGGER account_limit_update AFTER UPDATE ON account_limit
BEGIN
    INSERT INTO history_limit (table_name, version, key, data, user_info, extra_info, operation, transaction_id)
    VALUES ('account_limit', NEW.version, json_object('id', NEW.id),
            json_object('id', NEW.id, 'name', NEW.name, 'email', NEW.email, 'balance', NEW.balance, 'visits', NEW.visits,
                        'active', NEW.active, 'born', NEW.born, 'created', NEW.created, 'tags', NEW.tags,
                        'settings', NEW.settings, 'body', NEW.body, 'version', NEW.version),
            '{"user_id":"ann@example.com","remote_addr":null}', '{"rationale":"benchmark"}', 'update', 1);
END;
