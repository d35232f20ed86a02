// Package chronosql connects Chrononaut and database/sql, and with it sqlx,
// sqlc and most ORMs: the pool that [Open] returns is a plain *sql.DB whose
// transactions and statements carry who changed something and why.
//
//	db, err := chronosql.Open("pgx", databaseURL, nil)
//	ctx = chrononaut.WithActor(ctx, "ann@example.com")
//	tx, err := db.BeginTx(ctx, nil)
//
// The driver is the application's choice. Over pgx's attribution costs no
// round trip: it travels with BEGIN, or with the statement outside a
// transaction. Other drivers for PostgreSQL (lib/pq) take one more round trip
// for a transaction, two for a single statement that has parameters or returns
// rows. On SQLite
// it is a row that is set before the first write of a transaction and cleared
// before its end.
//
// In a transaction the attribution is that of the context it began with;
// [SetContext] changes it. Outside one, a SELECT carries none, so a function
// that writes should be called in a transaction; neither do statements that
// cannot run in a transaction, CALL and DO. Nothing is ever set on the session.
//
// # The past
//
// Under a context of [chrononaut.AsOf] every query reads the past:
//
//	rows, err := db.QueryContext(chrononaut.AsOf(ctx, monday), "SELECT * FROM todos")
//
// A transaction reads at the point of the context that it began with. Over pgx it
// takes as many round trips as in the present, over lib/pq two more. Errors
// of statements in the past are wrapped already; look at Rows.Err and at the
// error of Commit, which tell when the present was read.
//
// Capturing is the work of triggers in the database. Nothing in this package
// writes history.
package chronosql
