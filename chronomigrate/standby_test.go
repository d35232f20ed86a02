package chronomigrate_test

import (
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// standbyURL names a physical standby of the tests' server: see "make test-standby".
const standbyURL = "CHRONONAUT_TEST_STANDBY_URL"

// TestStandby reads on a physical standby, where nothing can be written.
func TestStandby(t *testing.T) {
	t.Parallel()
	if os.Getenv(standbyURL) == "" {
		t.Skipf("%s names no standby: make test-standby", standbyURL)
	}
	primary := newFixture(t)
	primary.todos()
	primary.exec(`CREATE TABLE untracked (id integer PRIMARY KEY)`, `INSERT INTO todos VALUES (1, 'a')`, `UPDATE todos SET title = 'b'`)
	position := primary.text(`SELECT pg_current_wal_insert_lsn()::text`)

	u, err := url.Parse(os.Getenv(standbyURL))
	if err != nil {
		t.Fatal(err)
	}
	server, err := pgxpool.New(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	(&fixture{T: t, pool: server}).eventually(`SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn`, position)
	u.Path = "/" + primary.db.Name
	pool, err := pgxpool.New(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	standby := &fixture{T: t, db: primary.db, pool: pool, conn: primary.connectTo(u.String())}
	standby.migrator = standby.newMigrator(nil)

	client, err := chronopgx.New(pool, nil).Client()
	if err != nil {
		t.Fatal(err)
	}
	history := chrononaut.NewHistory[map[string]any](client, chrononaut.Table{Name: "todos"}, nil)
	versions, err := history.Versions(t.Context(), 1, nil)
	if err != nil || len(versions) != 2 || versions[1].Record["title"] != "b" {
		t.Fatalf("Versions() = %+v, %v", versions, err)
	}
	if past, err := history.At(t.Context(), 1, time.Now().Add(time.Hour)); err != nil || past.Record["title"] != "b" {
		t.Errorf("At() = %+v, %v", past, err)
	}
	changes, err := client.Activity(t.Context(), &chrononaut.ActivityOpts{Transaction: versions[1].TransactionID, WithBefore: true})
	if err != nil || len(changes) != 1 {
		t.Errorf("Activity() = %+v, %v", changes, err)
	}
	standby.wantCheck()
	if result, err := standby.migrator.Up(t.Context(), nil); err != nil || len(result.Versions) != 0 {
		t.Errorf("Up() with nothing to do = %+v, %v", result, err)
	}

	_, err = standby.migrator.Track(t.Context(), standby.table("untracked"), nil, nil)
	wantTyped(t, "Track", err, chronomigrate.ErrReadOnly)
	_, err = standby.migrator.Untrack(t.Context(), standby.table("todos"), nil)
	wantTyped(t, "Untrack", err, chronomigrate.ErrReadOnly)
	_, err = standby.migrator.Baseline(t.Context(), standby.table("todos"), nil)
	wantTyped(t, "Baseline", err, chronomigrate.ErrReadOnly)
	_, err = standby.migrator.SetStrict(t.Context(), true, nil)
	wantTyped(t, "SetStrict", err, chronomigrate.ErrReadOnly)
	other, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), &chronomigrate.Config{Schema: "elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Up(t.Context(), nil)
	wantTyped(t, "Up", err, chronomigrate.ErrReadOnly)
}
