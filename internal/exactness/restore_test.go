package exactness_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// upgradeFrom names a server of an older major version: see "make test-upgrade".
const upgradeFrom = "CHRONONAUT_TEST_UPGRADE_FROM_URL"

// TestRestored dumps a bank, restores it elsewhere, and reads there what was read
// before: transaction ids begin again in another cluster.
func TestRestored(t *testing.T) {
	t.Parallel()

	t.Run("in the same cluster, as if it were another", func(t *testing.T) {
		t.Parallel()
		old := newBank(t, "")
		points, want := old.remember()
		restored := old.restoreInto(pgtest.New(t))
		restored.exec(`UPDATE chrononaut.chrononaut_cluster SET system_identifier = 1`)
		restored.settle()
		restored.remembers(points, want)
		// What is written now gets the ids that old transactions had, and those that
		// had not been given out when the tokens were taken.
		first := value[int64](restored.lab, "SELECT max(first_id) FROM chrononaut.chrononaut_cluster")
		restored.exec(`UPDATE accounts SET owner = 'new cluster' WHERE id < 9`)
		restored.exec(`UPDATE entries SET note = 'new cluster' WHERE id < 9`)
		restored.exec(`ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER chrononaut_append_only`)
		for _, id := range []string{"'3'", "(SELECT transaction_id FROM chrononaut.chrononaut_activity WHERE id < $1 ORDER BY id DESC LIMIT 1)"} {
			if _, err := restored.pool.Exec(t.Context(), `UPDATE chrononaut.chrononaut_activity SET transaction_id = `+id+` WHERE id >= $1`, first); err != nil {
				t.Fatal(err)
			}
			restored.remembers(points, want)
		}
		// A token of now sees all that came before.
		s, err := restored.read(restored.token())
		present, presentErr := readState(t.Context(), restored.pool, stateSQL)
		if err != nil || presentErr != nil || s != present {
			t.Errorf("at a token of now: %v, %v, the same as the present %t", describe(err), presentErr, s == present)
		}
	})

	t.Run("in another cluster", func(t *testing.T) {
		t.Parallel()
		if os.Getenv(upgradeFrom) == "" {
			t.Skipf("%s names no other server: make test-upgrade", upgradeFrom)
		}
		from := openLab(t, pgtest.NewOn(t, upgradeFrom))
		if _, err := from.migrator.Up(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		old := fillBank(from)
		points, want := old.remember()
		restored := old.restoreInto(pgtest.New(t))
		restored.settle()
		restored.remembers(points, want)
		restored.work(4, 5, time.Now().Add(time.Second))
		restored.remembers(points, want)
		restored.compareInstants(restored.instants(50, rand.New(rand.NewPCG(5, 6)))) //nolint:gosec // not a secret
	})
}

// remember has clients write, and reads states at times and at tokens.
func (b *bank) remember() (points []chrononaut.Point, states []state) {
	b.Helper()
	b.work(6, 4, time.Now().Add(1500*time.Millisecond), func(done <-chan struct{}) {
		for next := int64(0); ; {
			select {
			case <-done:
				return
			default:
			}
			b.now()
			if n := b.committed.Load(); n >= next && len(points) < 10 {
				points, next = append(points, b.token()), n+3
			}
		}
	})
	for _, at := range b.instants(12, rand.New(rand.NewPCG(3, 4))) { //nolint:gosec // not a secret
		points = append(points, chrononaut.At(at))
	}
	points = append(points, b.token(), chrononaut.At(b.now()))
	for _, p := range points {
		s, err := b.read(p)
		if err != nil || s.broken() != "" {
			b.Fatalf("%s: %s, %v", p, s.broken(), describe(err))
		}
		states = append(states, s)
	}
	return points, states
}

func (b *bank) remembers(points []chrononaut.Point, want []state) {
	b.Helper()
	wrong := 0
	for i, p := range points {
		if s, err := b.read(p); err != nil || s != want[i] {
			b.Errorf("%s: after the restore it is not what it was: %s, %v", p, s.broken(), describe(err))
			if wrong++; wrong > 3 {
				return
			}
		}
	}
}

// settle does what has to be done after a restore.
func (b *bank) settle() {
	b.Helper()
	if _, err := b.migrator.Up(b.Context(), nil); err != nil {
		b.Fatal(describe(err))
	}
	b.track("accounts", nil)
	b.track("entries", nil)
}

func (b *bank) restoreInto(db *pgtest.Database) *bank {
	b.Helper()
	var tools string
	for major := b.db.ServerMajor(); major <= b.db.ServerMajor()+10 && tools == ""; major++ {
		dir := filepath.Join("/usr/lib/postgresql", strconv.Itoa(major), "bin")
		if _, err := exec.LookPath(filepath.Join(dir, "pg_dump")); err == nil {
			tools = dir
		}
	}
	if tools == "" {
		b.Skipf("no pg_dump of PostgreSQL %d or newer under /usr/lib/postgresql", b.db.ServerMajor())
	}
	file := filepath.Join(b.TempDir(), "dump.sql")
	for _, args := range [][]string{
		{"pg_dump", "--format=plain", "--no-owner", "--file=" + file, "--dbname=" + b.db.URL()},
		{"psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=" + file, "--dbname=" + db.URL()},
	} {
		if out, err := exec.CommandContext(b.Context(), filepath.Join(tools, args[0]), args[1:]...).CombinedOutput(); err != nil { //nolint:gosec // our own arguments
			b.Fatalf("%s: %v\n%s", args[0], err, out)
		}
	}
	restored := &bank{lab: openLab(b.T, db), began: b.began, ended: b.ended}
	restored.ids.Store(b.ids.Load())
	restored.Cleanup(restored.endPrepared)
	return restored
}
