package chronomigrate_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

var exportTime = time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC)

func export(t *testing.T, opts *chronomigrate.ExportOpts) []chronomigrate.File {
	t.Helper()
	opts.Now = exportTime
	files, err := chronomigrate.Export(chronodriver.PostgreSQL, nil, opts)
	if err != nil {
		t.Fatalf("Export(%+v) = %v", opts, err)
	}
	return files
}

func TestExportNumbersFilesLikeThoseThatAreThere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		format chronomigrate.Format
		there  []string
		want   string
	}{
		"plain scripts have no numbers":       {chronomigrate.FormatSQL, nil, "chrononaut_001_history.up.sql"},
		"goose numbers by time":               {chronomigrate.FormatGoose, nil, "20261125093000_chrononaut_001_history.sql"},
		"goose goes on counting":              {chronomigrate.FormatGoose, []string{"00001_a.sql", "00012_b.sql"}, "00013_chrononaut_001_history.sql"},
		"the time is after all that is there": {chronomigrate.FormatGoose, []string{"20261231235959_late.sql"}, "20270101000000_chrononaut_001_history.sql"},
		"a number that is no time goes on":    {chronomigrate.FormatGoose, []string{"20269999999999_odd.sql"}, "20270000000000_chrononaut_001_history.sql"},
		"golang-migrate counts":               {chronomigrate.FormatGolangMigrate, nil, "000001_chrononaut_001_history.up.sql"},
		"golang-migrate goes on counting":     {chronomigrate.FormatGolangMigrate, []string{"007_a.up.sql", "007_a.down.sql"}, "008_chrononaut_001_history.up.sql"},
		"golang-migrate goes on by time":      {chronomigrate.FormatGolangMigrate, []string{"20260101000000_a.up.sql"}, "20261125093000_chrononaut_001_history.up.sql"},
		"what is no migration does not count": {chronomigrate.FormatGolangMigrate, []string{"README.md", "seed.sql", "9_notes.txt"}, "000001_chrononaut_001_history.up.sql"},
		"bun":                                 {chronomigrate.FormatBun, nil, "20261125093000_chrononaut_001_history.tx.up.sql"},
		"atlas":                               {chronomigrate.FormatAtlas, nil, "20261125093000_chrononaut_001_history.sql"},
	} {
		dir := fstest.MapFS{}
		for _, file := range test.there {
			dir[file] = &fstest.MapFile{}
		}
		if got := export(t, &chronomigrate.ExportOpts{Format: test.format, Dir: dir, To: 1})[0].Name; got != test.want {
			t.Errorf("%s: the first file is %s, want %s", name, got, test.want)
		}
	}
}

func TestExportWritesFilesOnce(t *testing.T) {
	t.Parallel()
	for _, format := range chronomigrate.Formats() {
		dir := fstest.MapFS{}
		opts := &chronomigrate.ExportOpts{Format: format, Dir: dir, To: 1}
		for _, file := range export(t, opts) {
			if file.Present {
				t.Errorf("%s: %s is there before it is written", format, file.Name)
			}
			dir[file.Name] = &fstest.MapFile{Data: []byte(file.Content)}
		}
		count := len(dir)
		opts.To = 0
		for _, file := range export(t, opts) {
			if file.Present {
				count--
			}
			if strings.Contains(file.Name, "001_history") && !file.Present {
				t.Errorf("%s: it would write %s again", format, file.Name)
			}
		}
		for name, file := range dir {
			if strings.Contains(name, "001_history") {
				file.Data = append(file.Data, "-- edited\n"...)
			}
		}
		if _, err := chronomigrate.Export(chronodriver.PostgreSQL, nil, opts); !errors.Is(err, chronomigrate.ErrOption) {
			t.Errorf("%s: after a file was edited: %v, want ErrOption", format, err)
		}
	}
}

func TestExportRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]*chronomigrate.ExportOpts{
		"no such format":          {Format: "flyway"},
		"from after the newest":   {From: 1000},
		"to after the newest":     {To: 1000},
		"a negative version":      {From: -1},
		"to before from":          {From: 2, To: 1},
		"down where files do it":  {Format: chronomigrate.FormatGoose, Down: true},
		"a table, no database":    {Track: []chronomigrate.TrackedExport{{Table: chronodriver.Table{Name: "todos"}}}},
		"checksums that are gone": {Format: chronomigrate.FormatAtlas, Dir: fstest.MapFS{"1_a.sql": &fstest.MapFile{Data: []byte("SELECT 1;")}}},
		"checksums that do not fit": {Format: chronomigrate.FormatAtlas, Dir: fstest.MapFS{
			"1_a.sql": &fstest.MapFile{Data: []byte("SELECT 1;")}, "atlas.sum": &fstest.MapFile{Data: []byte("h1:abc=\n")},
		}},
	} {
		if _, err := chronomigrate.Export(chronodriver.PostgreSQL, nil, opts); !errors.Is(err, chronomigrate.ErrOption) {
			t.Errorf("%s: Export() = %v, want ErrOption", name, err)
		}
	}
}

