// Package chronopgx connects Chrononaut and pgx: what runs through a [DB]
// carries who changed it and why, and [History] reads the past.
//
//	db := chronopgx.New(pool, nil)
//	ctx = chrononaut.WithActor(ctx, "ann@example.com")
//	tx, err := db.Begin(ctx)
//
// A [DB] has the methods of a pgx pool that sqlc's generated code asks for
// (its interface DBTX, with CopyFrom and SendBatch), so it takes the pool's
// place; a transaction that it begins is pgx's own.
//
// Attribution costs no round trip: in a transaction it travels with BEGIN,
// outside one with the statement. Nothing is ever set on the session, so
// connections can be shared and pooled as they were before, also by PgBouncer
// in transaction mode.
//
// Capturing is the work of triggers in the database. Nothing in this package
// writes history.
package chronopgx
