package chrononaut_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
)

func TestPointText(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 30, 0, 123456000, time.FixedZone("", 7200))
	for text, point := range map[string]chrononaut.Point{
		"2026-05-01T10:30:00.123456Z": chrononaut.At(at),
		"transaction:734":             chrononaut.AtTransaction(734),
		"snapshot:1:0:10:20:11,12":    chrononaut.AtSnapshot("snapshot:1:0:10:20:11,12"),
	} {
		if got := point.String(); got != text {
			t.Errorf("String() = %q, want %q", got, text)
		}
		parsed, err := chrononaut.ParsePoint(text)
		if err != nil || parsed.String() != text {
			t.Errorf("ParsePoint(%q) = %v, %v", text, parsed, err)
		}
	}
	for _, text := range []string{"", "yesterday", "transaction:", "transaction:-1", "transaction:0", "2026-05-01", "Snapshot:1", "0001-01-01T00:00:00Z", "0001-01-01T01:00:00+01:00"} {
		if p, err := chrononaut.ParsePoint(text); !errors.Is(err, chrononaut.ErrPoint) {
			t.Errorf("ParsePoint(%q) = %v, %v", text, p, err)
		}
	}
}

func TestAsOfContext(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if _, ok := chrononaut.EncodeAsOf(ctx); ok {
		t.Error("a plain context reads the past")
	}
	past := chrononaut.AsOf(ctx, time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	if got, _ := chrononaut.EncodeAsOf(past); got != `{"at":"2026-05-01T12:00:00Z"}` {
		t.Errorf("EncodeAsOf = %s", got)
	}
	inner := chrononaut.AsOfPoint(past, chrononaut.AtTransaction(7), &chrononaut.AsOfOpts{
		Untracked: chrononaut.UntrackedPresent, AllowUnsettled: true,
	})
	if got, _ := chrononaut.EncodeAsOf(inner); got != `{"transaction":"7","unsettled":true,"untracked":"present"}` {
		t.Errorf("EncodeAsOf = %s", got)
	}
	if _, ok := chrononaut.EncodeAsOf(chrononaut.Present(inner)); ok {
		t.Error("Present reads the past")
	}
	if chrononaut.Present(ctx) != ctx {
		t.Error("Present of the present is another context")
	}
}

// A point that was made of a zero value is a mistake, and not the present.
func TestZeroPointsAreNotThePresent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE z (id integer PRIMARY KEY)`)
	f.track("z", nil)
	past := chrononaut.AsOf(t.Context(), f.now())
	for name, ctx := range map[string]context.Context{
		"the zero time":           chrononaut.AsOf(t.Context(), time.Time{}),
		"the zero time in a past": chrononaut.AsOf(past, time.Time{}),
		"transaction 0":           chrononaut.AsOfPoint(t.Context(), chrononaut.AtTransaction(0), nil),
		"no token":                chrononaut.AsOfPoint(past, chrononaut.AtSnapshot(""), nil),
	} {
		if p, ok := chrononaut.AsOfFrom(ctx); !ok {
			t.Errorf("%s: AsOfFrom = %v, false", name, p)
		}
		if _, err := f.db.Exec(ctx, `INSERT INTO z VALUES (1)`); err == nil {
			t.Errorf("%s: written", name)
		}
		if rows, err := f.db.Query(ctx, `SELECT id FROM z`); err == nil {
			rows.Close()
			err = rows.Err()
			if !errors.Is(err, chrononaut.ErrPoint) {
				t.Errorf("%s: read: %v, want %v", name, err, chrononaut.ErrPoint)
			}
		} else if !errors.Is(err, chrononaut.ErrPoint) {
			t.Errorf("%s: read: %v, want %v", name, err, chrononaut.ErrPoint)
		}
		p, _ := chrononaut.AsOfFrom(ctx)
		if _, err := f.client.At(p, nil).Table(t.Context(), f.name("z")); !errors.Is(err, chrononaut.ErrPoint) {
			t.Errorf("%s: Table: %v, want %v", name, err, chrononaut.ErrPoint)
		}
		if _, err := f.client.Restore(t.Context(), f.name("z"), nil, chrononaut.ToPoint(p), nil); !errors.Is(err, chrononaut.ErrPoint) {
			t.Errorf("%s: Restore: %v, want %v", name, err, chrononaut.ErrPoint)
		}
	}
	for name, ctx := range map[string]context.Context{
		"no point":        chrononaut.AsOfPoint(past, chrononaut.Point{}, nil),
		"Present":         chrononaut.Present(past),
		"Present of zero": chrononaut.Present(chrononaut.AsOf(past, time.Time{})),
	} {
		if _, err := f.db.Exec(ctx, `DELETE FROM z`); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.wantRows(`SELECT id::text FROM z`)
}
