package chronomigrate_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

const stock = `CREATE TABLE stock (id integer PRIMARY KEY, name text, amount numeric(8, 2), tags text[])`

// churn changes the table from several sessions in transactions of one to four
// statements, some rolled back, and returns points of the time meanwhile.
func churn(f *fixture, sessions, transactions int, statement func(*rand.Rand) string) []string {
	f.Helper()
	var mu sync.Mutex
	var points []string
	var done sync.WaitGroup
	for n := range sessions {
		conn := f.connect()
		done.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 7))
			for i := range transactions {
				if err := churnOnce(f, conn, random, statement); err != nil {
					switch chronodriver.State(err) {
					case "23505", "40001", "40P01": // a clash of keys, or of transactions
					default:
						f.Error(describe(err))
						return
					}
				}
				if i%7 == 0 {
					now := pointsNow(f, conn)
					mu.Lock()
					points = append(points, now...)
					mu.Unlock()
				}
			}
		})
	}
	done.Wait()
	return points
}

func churnOnce(f *fixture, conn *pgx.Conn, random *rand.Rand, statement func(*rand.Rand) string) error {
	tx, err := conn.BeginTx(f.Context(), pgx.TxOptions{IsoLevel: []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.ReadCommitted, pgx.RepeatableRead}[random.IntN(3)]})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(f.Context()) }()
	for range 1 + random.IntN(4) {
		if _, err := tx.Exec(f.Context(), statement(random)); err != nil {
			return err
		}
	}
	if random.IntN(6) == 0 {
		return nil
	}
	return tx.Commit(f.Context())
}

func stockStatement(random *rand.Rand) string {
	id, other := random.IntN(12), random.IntN(12)
	return []string{
		fmt.Sprintf(`INSERT INTO stock VALUES (%d, 'n%d', %d.5, '{a}') ON CONFLICT DO NOTHING`, id, random.IntN(100), other),
		fmt.Sprintf(`INSERT INTO stock VALUES (%d, 'u', 1, NULL) ON CONFLICT (id) DO UPDATE SET amount = stock.amount + 1`, id),
		fmt.Sprintf(`UPDATE stock SET amount = amount + 1 WHERE id = %d`, id),
		fmt.Sprintf(`UPDATE stock SET name = name || 'x', tags = tags || 'b'::text WHERE id IN (%d, %d)`, id, other),
		fmt.Sprintf(`UPDATE stock SET id = %d WHERE id = %d`, other, id),
		fmt.Sprintf(`DELETE FROM stock WHERE id = %d`, id),
	}[random.IntN(6)]
}

