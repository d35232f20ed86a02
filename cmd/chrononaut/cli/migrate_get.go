package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// getFlags are the flags of migrate get.
type getFlags struct {
	format, engine string
	from, to       int
	down           bool
	output         string
	tables         []string
	track          trackFlags
}

// fileJSON is a file for a migration tool. Written says what --output did.
type fileJSON struct {
	Name    string `json:"name"`
	Down    bool   `json:"down"`
	Written bool   `json:"written"`
	Content string `json:"content"`
}

type filesJSON struct {
	Format string     `json:"format"`
	Files  []fileJSON `json:"files"`
}

func (a *app) getCommand() *cobra.Command {
	f := &getFlags{}
	cmd := &cobra.Command{
		Use:   "get",
		Short: "Write the history schema as files for a migration tool",
		Long: `Get prints the migrations of the history schema, or with --output writes them to
a directory, as files that a migration tool runs as they are:

  goose            YYYYMMDDHHMMSS_name.sql
  golang-migrate   NNNNNN_name.up.sql and .down.sql
  atlas            YYYYMMDDHHMMSS_name.sql and atlas.sum
  bun              YYYYMMDDHHMMSS_name.tx.up.sql and .tx.down.sql
  sql              plain scripts, to be run in one transaction each

Numbers follow those that the directory has, in the way of those. A file that is
there is not written again, and none is changed, so get can be repeated with
every new version of chrononaut. --from N leaves out what is installed already.

The files keep the record of versions that migrate up and migrate status use.
Going back is refused while a table is tracked, and, because it would delete
history for good, while there is any: see docs/migrations.md.

With --track the files also make tables tracked. The triggers of a table are made
for its columns, so this reads a database that has the table with the same
schema, for example the one of development, and changes nothing there. Without
--track it does not connect: the database URL, or --engine, only says for which
kind of database.`,
		Example: `  chrononaut migrate get --format goose --output migrations
  chrononaut migrate get --format golang-migrate --output migrations --track todos --hidden password
  chrononaut migrate get --engine postgresql > history.sql
  chrononaut migrate get --down`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.get(cmd, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "sql", "goose, golang-migrate, atlas, bun or sql")
	flags.StringVar(&f.engine, "engine", "", "postgresql or sqlite, where no database URL says it")
	flags.IntVar(&f.from, "from", 0, "the version of the history schema that is there before")
	flags.IntVar(&f.to, "to", 0, "the version that is there afterwards (default: the newest)")
	flags.BoolVar(&f.down, "down", false, "print what goes back; for atlas, write a migration that does")
	flags.StringVarP(&f.output, "output", "o", "", "write to this directory")
	flags.StringArrayVar(&f.tables, "track", nil, "also track this table; can be repeated")
	flags.StringVar(&f.track.hidden, "hidden", "", "with one --track: columns whose values are never recorded: a,b")
	flags.StringVar(&f.track.untracked, "untracked", "", "with one --track: columns that never enter history: a,b")
	flags.StringVar(&f.track.versionColumn, "version-column", "", "with one --track: the column for the version")
	flags.BoolVar(&f.track.strict, "strict", false, "with one --track: refuse writes that carry no rationale or extra information")
	flags.BoolVar(&f.track.recordChanges, "record-changes", false, "with one --track: keep who changed a row last on the row itself")
	return cmd
}

func (a *app) get(cmd *cobra.Command, f *getFlags) error {
	opts, err := a.exportOpts(cmd, f)
	if err != nil {
		return err
	}
	if f.output != "" {
		if err := os.MkdirAll(f.output, 0o755); err != nil {
			return fmt.Errorf("make the directory %s: %w", quoteArg(f.output), bare(err))
		}
		opts.Dir = os.DirFS(f.output)
	}
	files, err := a.export(cmd, f, opts)
	if err != nil {
		return err
	}
	if f.output != "" {
		return a.writeFiles(cmd.Context(), f, files)
	}
	return a.printFiles(f, files)
}

func (a *app) exportOpts(cmd *cobra.Command, f *getFlags) (*chronomigrate.ExportOpts, error) {
	given := cmd.Flags().Changed
	opts := &chronomigrate.ExportOpts{Format: chronomigrate.Format(f.format), From: f.from, To: f.to}
	if given("to") && f.to < 1 {
		return nil, usagef("", "--to must be at least 1")
	}
	if f.down && f.output != "" && opts.Format != chronomigrate.FormatAtlas {
		return nil, usagef("leave out --down.", "with --output, files for both directions are written")
	}
	if f.down && opts.Format == chronomigrate.FormatGoose {
		return nil, usagef("leave out --down.", "a file of goose goes both ways")
	}
	opts.Down = f.down && opts.Format == chronomigrate.FormatAtlas
	for _, name := range []string{"hidden", "untracked", "version-column", "strict", "record-changes"} {
		if given(name) && len(f.tables) != 1 {
			return nil, usagef("chrononaut migrate get --track TABLE --"+name+", once for each table.", "--%s needs one --track", name)
		}
	}
	return opts, nil
}

// export makes the files; it connects only where tables are to be tracked.
func (a *app) export(cmd *cobra.Command, f *getFlags, opts *chronomigrate.ExportOpts) ([]chronomigrate.File, error) {
	if len(f.tables) == 0 {
		dialect, err := a.dialect(f.engine)
		if err != nil {
			return nil, err
		}
		return chronomigrate.Export(dialect, &chronomigrate.Config{Schema: a.schema}, opts)
	}
	if f.engine != "" {
		return nil, usagef("leave out --engine; the database says it.", "--track reads the tables from the database")
	}
	if a.databaseURL == "" && a.Env("DATABASE_URL") == "" {
		return nil, usagef("set DATABASE_URL, or give --database-url, to a database that has the table with the same schema.",
			"--track reads the columns of the table from a database, and none is given")
	}
	change, err := f.track.changes(cmd)
	if err != nil {
		return nil, err
	}
	var files []chronomigrate.File
	err = a.withDatabase(cmd.Context(), false, func(db *database) error {
		status, err := db.migrator.Status(cmd.Context())
		if err != nil {
			return err
		}
		if status.Version > 0 && status.Version < status.Latest {
			// What its registry says of the tables cannot be read yet.
			return hinted(fmt.Errorf("history is at version %d of %d: %w", status.Version, status.Latest, chronomigrate.ErrNoHistory), "bring this database to the newest version first.")
		}
		for _, arg := range f.tables {
			track := chronomigrate.TrackedExport{}
			if track.Table, err = parseTable(arg); err != nil {
				return err
			}
			options := chronomigrate.TrackOptions{}
			if status.Version > 0 {
				entry, table, _, err := db.tracked(cmd.Context(), track.Table)
				if err != nil {
					return fmt.Errorf("track %s: %w", track.Table, err)
				}
				track.Table = table
				if entry != nil {
					options = entry.Options
				}
			}
			change(&options)
			track.Options = &options
			opts.Track = append(opts.Track, track)
		}
		files, err = db.migrator.Export(cmd.Context(), opts)
		return err
	})
	return files, err
}

// dialect is that of --engine, or of the database URL.
func (a *app) dialect(engine string) (chronodriver.Dialect, error) {
	switch engine {
	case "":
		t, err := a.target()
		var usage *usageError
		if errors.As(err, &usage) {
			return "", usagef(strings.TrimSuffix(usage.try, ".")+"; or give --engine.", "%s", usage.message)
		}
		return t.dialect, err
	case "postgresql", "postgres":
		return chronodriver.PostgreSQL, nil
	case "sqlite":
		return chronodriver.SQLite, nil
	}
	return "", usagef("postgresql or sqlite.", "there is no engine %s", quoteArg(engine))
}

// printFiles prints the files of one direction.
func (a *app) printFiles(f *getFlags, files []chronomigrate.File) error {
	shape := filesJSON{f.format, []fileJSON{}}
	var shown []chronomigrate.File
	for _, file := range files {
		shape.Files = append(shape.Files, fileJSON{file.Name, file.Down, false, file.Content})
		isSum := strings.HasSuffix(file.Name, ".sum")
		if !isSum && (file.Down == f.down || f.format == string(chronomigrate.FormatAtlas)) {
			shown = append(shown, file)
		}
	}
	if a.json {
		return a.out.json(shape)
	}
	if f.down && f.format != string(chronomigrate.FormatAtlas) {
		// What was built last goes first.
		for i, j := 0, len(shown)-1; i < j; i, j = i+1, j-1 {
			shown[i], shown[j] = shown[j], shown[i]
		}
	}
	for i, file := range shown {
		// A file alone is printed as it is, for some tools begin with a line of
		// their own.
		if len(shown) > 1 {
			if i > 0 {
				a.out.line("")
			}
			a.out.line("-- %s", file.Name)
		}
		fmt.Fprint(a.out.w, file.Content)
	}
	if len(shown) == 0 {
		a.out.remark("there is nothing after version %d", f.from)
	}
	if f.format == string(chronomigrate.FormatAtlas) {
		a.out.remark("--output DIR also writes the checksums, atlas.sum")
	}
	return nil
}

// writeFiles writes the files that are not there. The checksums of Atlas, the
// only file that is replaced, come last.
func (a *app) writeFiles(ctx context.Context, f *getFlags, files []chronomigrate.File) error {
	shape := filesJSON{f.format, []fileJSON{}}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(f.output, file.Name)
		if !file.Present {
			if err := writeFile(path, file.Content, strings.HasSuffix(file.Name, ".sum")); err != nil {
				return fmt.Errorf("write %s: %w", quoteArg(path), bare(err))
			}
		}
		shape.Files = append(shape.Files, fileJSON{file.Name, file.Down, !file.Present, file.Content})
		switch {
		case a.json:
		case file.Present:
			a.out.line("%s is there already", clean(path))
		default:
			a.out.line("wrote %s", clean(path))
		}
	}
	if a.json {
		return a.out.json(shape)
	}
	if len(files) == 0 {
		a.out.remark("there is nothing after version %d", f.from)
	}
	return nil
}

func writeFile(path, content string, replace bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if replace {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fs.ErrExist
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Close())
}
