package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// resultValue is a value of a result, as text.
type resultValue struct {
	text string
	null bool
	// json says that the text is its JSON form too: a number, true or false, a
	// document.
	json bool
}

// postgresValue is a value in the text form of PostgreSQL.
func postgresValue(oid uint32, value []byte) resultValue {
	if value == nil {
		return resultValue{null: true}
	}
	v := resultValue{text: string(value)}
	switch oid {
	case pgtype.BoolOID:
		v.text, v.json = strconv.FormatBool(v.text == "t"), true
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID, pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID:
		v.json = json.Valid(value) // NaN is not
	case pgtype.JSONOID, pgtype.JSONBOID:
		v.json = json.Valid(value)
	}
	return v
}

// sqliteValue is a value as the driver returns it: in a column that is declared
// as a time, it makes a time of text, which is written back as SQLite writes
// times, in UTC.
func sqliteValue(declared string, value any) resultValue {
	switch v := value.(type) {
	case nil:
		return resultValue{null: true}
	case int64:
		return resultValue{text: strconv.FormatInt(v, 10), json: true}
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0" // as SQLite does: it is no integer
		}
		return resultValue{text: text, json: json.Valid([]byte(text))}
	case bool:
		return resultValue{text: strconv.FormatBool(v), json: true}
	case []byte:
		return resultValue{text: "x'" + hex.EncodeToString(v) + "'"}
	case time.Time:
		layout := "2006-01-02 15:04:05.999999999"
		if strings.EqualFold(declared, "DATE") && v.Equal(v.Truncate(24*time.Hour)) {
			layout = time.DateOnly
		}
		return resultValue{text: v.UTC().Format(layout)}
	case string:
		return resultValue{text: v}
	}
	return resultValue{text: fmt.Sprint(value)}
}

// resultPrinter prints the rows of a query: as a table when all are there, as
// JSON and CSV as they come.
type resultPrinter struct {
	out       *printer
	json, csv bool
	names     []string
	keys      [][]byte // the names as JSON
	rows      [][]cell
	count     int64
}

func (r *resultPrinter) start(names []string) error {
	r.names = names
	if r.csv {
		row := make([]resultValue, len(names))
		for i, name := range names {
			row[i] = resultValue{text: name}
		}
		return r.writeCSV(row)
	}
	seen := map[string]bool{}
	for _, name := range names {
		if r.json && seen[name] {
			return usagef("give them names with AS, or leave --json out.", "two columns are called %s", quoteArg(name))
		}
		seen[name] = true
		key, err := marshal(name)
		if err != nil {
			return err
		}
		r.keys = append(r.keys, key)
	}
	return nil
}

func (r *resultPrinter) row(row []resultValue) error {
	r.count++
	switch {
	case r.json:
		return r.writeJSON(row)
	case r.csv:
		return r.writeCSV(row)
	}
	line := make([]cell, len(row))
	for i, v := range row {
		line[i] = v.cell()
	}
	r.rows = append(r.rows, line)
	return nil
}

func (r *resultPrinter) end() error {
	if r.json || r.csv || len(r.names) == 0 {
		return nil
	}
	headers := make([]string, len(r.names))
	for i, name := range r.names {
		headers[i] = clean(name)
	}
	return r.out.table(headers, r.rows)
}

// cell is a value for a person.
func (v resultValue) cell() cell {
	switch {
	case v.null:
		return cell{"NULL", faint}
	case !v.json:
		return cell{clean(quoteAmbiguous(v.text)), plain}
	}
	return cell{clean(v.text), plain}
}

func (r *resultPrinter) writeJSON(row []resultValue) error {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range row {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(r.keys[i])
		b.WriteByte(':')
		switch {
		case v.null:
			b.WriteString("null")
		case v.json:
			b.WriteString(v.text)
		default:
			text, err := marshal(v.text)
			if err != nil {
				return err
			}
			b.Write(text)
		}
	}
	b.WriteByte('}')
	return r.out.json(json.RawMessage(b.Bytes()))
}

// marshal is json.Marshal that leaves <, > and & as they are.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// writeCSV writes a line as RFC 4180 says, and as COPY does: NULL is nothing,
// and empty text is in quotes.
func (r *resultPrinter) writeCSV(row []resultValue) error {
	fields := make([]string, len(row))
	for i, v := range row {
		text := v.text
		if r.out.tty {
			text = clean(text)
		}
		if !v.null && (text == "" || strings.ContainsAny(text, "\",\r\n") || strings.TrimSpace(text) != text) {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		fields[i] = text
	}
	_, err := io.WriteString(r.out.w, strings.Join(fields, ",")+"\n")
	return err
}
