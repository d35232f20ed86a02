// Package chronounsafe is the explicit way around history: for one transaction
// it turns capture off, and allows history to be deleted where a law or a
// mistake demands it. Everything else in Chrononaut refuses both.
//
// Nothing here happens in silence. Opening the door writes a change of
// operation [chrononaut.OperationSuppress] into history, in the same
// transaction: who, when, why, and whether history could be erased. That
// record cannot be deleted, not even through the door.
//
// # Suppressing capture
//
//	tx, err := driver.Begin(chrononaut.WithActor(ctx, "ann@example.com"))
//	…
//	door, err := chronounsafe.Suppress(ctx, tx, "reload of the price list, ticket 4711", nil)
//	…          // what tx changes now is not recorded
//	err = door.Resume(ctx)
//	…          // from here on it is
//	err = tx.Commit(ctx)
//
// The door belongs to the transaction, not to the Go value: it is closed by
// [Door.Resume], by the end of the transaction, however that ends, and by a
// rollback to a savepoint set before. So no panic, forgotten call or pooled
// connection can leave it open. Doors nest: Resume of an inner one leaves the
// outer one open. Outside a transaction Suppress is refused.
//
// Suppressed changes do not move the versions of records on, so those that
// history has stay without gaps. A record that is inserted while capture is
// off gets no version; the first change that is captured records its state
// before that change too, as operation baseline.
//
// # Erasing a record completely
//
// Delete the row and then its history, in this order and in one transaction:
// the deletion waits for a concurrent change of the row, whose history is then
// there to be erased.
//
//	door, err := chronounsafe.Suppress(ctx, tx, "erasure request 2024-118", &chronounsafe.Opts{AllowErase: true})
//	_, err = tx.Exec(ctx, "DELETE FROM customers WHERE id = $1", 42)
//	_, err = door.EraseHistory(ctx, chrononaut.Table{Name: "customers"}, chrononaut.Key{"id": 42})
//	err = tx.Commit(ctx)
//
// Nothing of the record remains but the trace that Suppress left; so do not
// write into the reason what is to be forgotten. Rows that the deletion takes
// along by a foreign key have histories of their own. Backups, replicas, the
// write-ahead log and dead rows that VACUUM has not reached yet are beyond any
// SQL statement.
//
// # SQLite
//
// The transaction has to be one of package chronosql, which closes the door at
// its end, and [Opts.Dialect] has to say so:
//
//	door, err := chronounsafe.Suppress(ctx, chronosql.NewTxDriver(tx), "…", &chronounsafe.Opts{Dialect: chronodriver.SQLite})
//
// SQLite has no privileges: whoever can write to the file can open the door,
// and whoever can change its schema can remove the guards; the check command
// finds that out. What is erased is overwritten in the file only with PRAGMA
// secure_delete, or by VACUUM.
//
// # Privileges on PostgreSQL
//
// The owner of the history schema can do all this. Another role needs
//
//	GRANT USAGE ON SCHEMA chrononaut TO role;
//	GRANT EXECUTE ON FUNCTION chrononaut.suppress(text, boolean) TO role;
//
// and, to erase,
//
//	GRANT SELECT ON chrononaut.chrononaut_table TO role;
//	GRANT SELECT, DELETE ON chrononaut.chrononaut_activity TO role;
//
// Capture itself needs none of these privileges, so the role of an application
// usually has no business with them.
package chronounsafe
