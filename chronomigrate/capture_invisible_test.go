package chronomigrate_test

import (
	"fmt"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

func TestCaptureIsInvisible(t *testing.T) {
	t.Parallel()
	t.Run("command tags, RETURNING and row counts are the application's own", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id serial PRIMARY KEY, title text)`)
		f.track("todos", nil)
		for _, tc := range []struct{ sql, want string }{
			{`INSERT INTO todos (title) VALUES ('a'), ('b')`, "INSERT 0 2"},
			{`UPDATE todos SET title = 'c'`, "UPDATE 2"},
			{`UPDATE todos SET title = 'c'`, "UPDATE 2"},
			{`INSERT INTO todos VALUES (1) ON CONFLICT DO NOTHING`, "INSERT 0 0"},
			{`DELETE FROM todos WHERE id = 1`, "DELETE 1"},
			{`TRUNCATE todos`, "TRUNCATE TABLE"},
		} {
			tag, err := f.conn.Exec(t.Context(), tc.sql)
			if err != nil || tag.String() != tc.want {
				t.Errorf("%s: tag %s, error %v; want %s", tc.sql, tag, err, tc.want)
			}
		}
		f.wantText("(3,a,0)", `INSERT INTO todos (title) VALUES ('a') RETURNING todos::text`)
		f.wantText("(3,b,1)", `UPDATE todos SET title = 'b' RETURNING todos::text`)
		f.exec(`DO $$ DECLARE n bigint; BEGIN UPDATE todos SET title = 'c'; GET DIAGNOSTICS n = ROW_COUNT; ASSERT n = 1 AND FOUND; END $$`)
	})

	t.Run("currval() and RETURNING are the application's, lastval() is not", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE todos (id serial PRIMARY KEY, title text)`)
		f.track("todos", nil)
		f.exec(`SELECT setval('todos_id_seq', 1000)`)
		f.wantText("1001", `INSERT INTO todos (title) VALUES ('a') RETURNING id::text`)
		f.wantText("1001", `SELECT currval('todos_id_seq')::text`)
		f.wantText("true", `SELECT (lastval() = currval('chrononaut.chrononaut_activity_id_seq'))::text`)
	})

	t.Run("very many rows in one statement", func(t *testing.T) {
		t.Parallel()
		rows := pgtest.Size(10_000, 100_000)
		f := newFixture(t)
		f.todos()
		f.exec(fmt.Sprintf(`INSERT INTO todos SELECT i, 'a' FROM generate_series(1, %d) AS i`, rows), `UPDATE todos SET title = 'b'`)
		f.wantText(fmt.Sprint(rows, rows, 2*rows), `SELECT count(*) FILTER (WHERE operation = 'insert' AND version = 0) || ' ' ||
			count(*) FILTER (WHERE operation = 'update' AND version = 1 AND data ->> 'title' = 'b') || ' ' || count(DISTINCT (key, version))
			FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
	})

	t.Run("rows that are recorded one by one leave no cursor open", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.todos()
		f.exec(`INSERT INTO todos VALUES (1, 'a'), (2, 'b')`)
		f.exec(`DO $$ BEGIN
			UPDATE todos SET id = id + 10; UPDATE todos SET title = 'c'; INSERT INTO todos VALUES (3, 'd'); DELETE FROM todos;
			IF EXISTS (SELECT FROM pg_cursors WHERE statement ~ '(old|new)_rows') THEN RAISE EXCEPTION 'a cursor is open'; END IF;
			END $$`)
	})

	t.Run("a large value that did not change is not stored again", func(t *testing.T) {
		t.Parallel()
		for name, opts := range map[string]*chronomigrate.TrackOptions{
			"tracked": nil, "untracked": {Untracked: []string{"big"}}, "record changes": {RecordChanges: true},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, n integer, big text)`, `ALTER TABLE docs ALTER big SET STORAGE EXTERNAL`)
				f.track("docs", opts)
				f.exec(`INSERT INTO docs VALUES (1, 1, repeat('x', 1000000))`)
				stored := `SELECT pg_relation_size(reltoastrelid)::text FROM pg_class WHERE oid = 'docs'::regclass`
				before := f.text(stored)
				f.exec(`UPDATE docs SET n = 2`, `UPDATE docs SET n = 3`)
				f.wantText(before, stored)
			})
		}
	})

	t.Run("a large untracked value that did not change is not read", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, n integer, big text)`,
			`ALTER TABLE docs ALTER big SET STORAGE EXTERNAL`)
		f.track("docs", &chronomigrate.TrackOptions{Untracked: []string{"big"}})
		f.exec(`INSERT INTO docs VALUES (1, 1, repeat('x', 10000000))`, `VACUUM ANALYZE docs`)
		toast := `SELECT (toast_blks_read + toast_blks_hit)::text FROM pg_stat_user_tables AS s, pg_statio_user_tables AS io WHERE s.relid = io.relid AND io.relname = 'docs'`
		if f.db.ServerMajor() >= 15 {
			f.exec(`SELECT pg_stat_force_next_flush()`)
		}
		before := f.text(toast)
		f.exec(`UPDATE docs SET n = 2`)
		if f.db.ServerMajor() < 15 {
			t.Skip("statistics come late")
		}
		f.exec(`SELECT pg_stat_force_next_flush()`)
		f.wantText(before, toast)
	})
}
