package exactness_test

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
)

// TestStandby reads a bank on a hot standby while its clients write on the
// primary: what the standby answers is what the primary says later.
func TestStandby(t *testing.T) { //nolint:tparallel // The subtest comes before the rest.
	t.Parallel()
	const variable = "CHRONONAUT_TEST_STANDBY_URL"
	u, err := url.Parse(os.Getenv(variable))
	if err != nil || u.Host == "" {
		t.Skipf("%s names no standby: make test-standby", variable)
	}
	b := newBank(t, "")
	u.Path = "/postgres"
	server, err := pgxpool.New(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	replayed := func() {
		position := value[string](b.lab, "SELECT pg_current_wal_insert_lsn()::text")
		(&lab{T: t, pool: server}).eventually("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", position)
	}
	replayed() // the database is there
	u.Path = "/" + b.db.Name
	pool, err := pgxpool.New(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	standby := &bank{lab: &lab{T: t, db: b.db, pool: pool}, began: b.began}

	t.Run("a transaction that is open on the primary is not settled", func(t *testing.T) {
		writer := b.in(t).begin()
		writer.exec(`UPDATE accounts SET owner = 'b' WHERE id = 1`)
		at := b.now()
		// Others end meanwhile, and the standby sees that.
		b.exec(`UPDATE accounts SET owner = 'c' WHERE id = 2`, `UPDATE accounts SET owner = 'd' WHERE id = 2`)
		replayed()
		s := standby.lab.in(t)
		s.refused(chrononaut.At(at), "SELECT owner FROM accounts WHERE id = 1", chrononaut.ErrHorizon)
		writer.commit()
		b.exec(`UPDATE accounts SET owner = 'e' WHERE id = 2`)
		replayed()
		s.rightOrUnsettled(chrononaut.At(at), "SELECT owner FROM accounts WHERE id = 1", "b")
	})

	var seen []observation
	refused := 0
	b.work(8, 11, time.Now().Add(5*time.Second), func(done <-chan struct{}) {
		rng := rand.New(rand.NewPCG(7, 8)) //nolint:gosec // not a secret
		for {
			select {
			case <-done:
				return
			default:
			}
			back := time.Duration(rng.ExpFloat64() * float64(1500*time.Millisecond))
			p := chrononaut.At(b.now().Add(-back))
			if at, _ := p.Time(); at.Before(b.began) {
				continue
			}
			s, err := standby.read(p)
			switch {
			case errors.Is(chrononaut.WrapError(err), chrononaut.ErrHorizon):
				refused++
			case err != nil:
				b.Errorf("%s: %v", p, describe(err))
			case s.broken() != "":
				b.Errorf("%s, %s ago, on the standby: %s", p, back, s.broken())
			default:
				seen = append(seen, observation{p, s.digest()})
			}
		}
	})
	if len(seen) == 0 || refused == 0 {
		t.Errorf("the standby answered %d reads and refused %d; both should happen", len(seen), refused)
	}
	b.sameAgain(seen)
	replayed()
	standby.sameAgain(seen)
	standby.ended = b.ended
	t.Logf("%d reads answered on the standby, %d refused", len(seen), refused)
}

// rightOrUnsettled wants a line, or that the point is not settled yet.
func (l *lab) rightOrUnsettled(p chrononaut.Point, sql, want string) {
	l.Helper()
	got, err := l.lines(p, sql)
	if errors.Is(chrononaut.WrapError(err), chrononaut.ErrHorizon) {
		return
	}
	if err != nil || len(got) != 1 || got[0] != want {
		l.Errorf("%s: %s = %q, %v; want %q", p, sql, got, describe(err), want)
	}
}
