package chronopgx_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// FuzzEncodeContext checks that whatever a context says arrives in PostgreSQL
// as it is, or is refused.
func FuzzEncodeContext(f *testing.F) {
	f.Add("ann", "10.0.0.1", "why", "key", "value", 1.5, true)
	f.Add(`o'neil \ '' \'; drop table todos; --`, "\x00", "\u2028\ufffd\U0001f570", `\u0000`, "M\xfcller", math.Inf(1), false)
	f.Add(`\`, `'`, `E'\''`, `"`, "$1 $$ ?", 1e300, false)
	conn, err := pgx.Connect(f.Context(), pgtest.New(f).URL())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = conn.Close(context.WithoutCancel(f.Context())) })
	f.Fuzz(func(t *testing.T, actor, addr, rationale, key, value string, number float64, conforming bool) {
		ctx := chrononaut.WithRationale(chrononaut.WithRemoteAddr(chrononaut.WithActor(t.Context(), actor), addr), rationale)
		ctx = chrononaut.WithExtraInfo(ctx, map[string]any{"nested": map[string]any{key: []any{value, number}}})

		sendable := !math.IsNaN(number) && !math.IsInf(number, 0)
		for _, s := range []string{actor, addr, rationale, key, value} {
			sendable = sendable && utf8.ValidString(s) && !strings.Contains(s, "\x00")
		}
		encoded, _, err := chrononaut.EncodeContext(ctx, nil)
		if !sendable {
			if !errors.Is(err, chrononaut.ErrContext) {
				t.Fatalf("error = %v, want ErrContext", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}

		setting := "on"
		if !conforming {
			setting = "off"
		}
		if _, err := conn.Exec(t.Context(), "set standard_conforming_strings = "+setting); err != nil {
			t.Fatal(err)
		}
		opts, err := chronopgx.TxOptions(ctx, pgx.TxOptions{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		tx, err := conn.BeginTx(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(t.Context())
		wantArrived(t, tx, actor, addr, rationale, key, value, number)
		if _, err := tx.Exec(t.Context(), postgres.SetContextParameter, encoded); err != nil {
			t.Fatal(err)
		}
		wantArrived(t, tx, actor, addr, rationale, key, value, number)
	})
}

func wantArrived(t *testing.T, tx pgx.Tx, actor, addr, rationale, key, value string, number float64) {
	t.Helper()
	want := []string{actor, addr, rationale, key, value}
	got := make([]string, len(want)+1)
	err := tx.QueryRow(t.Context(), `
		SELECT c #>> '{user_info,user_id}', c #>> '{user_info,remote_addr}', c #>> '{extra_info,rationale}', nested.key, nested.value ->> 0, nested.value ->> 1
		  FROM (SELECT current_setting('chrononaut.context')::jsonb AS c) AS s, jsonb_each(c #> '{extra_info,nested}') AS nested`,
	).Scan(&got[0], &got[1], &got[2], &got[3], &got[4], &got[5])
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q arrived as %q", want[i], got[i])
		}
	}
	if n, err := strconv.ParseFloat(got[5], 64); err != nil || n != number {
		t.Errorf("%v arrived as %s", number, got[5])
	}
}