func TestPeriods(t *testing.T) {
	t.Parallel()

	t.Run("many sessions, the layout changed meanwhile", func(t *testing.T) {
		t.Parallel()
		p := newPeriods(t, nil, stock)
		p.points = churn(p.fixture, 4, 25, stockStatement)
		built := make(chan error, 1)
		go func() {
			// Again until it finds a moment: all sessions write all the time.
			_, err := p.migrator.Track(t.Context(), p.table("stock"), &chronomigrate.TrackOptions{Layout: chronomigrate.LayoutPeriod}, &chronomigrate.ApplyOpts{MaxAttempts: 100})
			if err == nil {
				_, err = p.migrator.BuildPeriods(t.Context(), p.table("stock"), &chronomigrate.PeriodsOpts{ChunkSize: 2, Apply: &chronomigrate.ApplyOpts{MaxAttempts: 100}})
			}
			built <- err
		}()
		p.points = append(p.points, churn(p.fixture, 4, 40, stockStatement)...)
		if err := <-built; err != nil {
			t.Fatal(describe(err))
		}
		p.points = append(p.points, churn(p.fixture, 4, 25, stockStatement)...)
		// A transaction that began before the periods were complete may have left
		// some to be made again.
		p.finish()
		p.agree()
		p.wantCheck()

		p.track("stock", &chronomigrate.TrackOptions{})
		p.compare("chrononaut_past.stock")
		p.wantText("0", `SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE 'stock%period%')
			+ (SELECT count(*) FROM pg_proc WHERE proname LIKE 'stock%period%')
			+ (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'stock%period%')
			+ (SELECT count(*) FROM chrononaut.chrononaut_period) || '' AS left_over`)
	})

	t.Run("a partitioned table whose rows move", func(t *testing.T) {
		t.Parallel()
		p := newPeriods(t, nil, `CREATE TABLE stock (id integer PRIMARY KEY, name text, amount numeric(8, 2), tags text[]) PARTITION BY RANGE (id)`,
			`CREATE TABLE stock_low PARTITION OF stock FOR VALUES FROM (0) TO (6)`, `CREATE TABLE stock_high PARTITION OF stock FOR VALUES FROM (6) TO (100)`)
		p.points = churn(p.fixture, 2, 20, stockStatement)
		p.build(nil)
		p.points = append(p.points, churn(p.fixture, 3, 40, stockStatement)...)
		p.finish()
		p.agree()
	})

	t.Run("records that exchange their keys", func(t *testing.T) {
		t.Parallel()
		p := newPeriods(t, nil, `CREATE TABLE stock (a integer, "B c" text, name text, PRIMARY KEY (a, "B c") DEFERRABLE)`)
		p.exec(`INSERT INTO stock SELECT i, 'k', 'n' || i FROM generate_series(1, 6) AS i`)
		p.build(nil)
		for range 5 {
			p.mark()
			p.exec(`UPDATE stock SET a = 7 - a`, `UPDATE stock SET a = 1 + a % 6`, `UPDATE stock SET name = name || 'x' WHERE a < 3`,
				`DELETE FROM stock WHERE a = 2`, `INSERT INTO stock VALUES (2, 'k', 'new')`)
		}
		p.agree()
		p.wantText("0", `SELECT count(*)::text FROM chrononaut.`+p.periodTable()+` WHERE unsure`)
	})

	t.Run("TRUNCATE, a baseline, and what was not captured", func(t *testing.T) {
		t.Parallel()
		p := newPeriods(t, nil, stock, `INSERT INTO stock SELECT i, 'old', i, NULL FROM generate_series(1, 5) AS i`)
		p.exec(`UPDATE stock SET amount = 9 WHERE id = 1`)
		p.build(nil)
		p.mark()
		p.exec(`UPDATE stock SET amount = 9 WHERE id = 2`)
		p.baseline("stock", 2)
		p.mark()
		p.exec(`BEGIN`, `SELECT chrononaut.suppress('test')`, `UPDATE stock SET amount = 7 WHERE id < 4`, `INSERT INTO stock VALUES (8, 's', 1, NULL)`, `COMMIT`)
		p.exec(`UPDATE stock SET amount = amount + 1 WHERE id IN (3, 8)`)
		p.baseline("stock", 2)
		p.mark()
		p.exec(`TRUNCATE stock`, `INSERT INTO stock VALUES (1, 'again', 1, NULL)`)
		p.agree()
	})

	t.Run("a transaction that does not see the periods made since it began", func(t *testing.T) {
		t.Parallel()
		p := newPeriods(t, nil, stock, `INSERT INTO stock VALUES (1, 'a', 1, NULL), (2, 'b', 1, NULL)`)
		p.exec(`UPDATE stock SET amount = 2`)
		old := p.connect()
		p.execOn(old, `BEGIN ISOLATION LEVEL REPEATABLE READ`, `SELECT FROM stock`)
		p.build(nil)
		p.execOn(old, `UPDATE stock SET amount = 3 WHERE id = 1`, `COMMIT`)
		p.wantCheck("periods " + p.periodName())
		p.mark()
		if _, err := p.past("stock", p.points[0]); chronodriver.State(err) != "TM011" {
			t.Errorf("got %v, want SQLSTATE TM011", err)
		}
		p.exec(`UPDATE stock SET amount = 4`)
		p.finish()
		p.agree()
		p.wantCheck()
	})

	t.Run("a clock that goes back, and older changes that come later", func(t *testing.T) {
		t.Parallel()
		p := newPeriods(t, nil, stock)
		p.exec(`INSERT INTO stock VALUES (1, 'a', 1, NULL), (2, 'b', 1, NULL), (3, 'c', 1, NULL)`, `UPDATE stock SET amount = 2`)
		p.build(nil)
		p.exec(`DELETE FROM stock WHERE id = 3`)
		insert := func(id, version int, operation, changed string) {
			p.exec(fmt.Sprintf(`INSERT INTO chrononaut.chrononaut_activity (table_name, table_schema, version, operation, key, data, changed)
				VALUES ('stock', 'public', %[1]d, '%[2]s', '{"id": %[3]d}', '{"id": %[3]d, "name": "v%[1]d", "version": %[1]d}', %[4]s)`, version, operation, id, changed))
		}
		p.mark()
		insert(1, 5, "update", `(SELECT max(changed) - interval '1 ms' FROM chrononaut.chrononaut_activity WHERE key = '{"id": 1}')`)
		insert(1, 6, "update", `(SELECT min(changed) + interval '1 microsecond' FROM chrononaut.chrononaut_activity WHERE key = '{"id": 1}')`)
		insert(1, 7, "update", `clock_timestamp()`)
		insert(1, 8, "delete", `clock_timestamp()`)
		insert(2, -1, "insert", `'2020-01-01'`)
		insert(3, 9, "insert", `(SELECT max(changed) - interval '1 ms' FROM chrononaut.chrononaut_activity WHERE key = '{"id": 3}')`)
		p.agree()
		p.exec(`UPDATE stock SET amount = 3`)
		p.agree()
		// Made again from history they say the same.
		p.finish()
		p.agree()
		p.wantText("{1,3}", `SELECT array_agg(DISTINCT k1 ORDER BY k1)::text FROM chrononaut.`+p.periodTable()+` WHERE unsure`)
	})
}

func (p *periods) periodName() string {
	p.Helper()
	return p.text(`SELECT period_table FROM chrononaut.chrononaut_period WHERE table_name = 'stock'`)
}

func (p *periods) periodTable() string {
	p.Helper()
	return `"` + p.periodName() + `"`
}
