// Command bench measures what history costs, on PostgreSQL:
//
//	go run . [-short] [-json FILE] [-keep] [-run REGEX]
//
// The server is the one that CHRONONAUT_TEST_DATABASE_URL names; "make bench"
// starts one. A database is created on it for the run and dropped afterwards.
//
// Every figure is an added cost: a statement on a tracked table, minus the same
// statement on a table without history. Beside it stands the limit, which is
// the least that SQL can do by hand: one statement that changes the rows and
// writes them with to_jsonb into a table with the columns and the indexes of
// ours. The three take turns within one run, and medians are taken, so that
// other work on the machine disturbs all of them alike.
//
// The run fails when a figure cannot be measured, never because it is slow.
package main
