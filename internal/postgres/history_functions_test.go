package postgres_test

import (
	"regexp"
	"testing"

	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// Check finds a function of history by its name, so that two of a name would hide each
// other.
func TestFunctionsOfHistoryHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	migrations, err := postgres.Migrations("chrononaut")
	if err != nil {
		t.Fatal(err)
	}
	created := regexp.MustCompile(`(?m)^CREATE FUNCTION "?chrononaut"?\.(\w+)\(`)
	seen := map[string]int{}
	for _, m := range migrations {
		for _, found := range created.FindAllStringSubmatch(m.Up, -1) {
			if before, twice := seen[found[1]]; twice {
				t.Errorf("migration %d makes %s, as migration %d does", m.Version, found[1], before)
			}
			seen[found[1]] = m.Version
		}
	}
	if len(seen) < 100 {
		t.Errorf("found only %d functions", len(seen))
	}
}
