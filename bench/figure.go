package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// kind says what one measurement of a figure does.
type kind int

const (
	bulk  kind = iota // one statement that changes the $2 rows from id $1 on
	one               // many statements, each a transaction that changes the row with the id $1
	extra             // as bulk, of rows that were never there before
	gone              // as bulk, of the rows that the needed figure made
	copied
)

// figure is one kind of change.
type figure struct {
	name  string
	shape *shape
	kind  kind
	short bool // measured in -short, too
	// needs is the figure that is measured before in each round, for its rows.
	needs string
	// rows that one measurement changes; 0 is all of the shape.
	rows int
	// operation is what history calls the change; empty if it records none.
	operation string
	// statement changes TABLE, in all ways but the limit's.
	statement string
	// limit is the limit's, if it is not the statement and the writing of what it returns.
	limit string
}

const (
	insertRows = `INSERT INTO TABLE SELECT * FROM ROWS($1, $2)`
	updateOne  = `UPDATE TABLE AS t SET CHANGE WHERE t.id = $1`
	updateBulk = `UPDATE TABLE AS t SET CHANGE WHERE t.id >= $1 AND t.id < $1 + $2`
	deleteBulk = `DELETE FROM TABLE WHERE id >= $1 AND id < $1 + $2`
	// An update that changes nothing. By hand, each row is compared with what it was.
	updateNothing = `UPDATE TABLE AS t SET balance = t.balance WHERE t.id >= $1 AND t.id < $1 + $2`
	compareByHand = `WITH changed AS (
		UPDATE TABLE AS t SET balance = t.balance FROM TABLE AS o WHERE o.id = t.id AND t.id >= $1 AND t.id < $1 + $2 RETURNING t.*, o *<> t AS differs)`
	// By hand, history is written when the rows are there.
	copyRows   = `COPY TABLE (COLUMNS) FROM STDIN`
	readCopied = `WITH changed AS (SELECT * FROM TABLE WHERE id >= $1 AND id < $1 + $2)`
)

// few is how many rows the bulk changes of accounts change that are not update_bulk.
const few = 10_000

var captureFigures = []*figure{
	{name: "update_one", shape: &account, kind: one, short: true, operation: "update", statement: updateOne},
	{name: "update_bulk", shape: &account, kind: bulk, short: true, operation: "update", statement: updateBulk},
	{name: "insert_bulk", shape: &ledger, kind: extra, rows: few, operation: "insert", statement: insertRows},
	{name: "copy", shape: &ledger, kind: copied, rows: few, operation: "insert", statement: copyRows, limit: readCopied},
	{name: "insert_after_delete", shape: &account, kind: extra, rows: few, operation: "insert", statement: insertRows},
	{name: "delete_bulk", shape: &account, kind: gone, needs: "insert_after_delete", rows: few, operation: "delete", statement: deleteBulk},
	{name: "noop_update", shape: &account, kind: bulk, rows: few, statement: updateNothing, limit: compareByHand},
	{name: "held_one", shape: &held, kind: one, operation: "update", statement: updateOne},
	{name: "held", shape: &held, kind: bulk, operation: "update", statement: updateBulk},
	{name: "strict_one", shape: &strict, kind: one, operation: "update", statement: updateOne},
	{name: "strict", shape: &strict, kind: bulk, operation: "update", statement: updateBulk},
	{name: "hidden_one", shape: &hidden, kind: one, operation: "update", statement: updateOne},
	{name: "hidden", shape: &hidden, kind: bulk, operation: "update", statement: updateBulk},
	{name: "wide_one", shape: &wide, kind: one, operation: "update", statement: updateOne},
	{name: "wide", shape: &wide, kind: bulk, operation: "update", statement: updateBulk},
	{name: "toast", shape: &toast, kind: bulk, operation: "update", statement: updateBulk},
}

// sql is the statement of a way.
func (f *figure) sql(w way) string {
	sql := f.statement
	if w == limit {
		sql = f.byHand()
	}
	return strings.NewReplacer(
		"TABLE", f.shape.table(w),
		"CHANGE", f.shape.change,
		"ROWS", f.shape.source().name+"_rows",
	).Replace(sql)
}

// byHand is the statement of the limit: it changes the rows and writes history.
func (f *figure) byHand() string {
	changed := f.limit
	if changed == "" {
		statement := strings.Replace(f.statement, "SET ", "SET version = t.version + 1, ", 1)
		if f.operation == "update" {
			statement += f.shape.condition
		}
		changed = `WITH changed AS (` + statement + ` RETURNING *)`
	}
	history := byHand{
		schema: "public", table: f.shape.table(limit), key: []string{"id"}, operation: f.operation,
		omitted: f.shape.omitted, extra: f.shape.extra,
	}
	if f.operation == "" {
		history.operation = "update"
		return changed + history.insert() + ` WHERE c.differs`
	}
	return changed + history.insert()
}

// prepare prepares the statement of a way. COPY cannot be prepared.
func (f *figure) prepare(ctx context.Context, conn *pgx.Conn, w way) error {
	if f.kind == copied && w != limit {
		return nil
	}
	if _, err := conn.Prepare(ctx, f.prepared(w), f.sql(w)); err != nil {
		return fmt.Errorf("%s: prepare for %s: %w", f.name, w, err)
	}
	return nil
}

func (f *figure) prepared(w way) string { return fmt.Sprintf("%s_%s", f.name, w) }

// changes are the rows that one measurement changes.
func (f *figure) changes(short bool) int {
	rows := f.shape.count(short)
	if f.rows > 0 {
		return min(f.rows, rows)
	}
	return rows
}
