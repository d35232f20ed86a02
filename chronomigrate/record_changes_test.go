package chronomigrate_test

import (
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// Who changed a row last, and when, on the row itself.
func TestRecordChanges(t *testing.T) {
	t.Parallel()
	const ann = `SET chrononaut.context = '{"user_info": {"user_id": "ann", "remote_addr": "::1"}, "extra_info": {"rationale": "r"}}'`

	t.Run("alone it keeps who and when on the row, and no history", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
		f.track("todos", &chronomigrate.TrackOptions{RecordChanges: true, NoHistory: true})
		f.exec(`INSERT INTO todos (id) VALUES (1)`)
		f.wantText(`{"user_id": null, "remote_addr": null} true`, `SELECT change_info::text || ' ' || (changed BETWEEN statement_timestamp() - interval '1 hour' AND clock_timestamp()) FROM todos`)
		f.exec(ann, `UPDATE todos SET title = 'a'`)
		f.wantText(`{"extra": {"rationale": "r"}, "user_id": "ann", "remote_addr": "::1"}`, `SELECT change_info::text FROM todos`)
		f.wantText("0", `SELECT count(*)::text FROM chrononaut.chrononaut_activity WHERE operation NOT IN ('track', 'untrack')`)
		f.wantText("0", `SELECT count(*)::text FROM pg_attribute WHERE attrelid = 'todos'::regclass AND attname = 'version'`)
		f.wantCheck()
	})

	t.Run("the application cannot write it, and a change of nothing else is none", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
		f.track("todos", &chronomigrate.TrackOptions{RecordChanges: true})
		f.exec(ann, `INSERT INTO todos VALUES (1, 'a', 7, '{"user_id": "eve"}', '1970-01-01')`)
		f.wantText("ann true 0", `SELECT (change_info ->> 'user_id') || ' ' || (changed > '2000-01-01') || ' ' || version FROM todos`)
		f.exec(`UPDATE todos SET title = 'b', change_info = '{"user_id": "eve"}', changed = '1970-01-01'`)
		f.wantText("ann true 1", `SELECT (change_info ->> 'user_id') || ' ' || (changed > '2000-01-01') || ' ' || version FROM todos`)
	})

	t.Run("an update that changes nothing refreshes nothing", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
		f.track("todos", &chronomigrate.TrackOptions{RecordChanges: true})
		f.exec(ann, `INSERT INTO todos VALUES (1, 'a')`, `RESET chrononaut.context`)
		before := f.text(`SELECT todos::text FROM todos`)
		f.exec(`UPDATE todos SET title = 'a'`)
		f.wantText(before, `SELECT todos::text FROM todos`)
		f.wantText("insert", `SELECT string_agg(operation, ',' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
	})

	t.Run("with history, the row says what the last version says", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
		f.track("todos", &chronomigrate.TrackOptions{RecordChanges: true})
		f.exec(`INSERT INTO todos VALUES (1, 'a')`, ann, `UPDATE todos SET title = 'b'`, `RESET chrononaut.context`, `UPDATE todos SET title = 'c'`)
		f.wantText("null ann null", `SELECT string_agg(coalesce(data -> 'change_info' ->> 'user_id', 'null'), ' ' ORDER BY version) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		f.wantText("true", `SELECT (a.data = to_jsonb(t))::text FROM chrononaut.chrononaut_activity AS a, todos AS t WHERE a.version = 2`)
	})

	t.Run("strict tables refuse writes without change information", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
		f.track("todos", &chronomigrate.TrackOptions{RecordChanges: true, NoHistory: true, Strict: true})
		f.refused("TM001", `INSERT INTO todos VALUES (1, 'a')`)
		f.exec(ann, `INSERT INTO todos VALUES (1, 'a')`)
	})
}
