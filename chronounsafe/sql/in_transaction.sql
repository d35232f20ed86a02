-- Fails outside a transaction, and does nothing inside one.
SAVEPOINT chrononaut_unsafe; RELEASE SAVEPOINT chrononaut_unsafe
