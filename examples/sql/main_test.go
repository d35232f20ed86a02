package main

import (
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	const want = `ann, "new customer": OK
bob, "": Precondition Required
bob, "moved": OK
version 0: insert by ann, because: new customer: seven@example.com
version 1: update by bob, because: moved: bob@example.com
ann, as of the first transaction: Forbidden: this request may not look at that point in the past
auditor, as of the first transaction: OK: seven@example.com
`
	var out strings.Builder
	if err := run(t.Context(), db.URL(), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
	// It can be repeated.
	if err := run(t.Context(), db.URL(), &out); err != nil {
		t.Error(err)
	}
}
