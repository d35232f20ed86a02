package chronopgx

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut/internal/travel"
)

// batchResults are the results of a batch without those of our own statements.
type batchResults struct {
	pgx.BatchResults
	// own says of each result whether it is of our own; statements are those of
	// the past, or nil.
	own        []bool
	statements map[int]*travel.Statement
	next       int
	// wrap is for errors that belong to no statement; nil leaves them.
	wrap func(error) error
	// db and point are of the transaction that the batch may begin.
	db    *DB
	point string
}

// queueOwn queues a statement whose result is left out.
func (r *batchResults) queueOwn(b *pgx.Batch, sql string, args ...any) {
	b.Queue(sql, args...)
	r.own = append(r.own, true)
}

// queue queues a statement, in the past as it is sent there.
func (r *batchResults) queue(b *pgx.Batch, q *pgx.QueuedQuery, statement *travel.Statement) {
	if statement != nil {
		if r.statements == nil {
			r.statements = map[int]*travel.Statement{}
		}
		r.statements[len(r.own)] = statement
		sent := *q
		sent.SQL = statement.SQL
		q = &sent
	}
	b.QueuedQueries = append(b.QueuedQueries, q)
	r.own = append(r.own, false)
}

// skip reads results of our own. Their errors stay in the batch, whose next
// result reports them. It returns the statement of the result that follows.
func (r *batchResults) skip() *travel.Statement {
	for ; r.next < len(r.own) && r.own[r.next]; r.next++ {
		_, _ = r.BatchResults.Exec()
	}
	r.next++
	return r.statements[r.next-1]
}

func (r *batchResults) Exec() (pgconn.CommandTag, error) {
	statement := r.skip()
	tag, err := r.BatchResults.Exec()
	if statement != nil {
		err = statement.Error(err)
	}
	return tag, err
}

func (r *batchResults) Query() (pgx.Rows, error) {
	statement := r.skip()
	inner, err := r.BatchResults.Query()
	switch {
	case statement == nil:
		return inner, err
	case err != nil:
		return failedRows(statement.Error(err))
	}
	return &rows{Rows: inner, wrap: statement.Error}, nil
}

func (r *batchResults) QueryRow() pgx.Row {
	if r.statements == nil {
		r.skip()
		return r.BatchResults.QueryRow()
	}
	// The rows have the error.
	inner, _ := r.Query()
	return row{inner}
}

func (r *batchResults) Close() error {
	err := r.BatchResults.Close()
	if r.wrap != nil {
		err = r.wrap(err)
	}
	return err
}

// Tx returns the transaction that the batch began.
func (r *batchResults) Tx() pgx.Tx {
	inner := r.BatchResults.Tx()
	if inner == nil || r.db == nil {
		return inner
	}
	return &tx{Tx: inner, db: r.db, point: r.point}
}
