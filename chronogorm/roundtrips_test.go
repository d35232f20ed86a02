package chronogorm_test

import (
	"context"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

// TestRoundTrips counts on the wire what the documentation says that
// attribution costs.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	type cost struct{ without, with int }
	for name, tc := range map[string]struct {
		setup setup
		want  map[string]cost
	}{
		"over a pool of chronosql attribution costs nothing": {
			setup: setup{},
			want: map[string]cost{
				"begin, insert, commit":       {3, 3},
				"one statement by itself":     {1, 1},
				"one statement that returns":  {1, 1},
				"a transaction with a select": {4, 4},
				"a query":                     {1, 1},
			},
		},
		"over a plain pool it costs one round trip for each transaction": {
			setup: setup{plain: true},
			want: map[string]cost{
				"begin, insert, commit":       {3, 4},
				"one statement by itself":     {1, 4},
				"one statement that returns":  {1, 4},
				"a transaction with a select": {4, 5},
				"a query":                     {1, 1},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := wiretest.Start(t, pgtest.New(t).URL())
			db := tc.setup.use(t, proxy.URL())
			pool, err := db.DB()
			must(t, err)
			pool.SetMaxOpenConns(1)
			must(t, db.AutoMigrate(&task{}))
			next := int64(0)
			for what, run := range map[string]func(db *gorm.DB) error{
				"begin, insert, commit": func(db *gorm.DB) error {
					next++
					return db.Create(&task{ID: next}).Error
				},
				"one statement by itself": func(db *gorm.DB) error {
					return db.Exec("UPDATE tasks SET title = ?", "exec").Error
				},
				"one statement that returns": func(db *gorm.DB) error {
					var ids []int64
					return db.Raw("UPDATE tasks SET title = ? RETURNING id", "raw").Scan(&ids).Error
				},
				"a transaction with a select": func(db *gorm.DB) error {
					return db.Transaction(func(tx *gorm.DB) error {
						var all []task
						if err := tx.Where("done = ?", true).Find(&all).Error; err != nil {
							return err
						}
						return tx.Exec("UPDATE tasks SET title = ?", "exec").Error
					})
				},
				"a query": func(db *gorm.DB) error {
					var all []task
					return db.Where("done = ?", true).Find(&all).Error
				},
			} {
				count := func(ctx context.Context) int {
					t.Helper()
					// pgx prepares a statement that it sees for the first time, which
					// it does once for each connection.
					must(t, run(db.WithContext(ctx)))
					proxy.Reset()
					must(t, run(db.WithContext(ctx)))
					return proxy.RoundTrips()
				}
				got := cost{count(t.Context()), count(chrononaut.WithRationale(as(t, "ann"), "why"))}
				if got != tc.want[what] {
					t.Errorf("%s: %d round trips without attribution and %d with it, want %d and %d; sent: %q",
						what, got.without, got.with, tc.want[what].without, tc.want[what].with, proxy.Statements())
				}
			}
		})
	}
}

// TestCheckRoundTrips counts on the wire that the check of versions costs none.
func TestCheckRoundTrips(t *testing.T) {
	t.Parallel()
	proxy := wiretest.Start(t, pgtest.New(t).URL())
	db := setup{}.use(t, proxy.URL())
	pool, err := db.DB()
	must(t, err)
	pool.SetMaxOpenConns(1)
	must(t, db.AutoMigrate(&task{}))
	db = db.WithContext(as(t, "ann"))
	n, next := 0, int64(0)
	title := func() string { n++; return strings.Repeat("x", n) }
	for what, write := range map[string]func(tasks []task) *gorm.DB{
		"Save":              func(tasks []task) *gorm.DB { tasks[0].Title = title(); return db.Save(&tasks[0]) },
		"Update":            func(tasks []task) *gorm.DB { return db.Model(&tasks[0]).Update("title", title()) },
		"Update of a slice": func(tasks []task) *gorm.DB { return db.Model(&tasks).Update("title", title()) },
		"Save of a slice": func(tasks []task) *gorm.DB {
			tasks[0].Title, tasks[1].Title = title(), title()
			return db.Save(&tasks)
		},
		"an upsert": func(tasks []task) *gorm.DB { tasks[0].Title = title(); return db.Clauses(onConflict).Create(&tasks[0]) },
	} {
		next += 2
		tasks := []task{{ID: next}, {ID: next + 1}}
		must(t, ran(db.Create(&tasks)))
		// pgx prepares what it sees for the first time.
		must(t, ran(write(tasks)))
		must(t, ran(write(tasks)))
		proxy.Reset()
		must(t, ran(write(tasks)))
		if got := proxy.RoundTrips(); got != 3 {
			t.Errorf("%s: %d round trips, want 3; sent: %q", what, got, proxy.Statements())
		}
		if v := tasks[0].Version; v == nil || *v != 3 {
			t.Errorf("%s: version %v, want 3", what, v)
		}
	}
	tasks := []task{{ID: 1001}, {ID: 1002}, {ID: 1003}}
	must(t, ran(db.Create(&tasks)))
	must(t, ran(db.Delete(&task{ID: 1003, Versioned: tasks[2].Versioned})))
	proxy.Reset()
	must(t, ran(db.Delete(&tasks[0])))
	if got := proxy.RoundTrips(); got != 3 {
		t.Errorf("Delete: %d round trips, want 3; sent: %q", got, proxy.Statements())
	}
}
