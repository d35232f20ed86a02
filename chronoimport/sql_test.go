package chronoimport_test

import (
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// The other tests import through pgx.
func TestImportThroughDatabaseSQL(t *testing.T) {
	t.Parallel()
	f := newFixture(t, employees, recordVersion, accountVersions, `
		CREATE TABLE widgets (id bigint PRIMARY KEY, name text);
		CREATE TABLE versions (id bigserial, item_type text, item_id bigint, event text, whodunnit text, object text, created_at timestamp);
		INSERT INTO versions (item_type, item_id, event, object, created_at) VALUES ('Widget', 1, 'destroy', '{"id": 1, "name": "x"}', '2024-01-01')`)
	for _, table := range []string{"employees", "account", "widgets"} {
		f.track(table, nil)
	}
	db, err := chronosql.Open("pgx", f.pool.Config().ConnString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	f.driver = chronosql.NewDriver(db, chronodriver.PostgreSQL, nil)
	for range 2 {
		f.load("widgets", &chronoimport.PaperTrail{Model: "Widget"}, nil)
		f.load("account", &chronoimport.SupaAudit{}, nil)
		f.load("employees", &chronoimport.TemporalTables{}, nil)
	}
	f.wantCounts(f.load("widgets", &chronoimport.PaperTrail{Model: "Widget"}, nil), 0, 2, 0, 0)
	f.wantCounts(f.load("account", &chronoimport.SupaAudit{}, nil), 0, 11, 0, 0)
	f.wantCounts(f.load("employees", &chronoimport.TemporalTables{}, nil), 0, 8, 0, 0)
}
