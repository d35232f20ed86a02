package main

import (
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

func TestRun(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	const want = `version 0 by ann: open, mail to a@example.com, because: customer called
version 1 by bob: waiting, mail to a@example.com and b@example.com
version 2 by night job: closed, mail to a@example.com and b@example.com
from version 0 to 1:
  mail: "[\"a@example.com\"]" -> "[\"a@example.com\",\"b@example.com\"]"
  password changed
  status: "open" -> "waiting"
bob: update of example_tickets
bob: insert of example_ticket_labels
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
