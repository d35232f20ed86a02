package chronosql

import (
	"database/sql/driver"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// pgxRows are pgx's rows with values as pgx's own driver for database/sql has
// them: numbers, booleans, times and bytea in their Go types, all else as text.
type pgxRows struct {
	rows pgx.Rows
	conn *pgx.Conn
	// ahead says that Next was called once before; more is what it said.
	ahead, more bool
}

func (r *pgxRows) Columns() []string {
	fields := r.rows.FieldDescriptions()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// ColumnTypeDatabaseTypeName is part of driver.RowsColumnTypeDatabaseTypeName.
func (r *pgxRows) ColumnTypeDatabaseTypeName(index int) string {
	if t, ok := r.conn.TypeMap().TypeForOID(r.rows.FieldDescriptions()[index].DataTypeOID); ok {
		return strings.ToUpper(t.Name)
	}
	return ""
}

func (r *pgxRows) Close() error {
	r.rows.Close()
	return r.rows.Err()
}

func (r *pgxRows) Next(dest []driver.Value) error {
	more := r.more
	if !r.ahead {
		more = r.rows.Next()
	}
	r.ahead = false
	if !more {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	raw := r.rows.RawValues()
	for i, f := range r.rows.FieldDescriptions() {
		var err error
		if dest[i], err = value(r.conn.TypeMap(), f.DataTypeOID, f.Format, raw[i]); err != nil {
			return err
		}
	}
	return nil
}

func value(types *pgtype.Map, oid uint32, format int16, raw []byte) (driver.Value, error) {
	if raw == nil {
		return nil, nil
	}
	switch oid {
	case pgtype.BoolOID:
		return scan[bool](types, oid, format, raw)
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID:
		return scan[int64](types, oid, format, raw)
	case pgtype.Float4OID, pgtype.Float8OID:
		return scan[float64](types, oid, format, raw)
	case pgtype.ByteaOID:
		return scan[[]byte](types, oid, format, raw)
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		if t, err := scan[time.Time](types, oid, format, raw); err == nil {
			return t, nil
		} // infinity is text
	}
	if format == pgtype.TextFormatCode {
		return string(raw), nil
	}
	t, ok := types.TypeForOID(oid)
	if !ok {
		return append([]byte{}, raw...), nil
	}
	decoded, err := t.Codec.DecodeValue(types, oid, format, raw)
	if err != nil {
		return nil, err
	}
	text, err := types.Encode(oid, pgtype.TextFormatCode, decoded, nil)
	if err != nil {
		return nil, err
	}
	return string(text), nil
}

func scan[T any](types *pgtype.Map, oid uint32, format int16, raw []byte) (driver.Value, error) {
	var v T
	if err := types.Scan(oid, format, raw, &v); err != nil {
		return nil, err
	}
	return v, nil
}
