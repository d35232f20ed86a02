package exactness_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
)

// todos is a table with one row, and the time at which there is nothing else.
func todos(t *testing.T) (l *lab, before time.Time) {
	t.Helper()
	l = newLab(t)
	l.exec(`CREATE TABLE todos (id integer PRIMARY KEY, title text)`)
	l.track("todos", nil)
	l.exec(`INSERT INTO todos VALUES (1, 'a')`)
	return l, l.now()
}

const titles = "SELECT id || ' ' || title FROM todos ORDER BY id"

func TestHorizon(t *testing.T) {
	t.Parallel()

	t.Run("a time is refused while a writer that is older is open", func(t *testing.T) {
		t.Parallel()
		l, before := todos(t)
		writer := l.begin()
		writer.exec(`UPDATE todos SET title = 'b'`)
		at := chrononaut.At(l.now())
		_, err := l.lines(at, titles)
		var horizon *chrononaut.HorizonError
		if !errors.As(chrononaut.WrapError(err), &horizon) {
			t.Fatalf("a time with an open writer: %v", describe(err))
		}
		if h := horizon.Horizon; h.IsZero() || !h.Before(l.now()) || h.Before(before.Add(-time.Second)) {
			t.Errorf("the horizon is %s, the writer began after %s", h, before)
		}
		l.want(chrononaut.At(before), titles, "1 a")
		l.want(chrononaut.At(horizon.Horizon), titles, "1 a")
		writer.commit()
		l.want(at, titles, "1 b")
		l.want(chrononaut.At(before), titles, "1 a")
		l.want(chrononaut.At(horizon.Horizon), titles, "1 a")
	})

	t.Run("it is answered all the same when the caller wants it", func(t *testing.T) {
		t.Parallel()
		l, _ := todos(t)
		writer := l.begin()
		writer.exec(`UPDATE todos SET title = 'b'`)
		at := chrononaut.At(l.now())
		opts := &chrononaut.AsOfOpts{AllowUnsettled: true}
		var title string
		if err := l.pastWith(at, opts, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, "SELECT title FROM todos").Scan(&title)
		}); err != nil || title != "a" {
			t.Errorf("with AllowUnsettled: %q, %v", title, describe(err))
		}
	})

	t.Run("the future is refused", func(t *testing.T) {
		t.Parallel()
		l, _ := todos(t)
		l.refused(chrononaut.At(l.now().Add(time.Hour)), titles, chrononaut.ErrHorizon)
	})

	t.Run("a transaction that has written nothing, and one in another database, are not in the way", func(t *testing.T) {
		t.Parallel()
		l, _ := todos(t)
		l.begin().exec(`SELECT * FROM todos`)
		other := newLab(t)
		other.exec(`CREATE TABLE plain (id integer)`)
		other.begin().exec(`INSERT INTO plain VALUES (1)`)
		l.exec(`UPDATE todos SET title = 'b'`)
		l.want(chrononaut.At(l.now()), titles, "1 b")
	})

	t.Run("a snapshot that is older than the time is refused", func(t *testing.T) {
		t.Parallel()
		l, _ := todos(t)
		tx, err := l.pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			t.Fatal(err)
		}
		old := &session{lab: l, tx: tx}
		old.exec(`SELECT 1`) // takes the snapshot
		l.exec(`UPDATE todos SET title = 'b'`)
		at, _ := chrononaut.EncodeAsOf(chrononaut.AsOf(t.Context(), l.now()))
		_, err = tx.Exec(t.Context(), "SELECT chrononaut.travel($1::jsonb)", at)
		if err == nil {
			var title string
			if err = tx.QueryRow(t.Context(), "SELECT title FROM todos").Scan(&title); err == nil && title != "b" {
				t.Errorf("a transaction with an old snapshot reads %q, want b or an error", title)
			}
		}
		if err != nil && !errors.Is(chrononaut.WrapError(err), chrononaut.ErrHorizon) {
			t.Errorf("travel() in an old snapshot: %v", describe(err))
		}
		_ = tx.Rollback(t.Context())
	})

	t.Run("a writer that has ended since the snapshot was taken is not seen, and not overlooked", func(t *testing.T) {
		t.Parallel()
		l, _ := todos(t)
		writer := l.begin()
		writer.exec(`UPDATE todos SET title = 'b'`)
		at := l.now()
		tx, err := l.pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			t.Fatal(err)
		}
		old := &session{lab: l, tx: tx}
		old.exec(`SELECT 1`) // takes the snapshot
		writer.commit()
		point, _ := chrononaut.EncodeAsOf(chrononaut.AsOf(t.Context(), at))
		if _, err := tx.Exec(t.Context(), "SELECT chrononaut.travel($1::jsonb)", point); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrHorizon) {
			t.Errorf("travel() in a snapshot from before a writer ended: %v", describe(err))
		}
		_ = tx.Rollback(t.Context())
		l.want(chrononaut.At(at), titles, "1 b")
	})

	t.Run("a snapshot taken in time reads the past", func(t *testing.T) {
		t.Parallel()
		l, before := todos(t)
		l.exec(`UPDATE todos SET title = 'b'`)
		var title string
		var err error
		// A transaction of another database that ends just then makes it unknown.
		for range 100 {
			err = l.pastWith(chrononaut.At(before), nil, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(ctx context.Context, tx pgx.Tx) error {
				return tx.QueryRow(ctx, "SELECT title FROM todos").Scan(&title)
			})
			if !errors.Is(chrononaut.WrapError(err), chrononaut.ErrHorizon) {
				break
			}
		}
		if err != nil || title != "a" {
			t.Errorf("in a transaction of REPEATABLE READ: %q, %v", title, describe(err))
		}
	})

	t.Run("a transaction that travels twice sees writers that have come in between", func(t *testing.T) {
		t.Parallel()
		l, before := todos(t)
		guest, writer := l.begin(), l.begin()
		point, _ := chrononaut.EncodeAsOf(chrononaut.AsOf(t.Context(), before))
		guest.exec("SELECT chrononaut.travel($1::jsonb)", point)
		guest.exec(titles + " /* past */")
		writer.exec(`UPDATE todos SET title = 'b'`)
		point, _ = chrononaut.EncodeAsOf(chrononaut.AsOf(t.Context(), l.now()))
		if _, err := guest.tx.Exec(t.Context(), "SELECT chrononaut.travel($1::jsonb)", point); err == nil {
			t.Error("travel() beyond an open writer, the second time in a transaction, is not refused")
		}
	})

	t.Run("a prepared transaction is open, whenever it was prepared", func(t *testing.T) {
		t.Parallel()
		b := newBank(t, "")
		if value[int](b.lab, "SELECT current_setting('max_prepared_transactions')::int") == 0 {
			t.Skip("max_prepared_transactions is 0")
		}
		gid := b.db.Name
		writer := b.begin()
		before := b.now()
		writer.exec(`UPDATE accounts SET owner = 'b' WHERE id = 1`)
		at := chrononaut.At(b.now())
		writer.exec(`PREPARE TRANSACTION '` + gid + `'`)
		after := chrononaut.At(b.now())
		const owner = "SELECT owner FROM accounts WHERE id = 1"
		b.refused(at, owner, chrononaut.ErrHorizon)
		b.refused(after, owner, chrononaut.ErrHorizon)
		if got, err := b.lines(chrononaut.At(before), owner); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrHorizon) && (err != nil || got[0] != "owner 1") {
			t.Errorf("before the prepared transaction: %q, %v; want what was, or that it is not settled", got, describe(err))
		}
		b.exec(`COMMIT PREPARED '` + gid + `'`)
		b.want(chrononaut.At(before), owner, "owner 1")
		b.want(at, owner, "b")
		b.want(after, owner, "b")
	})

	t.Run("a transaction that had written before it was prepared by another session counts from its first change", func(t *testing.T) {
		t.Parallel()
		b := newBank(t, "")
		gid := b.db.Name
		writer := b.begin()
		writer.exec(`UPDATE accounts SET owner = 'b' WHERE id = 1`)
		// Others write and end meanwhile.
		b.exec(`UPDATE accounts SET owner = 'c' WHERE id = 2`, `UPDATE accounts SET owner = 'd' WHERE id = 2`)
		at := chrononaut.At(b.now())
		b.exec(`UPDATE accounts SET owner = 'e' WHERE id = 2`)
		writer.exec(`PREPARE TRANSACTION '` + gid + `'`)
		b.refused(at, "SELECT owner FROM accounts", chrononaut.ErrHorizon)
		b.exec(`ROLLBACK PREPARED '` + gid + `'`)
		b.want(at, "SELECT owner FROM accounts WHERE id < 3 ORDER BY id", "owner 1", "d")
	})
}

