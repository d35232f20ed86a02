package pgpast

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
	"github.com/chrononaut-go/chrononaut/internal/travel"
)

// ErrStatements is returned for a text that is not one statement.
var ErrStatements = errors.New("not one statement")

// Query runs one statement in the past. It calls columns once and then row for
// each row, with values in PostgreSQL's text form; they are valid until it
// returns. What the statement reads by name is known to be of the past before
// the first row comes; what its functions read, only at the end.
func (p *Point) Query(ctx context.Context, conn *pgconn.PgConn, sql string, columns func([]pgconn.FieldDescription) error, row func([][]byte) error) (err error) {
	statements := sqltext.Split(chronodriver.PostgreSQL, sql)
	if len(statements) != 1 {
		return ErrStatements
	}
	if !statements[0].Attributable() {
		return travel.Refuse("it cannot run in a transaction, or ends one")
	}
	statement, err := p.statement(ctx, sql, func(ctx context.Context, sql string) (string, error) { return value(ctx, conn, sql) })
	if err != nil {
		return err
	}
	run := func(sql string) error { return p.relations.Error(conn.Exec(ctx, sql).Close()) }
	// Named, because other statements would replace it.
	const name = "chrononaut_query"
	defer func() {
		if !conn.IsClosed() {
			// Before the end of the transaction: a pooler may keep the connection.
			err = errors.Join(err, conn.Deallocate(ctx, name), run("ROLLBACK"))
		}
	}()
	if err := run(p.begin()); err != nil {
		return err
	}
	prepared, err := conn.Prepare(ctx, name, statement.SQL, nil)
	if err != nil {
		return statement.Error(err)
	}
	if err := run(p.relations.TravelEnd()); err != nil {
		return err
	}
	if err := columns(prepared.Fields); err != nil {
		return err
	}
	result := conn.ExecPrepared(ctx, name, nil, nil, nil)
	for result.NextRow() && err == nil {
		err = row(result.Values())
	}
	tag, end := result.Close()
	switch {
	case end != nil || err != nil:
		return errors.Join(err, statement.Error(end))
	case strings.HasPrefix(tag.String(), "COPY "):
		return travel.Refuse("COPY has no rows; run its query")
	}
	return run(p.relations.TravelEnd())
}

// value returns the value of a query that has one.
func value(ctx context.Context, conn *pgconn.PgConn, sql string) (string, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil || len(results) != 1 || len(results[0].Rows) != 1 {
		return "", err
	}
	return string(results[0].Rows[0][0]), nil
}

// Clock returns the time that it is at the point, if it can be read.
func (p *Point) Clock(ctx context.Context, conn *pgconn.PgConn) (at time.Time, err error) {
	err = p.Query(ctx, conn, "SELECT pg_catalog.current_setting('chrononaut.as_of_clock')", func([]pgconn.FieldDescription) error { return nil }, func(row [][]byte) (err error) {
		at, err = time.Parse(time.RFC3339Nano, string(row[0]))
		return err
	})
	return at, err
}
