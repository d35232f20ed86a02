package pgpast_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/cmd/chrononaut/internal/pgpast"
)

func TestQuery(t *testing.T) {
	t.Parallel()
	db, past := open(t)
	point, err := pgpast.NewPoint(past, chrononaut.DefaultSchema)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgconn.Connect(t.Context(), db.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	stop := errors.New("stop")
	for sql, want := range map[string]any{
		"SELECT id, title FROM public.todos ORDER BY id;": "id title|1 a|2 b|",
		"SELECT WHERE false":                              "|",
		"SHOW transaction_read_only":                      "transaction_read_only|on|",
		"SELECT * FROM public.other":                      chrononaut.ErrPast,
		"SELECT * FROM peek()":                            chrononaut.ErrPast,
		"DELETE FROM todos":                               chrononaut.ErrPast,
		"CREATE TABLE more (id integer)":                  chrononaut.ErrPast,
		"COPY (SELECT 1) TO STDOUT":                       chrononaut.ErrPast,
		"COMMIT":                                          chrononaut.ErrPast,
		"CALL leave()":                                    chrononaut.ErrPast,
		"SELECT 1; SELECT 2":                              pgpast.ErrStatements,
		" -- nothing":                                     pgpast.ErrStatements,
		"SELECT id AS stop FROM todos":                    stop,
	} {
		var b strings.Builder
		stopping := false
		err := point.Query(t.Context(), conn, sql, func(fields []pgconn.FieldDescription) error {
			for i, f := range fields {
				if stopping = stopping || f.Name == "stop"; i > 0 {
					b.WriteByte(' ')
				}
				b.WriteString(f.Name)
			}
			b.WriteByte('|')
			return nil
		}, func(values [][]byte) error {
			if stopping {
				return stop
			}
			for i, v := range values {
				if i > 0 {
					b.WriteByte(' ')
				}
				b.Write(v)
			}
			b.WriteByte('|')
			return nil
		})
		switch want := want.(type) {
		case error:
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", sql, err, want)
			}
		case string:
			if err != nil || b.String() != want {
				t.Errorf("%s: %q, %v, want %q", sql, b.String(), err, want)
			}
		}
		if conn.TxStatus() != 'I' {
			t.Fatalf("%s leaves a transaction open", sql)
		}
		if err := conn.Exec(t.Context(), "DEALLOCATE ALL").Close(); err != nil {
			t.Fatal(err)
		}
	}
	if clock, err := point.Clock(t.Context(), conn); err != nil || clock.IsZero() {
		t.Errorf("Clock = %v, %v", clock, err)
	}
}
