package migrationtools_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ariga.io/atlas/sql/migrate"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// oddTables have names that a tool could take for something else, and what has
// triggers on more than one table.
var oddTables = []string{
	`CREATE SCHEMA "Ödd; ""shop"""`,
	`CREATE TABLE "Ödd; ""shop"""."It's; $bun$ $chrononaut$ ?" (id integer PRIMARY KEY, "a;b" text, "--bun:split" text, "{{x}} -- +goose Down" jsonb, "c\d" xml)`,
	`CREATE TABLE events (id integer, day date, note text, secret text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)`,
	`CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`,
}

const oddName = `"Ödd; ""shop"""."It's; $bun$ $chrononaut$ ?"`

func TestToolsRunFilesOfOddTables(t *testing.T) {
	t.Parallel()
	for _, tool := range tools() {
		t.Run(string(tool.format), func(t *testing.T) {
			t.Parallel()
			ctx, dir := t.Context(), t.TempDir()
			development, db := engines[0].open(t), engines[0].open(t)
			development.exec(oddTables...)
			db.exec(oddTables...)
			opts := &chronomigrate.ExportOpts{
				Format: tool.format, Dir: os.DirFS(dir),
				Track: []chronomigrate.TrackedExport{
					{
						Table:   chronodriver.Table{Schema: `Ödd; "shop"`, Name: "It's; $bun$ $chrononaut$ ?"},
						Options: &chronomigrate.TrackOptions{Hidden: []string{"--bun:split", "{{x}} -- +goose Down"}, Untracked: []string{"a;b"}, RecordChanges: true},
					},
					{Table: chronodriver.Table{Name: "events"}, Options: &chronomigrate.TrackOptions{Hidden: []string{"secret"}}},
				},
			}
			export := func() {
				t.Helper()
				files, err := development.migrator.Export(ctx, opts)
				if err != nil {
					t.Fatal(err)
				}
				write(t, dir, files)
				if err := tool.up(ctx, db, dir); err != nil {
					t.Fatalf("up with %s: %v", names(files), err)
				}
				db.requireClean()
			}
			export()
			db.exec(`INSERT INTO `+oddName+` VALUES (1, 'a', 'b', '{}', '<c/>')`, `UPDATE `+oddName+` SET "--bun:split" = 'c'`,
				`INSERT INTO events VALUES (7, '2026-11-25', 'n', 's')`, `TRUNCATE events_2026`)
			db.requireOperations("1", "insert", "update")
			db.requireOperations("7", "insert", "truncate")

			// Meanwhile development has them tracked too.
			if _, err := development.migrator.Up(ctx, nil); err != nil {
				t.Fatal(err)
			}
			for _, track := range opts.Track {
				if _, err := development.migrator.Track(ctx, track.Table, track.Options, nil); err != nil {
					t.Fatal(err)
				}
			}

			// A later migration changes columns; the same call brings the triggers up to date.
			for _, other := range []*database{development, db} {
				other.exec(`ALTER TABLE `+oddName+` ADD COLUMN later jsonb`, `ALTER TABLE events DROP COLUMN note`)
			}
			export()
			if found, err := filepath.Glob(filepath.Join(dir, "*_chrononaut_retrack_*")); err != nil || len(found) < 2 {
				t.Errorf("files that bring triggers up to date: %v, %v", found, err)
			}
			db.exec(`DELETE FROM ` + oddName)
			db.requireOperations("1", "insert", "update", "delete")

			if tool.format == chronomigrate.FormatAtlas {
				return
			}
			db.exec(`INSERT INTO chrononaut.chrononaut_setting (name, value) VALUES ('drop_history', 'true')`)
			if err := tool.down(ctx, db, dir); err != nil {
				t.Fatalf("down: %v", err)
			}
			db.exec(`INSERT INTO `+oddName+` (id) VALUES (2)`, `INSERT INTO events (id, day) VALUES (7, '2026-11-25')`, `TRUNCATE events`)
		})
	}
}

func TestANameThatIsALineOfTheToolIsRefused(t *testing.T) {
	t.Parallel()
	db := engines[0].open(t)
	db.exec("CREATE TABLE odd (id integer PRIMARY KEY, \"x\n-- +goose Down\n--bun:split\n-- chrononaut:end\n\" text)")
	for _, format := range chronomigrate.Formats() {
		_, err := db.migrator.Export(t.Context(), &chronomigrate.ExportOpts{Format: format, Track: []chronomigrate.TrackedExport{{Table: chronodriver.Table{Name: "odd"}}}})
		plain := format == chronomigrate.FormatSQL || format == chronomigrate.FormatGolangMigrate
		if plain && err != nil || !plain && !errors.Is(err, chronomigrate.ErrOption) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestAtlasAcceptsTheChecksums(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	theirs := map[string]string{
		"20260101000000_first.sql":  "CREATE TABLE a (id int);\n",
		"20260102000000_second.sql": "-- atlas:sum ignore\n\nCREATE TABLE b (id int);\n",
		"20260103000000_third.sql":  "CREATE TABLE c (id int);\n-- atlas:sum ignore\n",
		"README.md":                 "not a migration",
	}
	for name, content := range theirs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	local, err := migrate.NewLocalDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := local.Checksum()
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate.WriteSumFile(local, sum); err != nil {
		t.Fatal(err)
	}
	opts := &chronomigrate.ExportOpts{Format: chronomigrate.FormatAtlas, Dir: os.DirFS(dir)}
	files, err := chronomigrate.Export(chronodriver.PostgreSQL, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, files)
	if err := migrate.Validate(local); err != nil {
		t.Errorf("Atlas does not accept the directory with %s: %v", names(files), err)
	}
	for _, file := range files {
		if file.Name == "atlas.sum" && strings.Count(file.Content, "\n") != len(files)-1+2+1 {
			t.Errorf("atlas.sum does not have each file once:\n%s", file.Content)
		}
	}
	// What somebody edited is not signed.
	edited := filepath.Join(dir, "20260101000000_first.sql")
	if err := os.WriteFile(edited, []byte("DROP TABLE a;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := chronomigrate.Export(chronodriver.PostgreSQL, nil, opts); !errors.Is(err, chronomigrate.ErrOption) {
		t.Errorf("a directory that was edited: %v", err)
	}
}
