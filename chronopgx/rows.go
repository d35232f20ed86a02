package chronopgx

import "github.com/jackc/pgx/v5"

// rows ends what it runs in, a batch or a transaction, when it is closed.
type rows struct {
	pgx.Rows
	finish   func(error) error
	finished bool
	err      error
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
	err := r.Rows.Err()
	r.err = r.finish(err)
	if err != nil {
		r.err = err
	}
}

// Err includes the error of the commit.
func (r *rows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.Rows.Err()
}

type row struct {
	rows pgx.Rows
	err  error
}

// Scan reads the row and closes the result.
func (r row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
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
