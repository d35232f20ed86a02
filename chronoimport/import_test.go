package chronoimport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// list is a source that is held in memory.
type list []chronoimport.Change

func (list) Name() string { return "list" }

func (l list) Changes(context.Context, chronodriver.Queryer, *chronoimport.Target) iter.Seq2[chronoimport.Change, error] {
	return func(yield func(chronoimport.Change, error) bool) {
		for _, c := range l {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// notes are changes of n records, each of so many versions, a day apart.
func notes(n, versions int) list {
	var l list
	for id := range n {
		for v := range versions {
			operation := chrononaut.OperationUpdate
			if v == 0 {
				operation = chrononaut.OperationInsert
			}
			l = append(l, chronoimport.Change{
				ID: fmt.Sprintf("%d.%d", id, v), Key: json.RawMessage(fmt.Sprintf(`{"id": "%d"}`, id)), Operation: operation,
				Changed: date("2024-01-01T00:00:00Z").AddDate(0, 0, v), Actor: []string{"ann", "bob"}[v%2], Rationale: fmt.Sprintf("reason %d", v),
				State: map[string]json.RawMessage{"text": json.RawMessage(fmt.Sprintf(`"v%d"`, v))},
			})
		}
	}
	return l
}

const notesTable = `CREATE TABLE notes (id integer PRIMARY KEY, text varchar(10), secret text, seen integer)`

var notesOptions = &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"seen"}}

func TestImport(t *testing.T) {
	t.Parallel()

	t.Run("what was imported is read like any history, and capture goes on", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, notesTable, `INSERT INTO notes VALUES (0, 'v2')`)
		f.track("notes", notesOptions)
		f.load("notes", notes(2, 3), nil)
		f.exec(`UPDATE notes SET text = 'live' WHERE id = 0`, `INSERT INTO notes VALUES (1, 'again')`, `DELETE FROM notes WHERE id = 0`)
		f.wantLines("notes", 0,
			`insert 2024-01-01T00:00:00Z by "ann" id "0.0": {"id":0,"text":"v0"}`,
			`update 2024-01-02T00:00:00Z by "bob" id "0.1": {"id":0,"text":"v1"}`,
			`update 2024-01-03T00:00:00Z by "ann" id "0.2": {"id":0,"text":"v2"}`,
			`update now by "" id "": {"id":0,"text":"live"}`,
			`delete now by "" id "": {"id":0,"text":"live"}`)
		ctx, h := t.Context(), chrononaut.NewHistory[record](f.client, f.name("notes"), nil)
		at, err := h.At(ctx, 0, date("2024-01-02T12:00:00Z"))
		if err != nil || at.Version != 1 || at.Rationale != "reason 1" || at.TransactionID != 0 || at.DatabaseUser != "" {
			t.Errorf("At() = %+v, %v; want version 1 with its reason, of no known transaction", at, err)
		}
		previous, err := h.Previous(ctx, 1)
		if err != nil || previous.Version != 2 {
			t.Errorf("Previous() = %+v, %v; want version 2", previous, err)
		}
		diff, err := h.DiffVersions(ctx, 0, 0, 2)
		if err != nil || len(diff) != 1 {
			t.Errorf("DiffVersions() = %+v, %v; want text", diff, err)
		}
		log, err := f.client.Activity(ctx, &chrononaut.ActivityOpts{Actor: "bob", Since: date("2024-01-02T00:00:00Z"), Until: date("2024-01-02T00:00:00Z")})
		if err != nil || len(log) != 2 {
			t.Errorf("Activity() = %d changes, %v; want 2", len(log), err)
		}
	})

	t.Run("a version column that was there goes on, however far it is", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, `CREATE TABLE notes (id integer PRIMARY KEY, text text, lock_version integer)`, `INSERT INTO notes VALUES (0, 'v2', 1), (1, 'v2', 2)`)
		f.track("notes", &chronomigrate.TrackOptions{VersionColumn: "lock_version"})
		f.load("notes", notes(2, 3), nil)
		f.exec(`UPDATE notes SET text = 'live'`)
		for id := range 2 {
			var last string
			if err := f.pool.QueryRow(t.Context(), `SELECT string_agg(concat_ws('/', version, data ->> 'version', data ->> 'lock_version'), ' ' ORDER BY version)
				FROM chrononaut.chrononaut_activity WHERE key = jsonb_build_object('id', $1::integer)`, id).Scan(&last); err != nil {
				t.Fatal(err)
			}
			if want := "0/0/0 1/1/1 2/2/2 3/3/3"; last != want {
				t.Errorf("versions of %d: got %s, want %s", id, last, want)
			}
		}
	})

	t.Run("a second run imports nothing twice, and what is new", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, notesTable)
		f.track("notes", notesOptions)
		for _, chunk := range []int{1, 2, 7, 1000} {
			f.wantCounts(f.load("notes", notes(3, 5), &chronoimport.Options{ChunkSize: chunk, DryRun: true}), 15, 0, 0, 0)
		}
		f.wantCounts(f.load("notes", notes(3, 2), &chronoimport.Options{ChunkSize: 4}), 6, 0, 0, 0)
		for _, chunk := range []int{1, 2, 7, 1000} {
			f.wantCounts(f.load("notes", notes(3, 2), &chronoimport.Options{ChunkSize: chunk}), 0, 6, 0, 0)
		}
		f.wantCounts(f.load("notes", notes(4, 5), &chronoimport.Options{ChunkSize: 3}), 14, 6, 0, 0)
		if n := len(f.lines("notes", 2)); n != 5 {
			t.Errorf("versions of 2: got %d, want 5", n)
		}
	})

	t.Run("a run that was interrupted goes on", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, notesTable)
		f.track("notes", notesOptions)
		ctx, cancel := context.WithCancel(t.Context())
		result, err := chronoimport.Import(ctx, f.driver, f.name("notes"), notes(5, 5), &chronoimport.Options{ChunkSize: 3, Progress: func(p chronoimport.Progress) {
			if p.Imported >= 9 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || result.Imported != 9 {
			t.Fatalf("Import() = %d imported, %v; want 9 and a cancelled context", result.Imported, err)
		}
		f.wantCounts(f.load("notes", notes(5, 5), &chronoimport.Options{ChunkSize: 4}), 16, 9, 0, 0)
		for id := range 5 {
			if n := len(f.lines("notes", id)); n != 5 {
				t.Errorf("versions of %d: got %d, want 5", id, n)
			}
		}
	})

	t.Run("a record with a history of its own is left alone", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, notesTable, `INSERT INTO notes VALUES (0, 'x'), (1, 'x')`)
		f.track("notes", notesOptions)
		f.exec(`UPDATE notes SET text = 'own' WHERE id = 0`)
		f.wantCounts(f.load("notes", notes(2, 3), &chronoimport.Options{ChunkSize: 2}), 3, 0, 3, 0)
		f.exec(`UPDATE notes SET text = 'own' WHERE id = 1`)
		// What came to the source after that is not put behind it.
		f.wantCounts(f.load("notes", notes(2, 5), nil), 0, 3, 7, 0)
		if got := f.lines("notes", 0); len(got) != 2 {
			t.Errorf("versions of 0: got %v, want two", got)
		}
	})

	t.Run("bad changes are named without their values, and stop the import or are left out", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, notesTable)
		f.track("notes", notesOptions)
		source := notes(3, 4)
		source[1].State = map[string]json.RawMessage{"text": json.RawMessage(`"too long to fit in"`)}
		source[4].Key = json.RawMessage(`{"id": "hunter2"}`)
		source[6].Extra = map[string]any{"note": "nul \x00 hunter2"}
		source[7].Operation = "replace"
		source[9].Key = json.RawMessage(`{"id": null}`)
		source[10].Changed = time.Time{}
		result, err := chronoimport.Import(t.Context(), f.driver, f.name("notes"), source, nil)
		var bad *chronoimport.BadChangeError
		if !errors.As(err, &bad) || result.Imported != 0 {
			t.Errorf("Import() = %d, %v; want a BadChangeError and nothing imported", result.Imported, err)
		}
		var reasons []string
		result = f.load("notes", source, &chronoimport.Options{SkipBad: true, ChunkSize: 5, Bad: func(b *chronoimport.BadChangeError) { reasons = append(reasons, b.ID+": "+b.Reason) }})
		f.wantCounts(result, 6, 0, 0, 6)
		slices.Sort(reasons)
		want := []string{
			"0.1: column text cannot hold the value that it has there (SQLSTATE 22001)",
			"1.0: column id cannot hold the value that it has there (SQLSTATE 22P02)",
			"1.2: it holds the character NUL",
			"1.3: its operation is not known",
			"2.1: its key lacks column id",
			"2.2: it has no time",
		}
		if diff := cmp.Diff(want, reasons); diff != "" {
			t.Errorf("bad changes (-want +got):\n%s", diff)
		}
		f.wantNowhere("hunter2")
		if n := len(f.lines("notes", 0)); n != 3 {
			t.Errorf("versions of 0: got %d, want 3 without a gap", n)
		}
		f.wantCounts(f.load("notes", source, &chronoimport.Options{SkipBad: true}), 0, 6, 0, 6)
	})

	t.Run("a past that is no longer the imported one is not continued", func(t *testing.T) {
		t.Parallel()
		for _, chunk := range []int{1, 2, 3, 1000} {
			f := newFixture(t, notesTable)
			f.track("notes", notesOptions)
			source := notes(2, 5)
			source[1].Operation = "not yet known"
			f.wantCounts(f.load("notes", source[:9], &chronoimport.Options{SkipBad: true}), 8, 0, 0, 1)
			// The second change of 0 is good now, and those after it are not where they were.
			f.wantCounts(f.load("notes", notes(2, 5), &chronoimport.Options{ChunkSize: chunk}), 1, 5, 4, 0)
			f.wantLines("notes", 0,
				`insert 2024-01-01T00:00:00Z by "ann" id "0.0": {"id":0,"text":"v0"}`,
				`update 2024-01-03T00:00:00Z by "ann" id "0.2": {"id":0,"text":"v2"}`,
				`update 2024-01-04T00:00:00Z by "bob" id "0.3": {"id":0,"text":"v3"}`,
				`update 2024-01-05T00:00:00Z by "ann" id "0.4": {"id":0,"text":"v4"}`)
		}
	})

	t.Run("columns are hidden, left out, kept and renamed", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, notesTable)
		f.track("notes", notesOptions)
		source := notes(1, 3)
		for v, secret := range []string{`"s3cr3t"`, `"s3cr3t"`, `"other"`} {
			source[v].State = map[string]json.RawMessage{
				"body": json.RawMessage(`"x"`), "secret": json.RawMessage(secret),
				"seen": json.RawMessage("77"), "color": json.RawMessage(`"red"`), "password": json.RawMessage(`"s3cr3t"`),
			}
		}
		source[0].Extra = map[string]any{"secret": "s3cr3t", "hidden_cols_changed": []string{"seen"}}
		source[2].State["text"] = json.RawMessage(`"real"`) // has the present name too
		result := f.load("notes", source, &chronoimport.Options{Keep: []string{"color"}, Rename: map[string]string{"body": "text"}})
		if diff := cmp.Diff(map[string]int64{"color": 3, "password": 3}, result.Unknown); diff != "" {
			t.Errorf("unknown columns (-want +got):\n%s", diff)
		}
		if got := f.lines("notes", 0)[0]; !strings.HasSuffix(got, `: {"color":"red","id":0,"text":"x"}`) {
			t.Errorf("the first state: got %s", got)
		}
		if got := f.lines("notes", 0)[2]; !strings.HasSuffix(got, `"text":"real"}`) {
			t.Errorf("the last state: got %s", got)
		}
		if diff := cmp.Diff([]string{"[secret]", "[]", "[secret]"}, f.hiddenChanges("notes", 0)); diff != "" {
			t.Errorf("changes of hidden columns (-want +got):\n%s", diff)
		}
		f.wantNowhere("s3cr3t")
	})

	t.Run("a table that was never tracked is imported only when its hidden columns are said", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, notesTable, `INSERT INTO notes VALUES (0, 'v1')`)
		_, err := chronoimport.Import(t.Context(), f.driver, f.name("notes"), notes(1, 2), nil)
		if !errors.Is(err, chronoimport.ErrNotTracked) {
			t.Errorf("never tracked: got %v, want ErrNotTracked", err)
		}
		_, err = chronoimport.Import(t.Context(), f.driver, f.name("notes"), notes(1, 2), &chronoimport.Options{NeverTracked: true, Hidden: []string{"secrets"}})
		if !errors.Is(err, chronoimport.ErrHidden) {
			t.Errorf("no such hidden column: got %v, want ErrHidden", err)
		}
		f.load("notes", notes(1, 2), &chronoimport.Options{NeverTracked: true, Hidden: []string{"secret"}})
		f.track("notes", notesOptions)
		f.exec(`UPDATE notes SET text = 'live'`)
		if n := len(f.lines("notes", 0)); n != 3 {
			t.Errorf("versions: got %d, want 3", n)
		}
	})

	t.Run("a column version of a table that was never tracked has to be decided on first", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, `CREATE TABLE notes (id integer PRIMARY KEY, text text, version text)`)
		_, err := chronoimport.Import(t.Context(), f.driver, f.name("notes"), notes(1, 2), &chronoimport.Options{NeverTracked: true})
		if !errors.Is(err, chronoimport.ErrNotTracked) {
			t.Errorf("got %v, want ErrNotTracked", err)
		}
	})

	t.Run("a record that Python has written is left alone", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, notesTable)
		f.track("notes", notesOptions)
		m, err := chronomigrate.New(f.driver, nil)
		if err == nil {
			_, err = m.DeclarePython(t.Context(), f.name("notes"), []chronomigrate.PythonRows{{}}, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.exec(`INSERT INTO chrononaut.chrononaut_activity (table_name, version, key, data, user_info, extra_info, table_schema, operation)
			VALUES ('notes', 0, '{"id": 1}', '{"id": 1, "text": "python", "version": 0}', '{}', '{}', NULL, NULL)`)
		f.wantCounts(f.load("notes", notes(3, 2), nil), 4, 0, 2, 0)
	})

	t.Run("a hidden column that was renamed stops it", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, notesTable)
		f.track("notes", notesOptions)
		f.exec(`ALTER TABLE notes RENAME secret TO token`)
		_, err := chronoimport.Import(t.Context(), f.driver, f.name("notes"), notes(1, 2), nil)
		if !errors.Is(err, chronoimport.ErrHidden) {
			t.Errorf("got %v, want ErrHidden", err)
		}
	})

	t.Run("errors say what is missing", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, notesTable, `CREATE TABLE heap (id integer)`)
		f.track("notes", notesOptions)
		for _, tc := range []struct {
			table  string
			source chronoimport.Source
			want   error
		}{
			{"nowhere", notes(1, 1), chronoimport.ErrNoTable},
			{"heap", notes(1, 1), chronoimport.ErrNoKey},
			{"notes", &chronoimport.PaperTrail{Model: "Note"}, chronoimport.ErrNoSource},
			{"notes", &chronoimport.SupaAudit{}, chronoimport.ErrNoSource},
		} {
			if _, err := chronoimport.Import(t.Context(), f.driver, f.name(tc.table), tc.source, nil); !errors.Is(err, tc.want) {
				t.Errorf("%s: got %v, want %v", tc.table, err, tc.want)
			}
		}
	})
}

// TestImportBesideWriters imports a record whose first change is being captured:
// the history that comes first is the record's.
func TestImportBesideWriters(t *testing.T) {
	t.Parallel()
	f := newFixture(t, notesTable, `INSERT INTO notes VALUES (0, 'v'), (1, 'v')`)
	f.track("notes", notesOptions)
	writer, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Exec(t.Context(), `UPDATE notes SET text = 'live' WHERE id = 0`); err != nil {
		t.Fatal(err)
	}
	type outcome struct {
		result *chronoimport.Result
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := chronoimport.Import(context.WithoutCancel(t.Context()), f.driver, f.name("notes"), notes(2, 5), nil)
		done <- outcome{result, err}
	}()
	for waiting := false; !waiting; {
		// A transaction sees pg_stat_activity as it was at its first look.
		if err := f.pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
			WHERE a.datname = current_database() AND NOT l.granted)`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	f.wantCounts(got.result, 5, 0, 5, 0)
	f.wantLines("notes", 0,
		`baseline now by "" id "": {"id":0,"text":"v"}`,
		`update now by "" id "": {"id":0,"text":"live"}`)
}
