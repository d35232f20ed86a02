package migrationtools_test

import (
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestExportedTrackingRefusesAnotherTableOfSQLite(t *testing.T) {
	t.Parallel()
	const table = `CREATE TABLE notes (name TEXT PRIMARY KEY, title TEXT)`
	development := engines[1].open(t)
	development.exec(table)
	files, err := development.migrator.Export(t.Context(), &chronomigrate.ExportOpts{
		From:  1, // whatever the newest is, only the last files count here
		Track: []chronomigrate.TrackedExport{{Table: chronodriver.Table{Name: "notes"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	up := files[len(files)-2].Content
	for name, test := range map[string]struct {
		there []string
		want  string
	}{
		"a type differs":     {[]string{`CREATE TABLE notes (name TEXT PRIMARY KEY, title BLOB)`}, "does not have the columns"},
		"a column is new":    {[]string{table, `ALTER TABLE notes ADD COLUMN version INTEGER`}, "does not have the columns"},
		"the key differs":    {[]string{`CREATE TABLE notes (name TEXT, title TEXT PRIMARY KEY)`}, "does not have the columns"},
		"a unique index":     {[]string{table, `CREATE UNIQUE INDEX by_title ON notes (title)`}, "unique indexes"},
		"no table":           {nil, "does not have the columns"},
		"a row has no key":   {[]string{table, `INSERT INTO notes VALUES (NULL, 'x')`}, "NULL in the primary key"},
		"it is tracked":      {[]string{table, "track"}, "does not have the columns"},
		"it was as it is":    {[]string{table}, ""},
		"an index of no use": {[]string{table, `CREATE INDEX by_title ON notes (title)`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := engines[1].open(t)
			if _, err := db.migrator.Up(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			for _, statement := range test.there {
				if statement != "track" {
					db.exec(statement)
				} else if _, err := db.migrator.Track(t.Context(), chronodriver.Table{Name: "notes"}, nil, nil); err != nil {
					t.Fatal(err)
				}
			}
			tx, err := db.pool.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = tx.ExecContext(t.Context(), up)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := tx.Commit(); err != nil {
					t.Fatal(err)
				}
				db.requireNoDrift()
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if _, err := development.migrator.Up(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := development.migrator.Track(t.Context(), chronodriver.Table{Name: "notes"}, nil, nil); err != nil {
		t.Fatal(err)
	}
	_, err = development.migrator.Export(t.Context(), &chronomigrate.ExportOpts{Track: []chronomigrate.TrackedExport{{Table: chronodriver.Table{Name: "notes"}}}})
	if err == nil || !strings.Contains(err.Error(), "is tracked in this database") {
		t.Errorf("making the file where the table is tracked: %v", err)
	}
}
