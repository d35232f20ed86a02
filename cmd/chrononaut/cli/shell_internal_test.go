package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPsqlEnvironment(t *testing.T) {
	t.Parallel()
	got := psqlEnvironment([]string{
		"PATH=/bin", "PGPASSWORD=secret", "PGHOSTADDR=192.0.2.1", "PGSERVICE=x", "PGREQUIREAUTH=scram-sha-256", "PGSSLMODE=verify-full",
		"DATABASE_URL=postgres://u:secret@h/d", "PSQLRC=mine", "PGOPTIONS=-c work_mem=1MB", "PSQL_HISTORY=x", "PGTZ=UTC",
	})
	want := []string{"PATH=/bin", "PGOPTIONS=-c work_mem=1MB", "PSQL_HISTORY=x", "PGTZ=UTC"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment of psql (-want +got):\n%s", diff)
	}
}

func TestPsqlQuote(t *testing.T) {
	t.Parallel()
	if got, want := psqlQuote("a'b\\c\nd"), `'a''b\\c\nd'`; got != want {
		t.Errorf("psqlQuote = %s, want %s", got, want)
	}
}