// TestExportedRanges runs the migrations in two parts, cut at every version.
func TestExportedRanges(t *testing.T) {
	t.Parallel()
	whole := export(t, &chronomigrate.ExportOpts{})
	latest := len(whole) / 2
	for cut := range latest + 1 {
		first, second := []chronomigrate.File{}, []chronomigrate.File{}
		if cut > 0 {
			first = export(t, &chronomigrate.ExportOpts{To: cut})
		}
		if cut < latest {
			second = export(t, &chronomigrate.ExportOpts{From: cut})
		}
		if diff := cmp.Diff(whole, append(append([]chronomigrate.File{}, first...), second...)); diff != "" {
			t.Fatalf("cut at version %d (-whole +parts):\n%s", cut, diff)
		}
	}

	db := pgtest.New(t)
	f := &fixture{T: t, db: db, pool: db.Pool(t)}
	var err error
	if f.migrator, err = chronomigrate.New(chronopgx.NewDriver(f.pool, nil), nil); err != nil {
		t.Fatal(err)
	}
	f.conn = f.connect()
	ups, downs := []string{}, []string{}
	for _, file := range whole {
		if file.Down {
			downs = append(downs, file.Content)
		} else {
			ups = append(ups, file.Content)
		}
	}
	if latest > 1 {
		f.refused("55000", ups[1]) // nothing is installed
	}
	for i, up := range ups {
		f.exec(up)
		if got := f.status().Version; got != i+1 {
			t.Fatalf("after migration %d, history is at version %d", i+1, got)
		}
		f.refused("55000", up)
		if i+1 < latest {
			f.refused("55000", downs[i+1])
		}
	}
	f.wantCheck()
	for i := latest - 1; i >= 0; i-- {
		f.exec(downs[i])
		if got := f.status().Version; got != i {
			t.Fatalf("after migration %d went back, history is at version %d", i+1, got)
		}
	}

	// What a file installs in part, up completes.
	f.exec(ups[0])
	if _, err := f.migrator.Up(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	f.wantCheck()
}

func TestExportedSchemaOfAnotherName(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := &fixture{T: t, db: db, pool: db.Pool(t)}
	config := &chronomigrate.Config{Schema: `Odd "name" $chrononaut$;`}
	f.migrator, f.conn = f.newMigrator(config), f.connect()
	files, err := chronomigrate.Export(chronodriver.PostgreSQL, config, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !file.Down {
			f.exec(file.Content)
		}
	}
	f.wantCheck()
	for i := len(files) - 1; i >= 0; i-- {
		if files[i].Down {
			f.exec(files[i].Content)
		}
	}
	if got := f.status().Version; got != 0 {
		t.Errorf("history is at version %d", got)
	}
}

func TestExportedTrackingThatChanged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE todos (id integer PRIMARY KEY)`)
	dir := fstest.MapFS{}
	names := func(format chronomigrate.Format) (string, error) {
		files, err := f.migrator.Export(t.Context(), &chronomigrate.ExportOpts{
			Format: format, From: f.status().Latest, Dir: dir, Now: exportTime,
			Track: []chronomigrate.TrackedExport{{Table: chronodriver.Table{Name: "todos"}}},
		})
		var written []string
		for _, file := range files {
			if !file.Present {
				dir[file.Name] = &fstest.MapFile{Data: []byte(file.Content)}
				written = append(written, file.Name)
			}
		}
		return strings.Join(written, " "), err
	}
	for i, test := range []struct {
		format chronomigrate.Format
		change string
		want   string
	}{
		{chronomigrate.FormatGoose, "", "20261125093000_chrononaut_track_todos.sql"},
		{chronomigrate.FormatGoose, "", ""},
		{chronomigrate.FormatGoose, `ALTER TABLE todos ADD COLUMN a jsonb`, "20261125093001_chrononaut_retrack_todos.sql"},
		{chronomigrate.FormatGoose, "", ""},
		{chronomigrate.FormatGoose, `ALTER TABLE todos ADD COLUMN b jsonb`, "20261125093002_chrononaut_retrack_todos.sql"},
		// The table is as it was once more, and the newest file is for another.
		{chronomigrate.FormatGoose, `ALTER TABLE todos DROP COLUMN b`, "20261125093003_chrononaut_retrack_todos.sql"},
		{chronomigrate.FormatSQL, "", "chrononaut_track_todos.up.sql chrononaut_track_todos.down.sql"},
		{chronomigrate.FormatSQL, `ALTER TABLE todos ADD COLUMN c jsonb`, "chrononaut_retrack_todos.up.sql chrononaut_retrack_todos.down.sql"},
	} {
		if test.change != "" {
			f.exec(test.change)
		}
		if got, err := names(test.format); err != nil || got != test.want {
			t.Errorf("step %d writes %q, %v, want %q", i, got, err, test.want)
		}
	}
	// A script without a number cannot be there twice.
	f.exec(`ALTER TABLE todos ADD COLUMN d jsonb`)
	if got, err := names(chronomigrate.FormatSQL); !errors.Is(err, chronomigrate.ErrOption) {
		t.Errorf("a third script: %q, %v, want ErrOption", got, err)
	}
}
