package chronotest

import (
	"slices"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// TrackedOpts are the options of [AssertTracked].
type TrackedOpts struct {
	// Except names application tables that need not be tracked; it says that
	// all others must be. Defaults to nil, which says nothing of tables that
	// are not tracked; use an empty slice for no exceptions.
	Except []chrononaut.Table
	// Schema holds history. Defaults to [chrononaut.DefaultSchema].
	Schema string
	// Tables must be among the tracked ones. Defaults to none.
	Tables []chrononaut.Table
}

// AssertTracked fails the test, and lets it go on, unless the capture of every
// tracked table is complete: what [chronomigrate.Migrator.Check] finds is
// reported, and with options also tables that should be tracked and are not.
// Call it after the program's migrations have run. A nil opts means the
// defaults.
func AssertTracked(t testing.TB, driver chronodriver.Driver, opts *TrackedOpts) {
	t.Helper()
	o := TrackedOpts{}
	if opts != nil {
		o = *opts
	}
	m, err := chronomigrate.New(driver, &chronomigrate.Config{Schema: o.Schema})
	if err != nil {
		t.Error(err)
		return
	}
	problems, err := m.Check(t.Context(), &chronomigrate.CheckOpts{Uncovered: o.Except != nil})
	if err != nil {
		t.Error(err)
		return
	}
	for _, p := range problems {
		if p.Kind == chronomigrate.ProblemUncovered && slices.ContainsFunc(o.Except, func(e chrononaut.Table) bool { return sameTable(e, p.Table) }) {
			continue
		}
		message := p.Message
		if p.Object != "" && !strings.Contains(message, p.Object) {
			message = p.Object + ": " + message
		}
		if p.Table.Name != "" {
			message = p.Table.String() + ": " + message
		}
		if p.Hint != "" {
			message += "\n" + p.Hint
		}
		t.Errorf("%s: %s", p.Kind, message)
	}
	tables, err := m.Tables(t.Context())
	if err != nil {
		t.Error(err)
		return
	}
	for _, want := range o.Tables {
		if !slices.ContainsFunc(tables, func(have chronomigrate.TrackedTable) bool { return have.Tracked && sameTable(want, have.Table) }) {
			t.Errorf("%s is not tracked", want)
		}
	}
}

// sameTable compares names; one without a schema means the table in any.
func sameTable(name, table chrononaut.Table) bool {
	return name.Name == table.Name && (name.Schema == "" || name.Schema == table.Schema)
}
