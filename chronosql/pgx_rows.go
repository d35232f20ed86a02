package chronosql

import (
	"database/sql/driver"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// pgxRows are pgx's rows with values and types as pgx's own driver for
// database/sql has them, which keeps its own to itself.
type pgxRows struct {
	rows  pgx.Rows
	types *pgtype.Map
	// ahead says that Next was called once before; more is what it said.
	ahead, more bool
}

// resultFormats asks for the types of value in binary, for the text of others.
func resultFormats(described *pgconn.StatementDescription) []int16 {
	formats := make([]int16, len(described.Fields))
	for i, f := range described.Fields {
		switch f.DataTypeOID {
		case pgtype.BoolOID, pgtype.ByteaOID, pgtype.CIDOID, pgtype.DateOID, pgtype.Float4OID, pgtype.Float8OID, pgtype.Int2OID,
			pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID, pgtype.TimestampOID, pgtype.TimestamptzOID, pgtype.XIDOID:
			formats[i] = pgtype.BinaryFormatCode
		}
	}
	return formats
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
	oid := r.rows.FieldDescriptions()[index].DataTypeOID
	if t, ok := r.types.TypeForOID(oid); ok {
		return strings.ToUpper(t.Name)
	}
	return strconv.FormatUint(uint64(oid), 10)
}

// A type modifier counts four bytes that are not part of the length.
const modifierHeader = 4

// ColumnTypeLength is part of driver.RowsColumnTypeLength.
func (r *pgxRows) ColumnTypeLength(index int) (int64, bool) {
	switch f := r.rows.FieldDescriptions()[index]; f.DataTypeOID {
	case pgtype.TextOID, pgtype.ByteaOID:
		return math.MaxInt64, true
	case pgtype.VarcharOID, pgtype.BPCharOID:
		return int64(f.TypeModifier - modifierHeader), true
	case pgtype.VarbitOID:
		return int64(f.TypeModifier), true
	}
	return 0, false
}

// ColumnTypePrecisionScale is part of driver.RowsColumnTypePrecisionScale.
func (r *pgxRows) ColumnTypePrecisionScale(index int) (precision, scale int64, ok bool) {
	f := r.rows.FieldDescriptions()[index]
	if f.DataTypeOID != pgtype.NumericOID {
		return 0, 0, false
	}
	modifier := f.TypeModifier - modifierHeader
	return int64(modifier >> 16 & 0xffff), int64(modifier & 0xffff), true
}

// ColumnTypeScanType is part of driver.RowsColumnTypeScanType.
func (r *pgxRows) ColumnTypeScanType(index int) reflect.Type {
	switch r.rows.FieldDescriptions()[index].DataTypeOID {
	case pgtype.Float8OID, pgtype.NumericOID:
		return reflect.TypeFor[float64]()
	case pgtype.Float4OID:
		return reflect.TypeFor[float32]()
	case pgtype.Int8OID:
		return reflect.TypeFor[int64]()
	case pgtype.Int4OID:
		return reflect.TypeFor[int32]()
	case pgtype.Int2OID:
		return reflect.TypeFor[int16]()
	case pgtype.BoolOID:
		return reflect.TypeFor[bool]()
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return reflect.TypeFor[time.Time]()
	case pgtype.ByteaOID:
		return reflect.TypeFor[[]byte]()
	}
	return reflect.TypeFor[string]()
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
		if dest[i], err = r.value(f, raw[i]); err != nil {
			return fmt.Errorf("convert field %d: %w", i, err)
		}
	}
	return nil
}

func (r *pgxRows) value(f pgconn.FieldDescription, raw []byte) (driver.Value, error) {
	if raw == nil {
		return nil, nil
	}
	switch f.DataTypeOID {
	case pgtype.BoolOID:
		return scan[bool](r.types, f, raw)
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID:
		return scan[int64](r.types, f, raw)
	case pgtype.Float4OID:
		v, err := scan[float32](r.types, f, raw)
		return float64(v), err
	case pgtype.Float8OID:
		return scan[float64](r.types, f, raw)
	case pgtype.ByteaOID, pgtype.JSONOID, pgtype.JSONBOID, pgtype.XMLOID:
		return scan[[]byte](r.types, f, raw)
	case pgtype.CIDOID, pgtype.OIDOID, pgtype.XIDOID:
		return valuer[pgtype.Uint32](r.types, f, raw)
	case pgtype.DateOID:
		return valuer[pgtype.Date](r.types, f, raw)
	case pgtype.TimestampOID:
		return valuer[pgtype.Timestamp](r.types, f, raw)
	case pgtype.TimestamptzOID:
		return valuer[pgtype.Timestamptz](r.types, f, raw)
	}
	return scan[string](r.types, f, raw)
}

func scan[T any](types *pgtype.Map, f pgconn.FieldDescription, raw []byte) (v T, err error) {
	err = types.Scan(f.DataTypeOID, f.Format, raw, &v)
	return v, err
}

// valuer is for types with values of more than one kind: a date, or the text
// infinity.
func valuer[T driver.Valuer](types *pgtype.Map, f pgconn.FieldDescription, raw []byte) (driver.Value, error) {
	v, err := scan[T](types, f, raw)
	if err != nil {
		return nil, err
	}
	return v.Value()
}
