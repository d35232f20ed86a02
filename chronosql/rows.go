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
	case r.HasNextResultSet():
		return io.EOF
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

// HasNextResultSet is part of driver.RowsNextResultSet.
func (r *endingRows) HasNextResultSet() bool {
	several, ok := r.Rows.(driver.RowsNextResultSet)
	return ok && !r.done && several.HasNextResultSet()
}

// NextResultSet is part of driver.RowsNextResultSet.
func (r *endingRows) NextResultSet() error {
	if several, ok := r.Rows.(driver.RowsNextResultSet); ok && !r.done {
		return several.NextResultSet()
	}
	return io.EOF
}

// ColumnTypeDatabaseTypeName is part of driver.RowsColumnTypeDatabaseTypeName.
func (r *endingRows) ColumnTypeDatabaseTypeName(index int) string {
	if typed, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return typed.ColumnTypeDatabaseTypeName(index)
	}
	return ""
}

// ColumnTypeLength is part of driver.RowsColumnTypeLength.
func (r *endingRows) ColumnTypeLength(index int) (int64, bool) {
	if typed, ok := r.Rows.(driver.RowsColumnTypeLength); ok {
		return typed.ColumnTypeLength(index)
	}
	return 0, false
}

// ColumnTypeNullable is part of driver.RowsColumnTypeNullable.
func (r *endingRows) ColumnTypeNullable(index int) (nullable, ok bool) {
	if typed, ok := r.Rows.(driver.RowsColumnTypeNullable); ok {
		return typed.ColumnTypeNullable(index)
	}
	return false, false
}

// ColumnTypePrecisionScale is part of driver.RowsColumnTypePrecisionScale.
func (r *endingRows) ColumnTypePrecisionScale(index int) (precision, scale int64, ok bool) {
	if typed, ok := r.Rows.(driver.RowsColumnTypePrecisionScale); ok {
		return typed.ColumnTypePrecisionScale(index)
	}
	return 0, 0, false
}

// ColumnTypeScanType is part of driver.RowsColumnTypeScanType.
func (r *endingRows) ColumnTypeScanType(index int) reflect.Type {
	if typed, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return typed.ColumnTypeScanType(index)
	}
	return reflect.TypeFor[any]()
}
