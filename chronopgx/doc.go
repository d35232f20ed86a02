// Package chronopgx connects Chrononaut and pgx: what runs through a [DB]
// carries who changed it and why, and [History] reads the past.
//
//	db := chronopgx.New(pool, nil)
//	ctx = chrononaut.WithActor(ctx, "ann@example.com")
//	tx, err := db.Begin(ctx)
//
// A [DB] has the methods of a pgx pool that sqlc's generated code asks for
// (its interface DBTX, with CopyFrom and SendBatch), so it takes the pool's
// place.
//
// Attribution costs no round trip: in a transaction it travels with BEGIN,
// outside one with the statement. Nothing is ever set on the session, so
// connections can be shared and pooled as they were before, also by PgBouncer
// in transaction mode.
//
// # The past
//
// Under a context of [chrononaut.AsOf] every query reads the past, in as many
// round trips as in the present:
//
//	rows, err := db.Query(chrononaut.AsOf(ctx, monday), "select * from todos")
//
// A transaction reads at the point of the context that it began with. Errors of
// statements in the past are wrapped already; look at Rows.Err and at the error
// of Commit, which tell when the present was read.
//
// Capturing is the work of triggers in the database. Nothing in this package
// writes history.
package chronopgx
