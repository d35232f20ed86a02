package property_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// Runs of "make test" repeat the same cases, so that they fail for what was
// changed and for nothing else. Soak tests, and whoever passes -rapid.seed=0,
// look for new ones.
const (
	defaultSeed  = "20260102"
	soakVariable = "CHRONONAUT_TEST_SOAK"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.seed": defaultSeed, "rapid.checks": pgtest.Size("12", "40"), "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	flag.Parse() // what the command line says comes last
	os.Exit(m.Run())
}

// soak runs a test again and again as a subtest, with another seed each time,
// for as long as the environment says.
func soak(t *testing.T, test func(t *testing.T, seed uint64)) {
	t.Helper()
	text := os.Getenv(soakVariable)
	if text == "" {
		t.Skip(soakVariable + " is not set")
	}
	duration, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", soakVariable, err)
	}
	for start, seed := time.Now(), uint64(time.Now().UnixNano()); time.Since(start) < duration && !t.Failed(); seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { test(t, seed) })
	}
}
