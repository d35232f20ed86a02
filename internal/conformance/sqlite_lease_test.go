package conformance_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/chrononaut-go/chrononaut"
)

func (db *sqliteDB) try(ctx context.Context, query string, args ...any) error {
	_, err := db.ExecContext(ctx, query, args...)
	return chrononaut.WrapError(err)
}

func TestSQLiteLeases(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, db *sqliteDB) {
		db.exec(`CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT UNIQUE)`)
		db.track("todos", nil)
		db.exec(`INSERT INTO todos (id, title) VALUES (1, 'one'), (2, 'two')`)
		db.exec(`UPDATE todos SET title = 'uno' WHERE id = 1`)
		client := db.client()
		todos, key := chrononaut.Table{Schema: "main", Name: "todos"}, chrononaut.Key{"id": 1}
		ann, bob := chrononaut.WithActor(t.Context(), "ann"), chrononaut.WithActor(t.Context(), "bob")

		const reason = `it's "quoted" (lease 99)`
		l, err := client.Lease(chrononaut.WithRationale(ann, reason), todos, key, time.Hour, nil)
		if err != nil {
			t.Fatal(err)
		}
		if l.ID != 1 || l.Holder != "ann" || l.Version != 1 || l.Token == "" || l.Table != todos || l.Expires.Sub(l.Granted) != time.Hour || l.Enforced {
			t.Errorf("lease %+v", l)
		}
		_, err = client.Lease(bob, todos, key, time.Hour, nil)
		var leased *chrononaut.LeasedError
		if !errors.As(err, &leased) || leased.Lease != l.ID || leased.Table != todos || leased.Holder != "ann" || !leased.Until.Equal(l.Expires) || leased.Rationale != reason {
			t.Errorf("second lease: %+v, error %v", leased, err)
		}
		// It is not enforced.
		db.execCtx(chrononaut.WithLease(ann, l), `UPDATE todos SET title = 'eins' WHERE id = 1`)
		db.execCtx(bob, `UPDATE todos SET title = 'un' WHERE id = 1`)

		// It goes along with the key.
		db.execCtx(bob, `UPDATE todos SET id = 7 WHERE id = 1`)
		if found, err := client.LeaseOf(bob, todos, chrononaut.Key{"id": 7}); err != nil || found == nil || found.ID != l.ID || found.Token != "" {
			t.Errorf("lease of the new key: %+v, error %v", found, err)
		}
		db.execCtx(bob, `UPDATE todos SET id = 1 WHERE id = 7`)

		// Bob takes it over, enforced.
		if _, err := client.Lease(bob, todos, key, time.Hour, &chrononaut.LeaseOpts{TakeOver: true}); !errors.Is(err, chrononaut.ErrNoRationale) {
			t.Errorf("takeover without a rationale: %v", err)
		}
		m, err := client.Lease(bob, todos, key, time.Hour, &chrononaut.LeaseOpts{TakeOver: true, Enforce: true, Rationale: "ann is ill"})
		if err != nil {
			t.Fatal(err)
		}
		var lost *chrononaut.LeaseLostError
		if err := db.try(chrononaut.WithLease(ann, l), `UPDATE todos SET title = 'x' WHERE id = 2`); !errors.As(err, &lost) || lost.Lease != l.ID || lost.End != chrononaut.LeaseTakenOver || lost.By != "bob" || lost.Rationale != "ann is ill" {
			t.Errorf("write under a lost lease: %+v, error %v", lost, err)
		}
		for _, sql := range []string{`UPDATE todos SET title = 'x'`, `DELETE FROM todos WHERE id = 1`, `UPDATE todos SET id = 9 WHERE id = 1`, `UPDATE todos SET id = 1 WHERE id = 2`, `INSERT OR REPLACE INTO todos (id) VALUES (1)`, `INSERT OR REPLACE INTO todos (id, title) VALUES (8, 'un')`} {
			if err := db.try(ann, sql); !errors.As(err, &leased) || leased.Lease != m.ID || leased.Holder != "bob" {
				t.Errorf("%s of a leased record: %v", sql, err)
			}
		}
		db.fails("TM004", `UPDATE chrononaut_lease SET released = 'now'`)
		db.fails("TM004", `DELETE FROM chrononaut_lease`)
		db.fails("TM004", `DELETE FROM chrononaut_guard`)
		db.fails("TM004", `DELETE FROM chrononaut_guarded`)
		db.execCtx(ann, `UPDATE todos SET title = 'zwei' WHERE id = 2`)
		db.execCtx(chrononaut.WithLease(bob, m), `UPDATE todos SET id = 5, title = 'moved' WHERE id = 1`)
		if err := db.try(ann, `UPDATE todos SET title = 'x' WHERE id = 5`); !errors.As(err, &leased) {
			t.Errorf("write of the record under its new key: %v", err)
		}
		db.execCtx(ann, `INSERT INTO todos (id) VALUES (1)`)

		if err := client.RenewLease(bob, m, 2*time.Hour); err != nil || m.Expires.Sub(m.Renewed) != 2*time.Hour {
			t.Errorf("renewed: %+v, error %v", m, err)
		}
		if err := client.RenewLease(bob, &chrononaut.Lease{ID: m.ID, Token: "guess"}, time.Hour); !errors.As(err, &lost) || lost.End != chrononaut.LeaseUnknown {
			t.Errorf("renewed with another token: %v", err)
		}
		if err := client.ReleaseLease(bob, m); err != nil {
			t.Fatal(err)
		}
		if err := client.ReleaseLease(bob, m); !errors.As(err, &lost) || lost.End != chrononaut.LeaseReleased {
			t.Errorf("released twice: %v", err)
		}
		db.execCtx(ann, `UPDATE todos SET title = 'free' WHERE id = 5`)
		db.wants("guards", db.rows(`SELECT * FROM chrononaut_guard UNION ALL SELECT *, '', '', '', '', '' FROM chrononaut_guarded`))
		db.wants("the log", db.rows(`SELECT operation, user_info ->> 'user_id', extra_info, json_remove(data, '$.granted', '$.expires', '$.former_expires') FROM chrononaut_activity WHERE operation LIKE 'lease%'`),
			`lease|ann|{"rationale":"it's \"quoted\" (lease 99)"}|{"lease":1,"key":{"id":1},"version":1,"enforced":false}`,
			`lease_takeover|bob|{"rationale":"ann is ill"}|{"lease":2,"key":{"id":1},"version":5,"enforced":true,"former":1,"former_holder":"ann"}`,
			`lease_release|bob|{}|{"lease":2,"key":{"id":5},"version":5,"enforced":true}`)

		// By the clock of the database.
		short, err := client.Lease(ann, todos, chrononaut.Key{"id": 2}, time.Millisecond, &chrononaut.LeaseOpts{Enforce: true})
		if err == nil {
			for db.rows(`SELECT count(*) FROM chrononaut_lease_state WHERE runs`)[0] != "0" {
			}
			db.execCtx(bob, `UPDATE todos SET title = 'late' WHERE id = 2`)
			if err := db.try(chrononaut.WithLease(ann, short), `UPDATE todos SET title = 'x'`); !errors.As(err, &lost) || lost.End != chrononaut.LeaseExpired || !lost.At.Equal(short.Expires) {
				t.Errorf("write under an expired lease: %v", err)
			}
		}
		one := 1
		for name, try := range map[error]func() error{
			chrononaut.ErrNotFound: func() error {
				_, err := client.Lease(ann, todos, chrononaut.Key{"id": 99}, time.Hour, nil)
				return err
			},
			chrononaut.ErrStale: func() error {
				_, err := client.Lease(ann, todos, chrononaut.Key{"id": 5}, time.Hour, &chrononaut.LeaseOpts{Version: &one})
				return err
			},
		} {
			if err := try(); !errors.Is(err, name) {
				t.Errorf("got error %v, want %v", err, name)
			}
		}
		for _, ttl := range []time.Duration{0, -time.Hour, 25 * time.Hour} {
			if _, err := client.Lease(ann, todos, key, ttl, nil); err == nil {
				t.Errorf("a lease of %s was given", ttl)
			}
		}
	})
}
