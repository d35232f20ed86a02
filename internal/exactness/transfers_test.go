package exactness_test

import (
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// TestTransfers reads a bank at random instants, also while its clients write.
func TestTransfers(t *testing.T) {
	t.Parallel()
	clients, duration, instants := 10, pgtest.Size(time.Second, 3*time.Second), pgtest.Size(20, 48)
	for _, layout := range layouts {
		t.Run("layout "+string(layout), func(t *testing.T) {
			t.Parallel()
			newBank(t, layout).transfers(clients, duration, instants, 20260102)
		})
	}
}

// TestSoakTransfers does so at ten thousand instants, again and again.
func TestSoakTransfers(t *testing.T) {
	until := time.Now().Add(soakTime(t))
	rounds, instants := 0, 0
	for seed := uint64(time.Now().UnixNano()); (rounds == 0 || time.Now().Before(until)) && !t.Failed(); seed++ { //nolint:gosec // not a secret
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			n := soakNumber(t, "CHRONONAUT_TEST_INSTANTS", 10_000)
			newBank(t, layouts[rounds%len(layouts)]).transfers(16, 20*time.Second, n, seed)
			rounds, instants = rounds+1, instants+n
		})
	}
	t.Logf("%d rounds, %d instants", rounds, instants)
}

// observation is what somebody read while the clients were writing.
type observation struct {
	point  chrononaut.Point
	digest [sha256.Size]byte
}

func (b *bank) transfers(clients int, duration time.Duration, instants int, seed uint64) {
	b.Helper()
	var mu sync.Mutex
	var seen []observation
	var refused atomic.Int64
	reader := func(n uint64) func(<-chan struct{}) {
		rng := rand.New(rand.NewPCG(seed, 1000+n)) //nolint:gosec // not a secret
		return func(done <-chan struct{}) {
			for {
				select {
				case <-done:
					return
				default:
				}
				o, ok := b.observe(rng)
				if !ok {
					refused.Add(1)
					continue
				}
				mu.Lock()
				seen = append(seen, o)
				mu.Unlock()
			}
		}
	}
	b.work(clients, seed, time.Now().Add(duration), reader(0), reader(1))
	if b.Failed() {
		return
	}
	// If the clients do not keep the books right, nothing else can.
	s, err := readState(b.Context(), b.pool, stateSQL)
	if err != nil || s.broken() != "" {
		b.Fatalf("the present: %s, %v", s.broken(), err)
	}
	if len(seen) == 0 || refused.Load() == 0 {
		b.Errorf("while the clients wrote %d reads were answered and %d refused; both should happen", len(seen), refused.Load())
	}
	b.sameAgain(seen)
	b.compareInstants(b.instants(instants, rand.New(rand.NewPCG(seed, 2000)))) //nolint:gosec // not a secret
	b.Logf("%d changes; %d reads beside the writers, %d more refused; %d instants", b.changes(), len(seen), refused.Load(), instants)
}

// observe reads a time near now, or a transaction's end, which is right or refused.
func (b *bank) observe(rng *rand.Rand) (observation, bool) {
	b.Helper()
	back := time.Duration(rng.ExpFloat64() * float64(2*time.Second))
	p := chrononaut.At(b.now().Add(-back))
	if t, _ := p.Time(); t.Before(b.began) {
		return observation{}, false
	}
	s, err := b.read(p)
	switch {
	case errors.Is(chrononaut.WrapError(err), chrononaut.ErrHorizon):
		return observation{}, false
	case err != nil:
		b.Errorf("%s: %v", p, describe(err))
	case s.broken() != "":
		b.Errorf("%s, %s ago, while clients were writing: %s", p, back, s.broken())
	}
	return observation{p, s.digest()}, true
}

// sameAgain reads again what was read before: below the horizon the answer
// never changes.
func (b *bank) sameAgain(seen []observation) {
	b.Helper()
	if os.Getenv("CHRONONAUT_TEST_SOAK") == "" { // some will do
		rand.Shuffle(len(seen), func(i, j int) { seen[i], seen[j] = seen[j], seen[i] })
		seen = seen[:min(len(seen), 40)]
	}
	for _, o := range seen {
		s, err := b.read(o.point)
		if err != nil || s.digest() != o.digest {
			b.Errorf("%s: read again it is not what it was: %v", o.point, err)
		}
	}
}

func (b *bank) changes() int {
	b.Helper()
	return value[int](b.lab, "SELECT count(*) FROM chrononaut.chrononaut_activity")
}

// instants are random, and some of them those at which a change was written, or
// one tick away.
func (b *bank) instants(n int, rng *rand.Rand) []time.Time {
	b.Helper()
	changed := value[[]time.Time](b.lab, "SELECT array_agg(changed) FROM chrononaut.chrononaut_activity WHERE changed > $1", b.began)
	instants := make([]time.Time, n)
	for i := range instants {
		if rng.IntN(3) > 0 {
			instants[i] = b.began.Add(time.Duration(rng.Int64N(int64(b.ended.Sub(b.began))))).Truncate(time.Microsecond)
			continue
		}
		ticks := []time.Duration{0, -time.Microsecond, time.Microsecond, -time.Nanosecond, time.Nanosecond}
		instants[i] = changed[rng.IntN(len(changed))].Add(ticks[rng.IntN(len(ticks))])
	}
	slices.SortFunc(instants, time.Time.Compare)
	return instants
}

// compareInstants reads states and compares them with what must hold in all of
// them, and with the model's.
func (b *bank) compareInstants(instants []time.Time) {
	b.Helper()
	const readers = 4
	var group sync.WaitGroup
	var wrong atomic.Int64
	for r := range readers {
		m := b.model()
		group.Go(func() {
			for i := r; i < len(instants); i += readers {
				p := chrononaut.At(instants[i])
				sql := stateSQL
				if i%32 < readers {
					sql = joinedSQL
				}
				s, err := b.readBy(p, sql)
				if err != nil {
					b.Errorf("%s: %v", p, describe(err))
					return
				}
				m.advance(instants[i])
				if broken := s.broken(); broken != "" {
					b.Errorf("%s: %s", p, broken)
				} else if different := m.compare(s); different != "" {
					b.Errorf("%s is not what history says: %s", p, different)
				} else {
					continue
				}
				if wrong.Add(1) > 5 {
					return
				}
			}
		})
	}
	group.Wait()
}
