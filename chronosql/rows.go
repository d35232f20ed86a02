package chronosql

import (
	"database/sql/driver"
	"io"
	"reflect"
)

// endingRows end the transaction that they run in when they are closed. An
// error of the end is reported by the last Next where possible, so that the
// caller's check of Rows.Err sees it.
type endingRows struct {
	driver.Rows
	end  func(error) error
	done bool
	err  error
}

func ending(inner driver.Rows, end func(error) error) driver.Rows {
	return &endingRows{Rows: inner, end: end}
}

func (r *endingRows) Next(dest []driver.Value) error {
	if r.done {
		return io.EOF
	}
	err := r.Rows.Next(dest)
	switch {
	case err == nil:
		return nil
	case err != io.EOF: //nolint:errorlint // database/sql compares it so
		return r.finish(err)
	}
	if err := r.finish(nil); err != nil {
		return err
	}
	return io.EOF
}

func (r *endingRows) Close() error { return r.finish(nil) }

func (r *endingRows) finish(err error) error {
	if r.done {
		return r.err
	}
	r.done = true
	if closeErr := r.Rows.Close(); err == nil {
		err = closeErr
	}
	r.err = r.end(err)
	return r.err
}

// ColumnTypeDatabaseTypeName is part of driver.RowsColumnTypeDatabaseTypeName.
func (r *endingRows) ColumnTypeDatabaseTypeName(index int) string {
	if typed, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return typed.ColumnTypeDatabaseTypeName(index)
	}
	return ""
}

// ColumnTypeScanType is part of driver.RowsColumnTypeScanType.
func (r *endingRows) ColumnTypeScanType(index int) reflect.Type {
	if typed, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return typed.ColumnTypeScanType(index)
	}
	return reflect.TypeFor[any]()
}
