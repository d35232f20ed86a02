package migrationtools_test

import (
	"os"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func TestToolsRunTheFilesAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		for _, tool := range tools() {
			t.Run(string(tool.format)+" on "+string(engine.dialect), func(t *testing.T) {
				t.Parallel()
				testTool(t, tool, engine.open(t), engine.open(t))
			})
		}
	}
}

// testTool makes files with one database and runs them on another.
func testTool(t *testing.T, tool *tool, development, db *database) {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	development.exec(todosTable...)
	db.exec(todosTable...)
	db.exec(`INSERT INTO todos (id, title) VALUES (1, 'before')`)
	opts := &chronomigrate.ExportOpts{
		Format: tool.format, Dir: os.DirFS(dir),
		Track: []chronomigrate.TrackedExport{{
			Table:   chronodriver.Table{Name: "todos"},
			Options: &chronomigrate.TrackOptions{Hidden: []string{"password"}, Untracked: []string{"seen"}},
		}},
	}
	files, err := development.migrator.Export(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	if development.version(ctx) != 0 {
		t.Error("making files installs history")
	}
	write(t, dir, files)

	// Up.
	if err := tool.up(ctx, db, dir); err != nil {
		t.Fatalf("up with %s: %v", names(files), err)
	}
	db.requireClean()
	db.exec(`UPDATE todos SET title = 'after', password = 'secret'`, `UPDATE todos SET seen = '2026-11-25 09:00:00'`)
	db.requireOperations("1", "baseline", "update")

	// The files are written once.
	again, err := development.migrator.Export(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range again {
		if !file.Present {
			t.Errorf("a second time, it would write %s", file.Name)
		}
	}

	// Down: history is not lost by accident.
	if tool.format == chronomigrate.FormatAtlas {
		back := *opts
		back.Down = true
		if files, err = development.migrator.Export(ctx, &back); err != nil {
			t.Fatal(err)
		}
		write(t, dir, files)
	}
	if err := tool.down(ctx, db, dir); err == nil || !strings.Contains(err.Error(), "there is history") {
		t.Fatalf("down, while there is history: %v", err)
	}
	if got := db.version(ctx); got == 0 {
		t.Fatal("history is gone")
	}
	db.exec(`UPDATE todos SET title = 'not tracked'`)
	db.requireOperations("1", "baseline", "update")
	db.exec(`INSERT INTO ` + db.history("chrononaut_setting") + ` (name, value) VALUES ('drop_history', 'true')`)
	if err := tool.down(ctx, db, dir); err != nil {
		t.Fatalf("down: %v", err)
	}
	if got := db.version(ctx); got != 0 {
		t.Errorf("after going down, history is at version %d", got)
	}
	db.exec(`INSERT INTO todos (id, title) VALUES (2, 'not tracked')`)

	// Up again.
	if tool.format == chronomigrate.FormatAtlas {
		// Atlas only goes forward: what went down comes back under new numbers.
		if files, err = development.migrator.Export(ctx, opts); err != nil {
			t.Fatal(err)
		}
		write(t, dir, files)
	}
	if err := tool.up(ctx, db, dir); err != nil {
		t.Fatalf("up again: %v", err)
	}
	db.requireClean()
	db.exec(`DELETE FROM todos WHERE id = 2`)
	db.requireOperations("2", "baseline", "delete")
}
