package conformance

import "testing"

// RunDiffs runs the tests of what is worked out from history, which is the same
// in all adapters of an engine.
func RunDiffs(t *testing.T, setup func(t *testing.T) *Env) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b *bench)
	}{
		{"says of each column where its value comes from", blames},
		{"explains records across changes of their keys", blamesAcrossKeys},
		{"explains values that are many versions old", blamesLongHistories},
		{"explains what tracking found", blamesBaselines},
		{"tells what became of the records of a table", diffsTables},
		{"tells what was not recorded of a table", diffsUnrecorded},
		{"agrees with the rows that the table had", diffsAgreeWithTheTable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, newBench(t, setup(t)))
		})
	}
}
