package main

import (
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	const want = `order 1, version 0: insert by import (): Ann owes 10.00
order 1, version 1: update by clerk (customer asked by phone): Ann owes 12.50
  amount: 10.00, then 12.50
  card changed; its values are not kept
order 2, before: Bob owes 20.00
order 2, now: deleted by clerk (customer asked by phone)
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
