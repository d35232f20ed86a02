package property_test

import (
	"flag"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestModel compares what random statements on random tables leave in history
// with what a model says they must leave.
func TestModel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rapid.Check(t, b.model)
	t.Logf("%d cases, %d changes", b.cases, b.changes)
}

func TestSoakModel(t *testing.T) {
	cases, changes := 0, 0
	soak(t, func(t *testing.T, seed uint64) {
		t.Helper()
		if err := flag.Set("rapid.seed", strconv.FormatUint(seed, 10)); err != nil {
			t.Fatal(err)
		}
		b := newBench(t)
		rapid.Check(t, b.model)
		cases, changes = cases+b.cases, changes+b.changes
	})
	t.Logf("%d cases, %d changes", cases, changes)
}

func (b *bench) model(rt *rapid.T) {
	r := b.newRun(rt)
	r.fill(rt)
	for _, t := range r.w.tables {
		r.track(rt, t)
	}
	rt.Repeat(r.actions())
	r.finish(rt)
}

// actions are what may happen in a case.
func (r *run) actions() map[string]func(*rapid.T) {
	action := func(do func(*rapid.T)) func(*rapid.T) {
		return func(rt *rapid.T) {
			r.drawWho(rt)
			do(rt)
		}
	}
	return map[string]func(*rapid.T){
		"insert":          action(r.insert),
		"insert more":     action(r.insert),
		"update":          action(r.update),
		"update more":     action(r.update),
		"touch":           action(r.touch),
		"update from":     action(r.updateFrom),
		"delete":          action(r.delete),
		"upsert":          action(r.upsert),
		"merge":           action(r.merge),
		"cte":             action(r.cte),
		"copy":            action(r.copy),
		"truncate":        action(r.truncate),
		"change key":      action(r.changeKey),
		"change key more": action(r.changeKey),
		"rotate keys":     action(r.rotateKeys),
		"duplicate":       action(r.duplicate),
		"add column":      action(r.addColumn),
		"drop column":     action(r.dropColumn),
		"rename column":   action(r.renameColumn),
		"retype":          action(r.retype),
		"retype key":      action(r.retypeKey),
		"rename excluded": action(r.renameExcluded),
		"track again":     action(r.retrack),
		"begin":           r.begin,
		"commit":          r.commit,
		"rollback":        r.rollback,
		"savepoint":       r.savepoint,
		"rollback to":     r.rollbackTo,
		"release":         r.release,
	}
}
