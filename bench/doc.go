// Command bench measures what history costs, on PostgreSQL and SQLite:
//
//	go run . [-short] [-run REGEX] [-json FILE] [-markdown] [-plot DIR] [-keep] [-layout LAYOUT] [-past N] [-versions N]
//	go run . -from FILE [-markdown] [-plot DIR]
//	go run . -drop
//
// The server is the one that CHRONONAUT_TEST_DATABASE_URL names; "make bench"
// starts one. Each section of figures gets a database, which is dropped afterwards.
// Only the histories that reading is measured on stay, for the next run.
//
// The figures of capture are added costs: a statement on a tracked table, minus the
// same statement on a table without history. Beside them stand the limit, which is
// the least that SQL can do by hand: one statement that changes the rows and
// writes them with to_jsonb into a table with the columns and the indexes of
// ours; and two peers, the extensions periods and table_log, where the server has
// them. All take turns within one run, and medians are taken, so that other work on
// the machine disturbs all of them alike. A run ends with comparing what history
// recorded with what was done, and ours with the limit's.
//
// The run fails when a figure cannot be measured, never because it is slow.
package main
