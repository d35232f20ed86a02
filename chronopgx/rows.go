package chronopgx

import "github.com/jackc/pgx/v5"

// rows end what they run in, a batch or a transaction, when they are closed.
type rows struct {
	pgx.Rows
	// finish is nil when they end nothing.
	finish func() error
	// wrap is what is to become of an error; nil leaves it.
	wrap     func(error) error
	finished bool
	err      error
}

// failedRows are what a query that failed returns beside its error, so that the
// error may be left to the rows, as is usual with pgx.
func failedRows(err error) (pgx.Rows, error) {
	return pgx.FailedBatchResults(&pgx.Batch{}, err).Query()
}

// Next closes the rows after the last one.
func (r *rows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Close is idempotent.
func (r *rows) Close() {
	r.Rows.Close()
	if r.finished {
		return
	}
	r.finished = true
	if r.finish != nil {
		r.err = r.finish()
	}
	if err := r.Rows.Err(); err != nil {
		r.err = err
	}
	if r.wrap != nil {
		r.err = r.wrap(r.err)
	}
}

// Err includes the error of the commit.
func (r *rows) Err() error {
	if r.finished {
		return r.err
	}
	return r.Rows.Err()
}

type row struct{ rows pgx.Rows }

// Scan reads the row and closes the result.
func (r row) Scan(dest ...any) error {
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}