// TestTicks reads at the very microseconds of changes, and between them: a time
// may be finer than the database's clock.
func TestTicks(t *testing.T) {
	t.Parallel()
	l, before := todos(t)
	l.exec(`UPDATE todos SET title = 'b'`)
	changed := value[time.Time](l, "SELECT max(changed) FROM chrononaut.chrononaut_activity")
	l.want(chrononaut.At(before), titles, "1 a")
	l.want(chrononaut.At(changed.Add(-time.Nanosecond)), titles, "1 a")
	l.want(chrononaut.At(changed.Add(-time.Microsecond)), titles, "1 a")
	l.want(chrononaut.At(changed), titles, "1 b")
	l.want(chrononaut.At(changed.Add(999*time.Nanosecond)), titles, "1 b")
}

// TestEqualClocks has transactions write in the same microsecond, as clocks of
// less precision make them.
func TestEqualClocks(t *testing.T) {
	t.Parallel()
	l, _ := todos(t)
	l.exec(`INSERT INTO todos VALUES (2, 'a')`)
	first := value[time.Time](l, "SELECT clock_timestamp()")
	l.exec(`UPDATE todos SET title = 'b' WHERE id = 1`, `UPDATE todos SET title = 'c' WHERE id = 1`, `DELETE FROM todos WHERE id = 2`, `INSERT INTO todos VALUES (2, 'again')`, `UPDATE todos SET id = 3 WHERE id = 2`)
	straddler := l.begin()
	straddler.exec(`INSERT INTO todos VALUES (4, 'first')`)
	straddler.exec(`INSERT INTO todos VALUES (5, 'second')`)
	straddler.commit()
	l.exec(`ALTER TABLE chrononaut.chrononaut_activity DISABLE TRIGGER chrononaut_append_only`)
	tick := value[time.Time](l, "SELECT max(changed) FROM chrononaut.chrononaut_activity")
	// All at the same tick, but for the last one.
	for sql, at := range map[string]time.Time{"id <": tick, "id =": tick.Add(time.Microsecond)} {
		if _, err := l.pool.Exec(t.Context(), `UPDATE chrononaut.chrononaut_activity SET changed = $1
			WHERE changed > $2 AND `+sql+` (SELECT max(id) FROM chrononaut.chrononaut_activity)`, at, first); err != nil {
			t.Fatal(err)
		}
	}
	l.exec(`ALTER TABLE chrononaut.chrononaut_activity ENABLE ALWAYS TRIGGER chrononaut_append_only`)
	l.want(chrononaut.At(tick.Add(-time.Microsecond)), titles, "1 a", "2 a")
	l.want(chrononaut.At(tick), titles, "1 c", "3 again")
	l.want(chrononaut.At(tick.Add(time.Microsecond)), titles, "1 c", "3 again", "4 first", "5 second")
}
