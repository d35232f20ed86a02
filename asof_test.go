package chrononaut_test

import (
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
