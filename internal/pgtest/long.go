package pgtest

import "os"

// Long reports whether tests are to take their time, with more rows, cases and
// rounds than "make test" has: "make test-all" sets CHRONONAUT_TEST_LONG.
func Long() bool { return os.Getenv("CHRONONAUT_TEST_LONG") != "" }

// Size is normal, or long in a run that takes its time.
func Size[T any](normal, long T) T {
	if Long() {
		return long
	}
	return normal
}
