package conformance_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/plugin/dbresolver"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/internal/conformance"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

type item struct {
	ID    int64
	Title string
	chronogorm.Versioned
}

// order has a source of its own.
type order struct {
	ID    int64
	Title string
	chronogorm.Versioned
}

// resolved is a program with a primary, a replica that is a database of its
// own, so that one sees which of them was asked, and another primary for
// orders.
type resolved struct {
	*gorm.DB
	primary, replica, orders *sql.DB
}

func openResolved(t *testing.T, plain bool, config gorm.Config) *resolved {
	t.Helper()
	r := &resolved{
		primary: gormPool(t, "pgx", conformance.Installed(t).URL(), plain),
		replica: gormPool(t, "pgx", pgtest.New(t).URL(), plain),
		orders:  gormPool(t, "pgx", conformance.Installed(t).URL(), plain),
	}
	r.DB = openGORM(t, postgres.New(postgres.Config{Conn: r.primary}), config)
	dialector := func(pool *sql.DB) []gorm.Dialector {
		return []gorm.Dialector{postgres.New(postgres.Config{Conn: pool})}
	}
	err := r.Use(dbresolver.Register(dbresolver.Config{Replicas: dialector(r.replica)}).
		Register(dbresolver.Config{Sources: dialector(r.orders)}, &order{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.AutoMigrate(&item{}); err != nil {
		t.Fatal(err)
	}
	if err := r.Clauses(dbresolver.Use("orders")).AutoMigrate(&order{}); err != nil {
		t.Fatal(err)
	}
	// The replica holds one item that the primary does not have.
	_, err = r.replica.ExecContext(t.Context(), `CREATE TABLE items (id bigint, title text, version integer); INSERT INTO items VALUES (77, 'replica', 0)`)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// log returns who is in the history of a pool.
func historyActors(t *testing.T, pool *sql.DB, table string) []string {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(),
		`SELECT coalesce(user_info ->> 'user_id', '') FROM chrononaut.chrononaut_activity WHERE table_name = $1 AND operation <> 'track' ORDER BY id`, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var actors []string
	for rows.Next() {
		var actor string
		if err := rows.Scan(&actor); err != nil {
			t.Fatal(err)
		}
		actors = append(actors, actor)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return actors
}

func TestGORMResolver(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]struct {
		plain  bool
		config gorm.Config
	}{
		"chronosql":                           {},
		"chronosql with PrepareStmt":          {config: gorm.Config{PrepareStmt: true}},
		"plain pools":                         {plain: true},
		"plain pools with PrepareStmt":        {plain: true, config: gorm.Config{PrepareStmt: true}},
		"plain pools, SkipDefaultTransaction": {plain: true, config: gorm.Config{SkipDefaultTransaction: true}},
		"plain pools, both":                   {plain: true, config: gorm.Config{SkipDefaultTransaction: true, PrepareStmt: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openResolved(t, mode.plain, mode.config)
			ctx := chrononaut.WithActor(t.Context(), "ann")
			db := r.WithContext(ctx)
			for _, write := range []func() error{
				func() error { return db.Create(&item{ID: 1}).Error },
				func() error { return db.Model(&item{ID: 1}).Update("title", "a").Error },
				func() error { return db.Exec("UPDATE items SET title = 'b'").Error },
				func() error { return gorm.G[item](r.DB).Create(ctx, &item{ID: 2}) },
				func() error {
					return db.Transaction(func(tx *gorm.DB) error { return tx.Delete(&item{ID: 2}).Error })
				},
			} {
				if err := write(); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Join(historyActors(t, r.primary, "items"), " "); got != "ann ann ann ann ann" {
				t.Errorf("actors of items = %q, want ann five times", got)
			}
			for _, write := range []func() error{
				func() error { return db.Create(&order{ID: 1}).Error },
				func() error { return db.Model(&order{ID: 1}).Update("title", "a").Error },
				func() error { return db.Exec("UPDATE orders SET title = 'b'").Error },
				func() error {
					return r.WithContext(context.WithoutCancel(t.Context())).Exec("UPDATE orders SET title = 'c'").Error
				},
			} {
				if err := write(); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Join(historyActors(t, r.orders, "orders"), " "); got != "ann ann ann " {
				t.Errorf("actors of orders = %q, want ann three times and nobody", got)
			}

			var read []item
			if err := db.Find(&read).Error; err != nil || len(read) != 1 || read[0].ID != 77 {
				t.Errorf("Find = %+v, %v; want the replica's", read, err)
			}
			if err := db.Clauses(dbresolver.Write).Find(&read).Error; err != nil || len(read) != 1 || read[0].ID != 1 {
				t.Errorf("Find from the source = %+v, %v; want the primary's", read, err)
			}

			items, err := chronogorm.History[item](r.DB)
			if err != nil {
				t.Fatal(err)
			}
			versions, err := items.Versions(ctx, 1, nil)
			if err != nil || len(versions) != 3 || versions[2].Record.Title != "b" {
				t.Errorf("versions of the item = %+v, %v; want three, of the primary", versions, err)
			}
			orders, err := chronogorm.History[order](r.DB)
			if err != nil {
				t.Fatal(err)
			}
			past, err := orders.Versions(ctx, 1, nil)
			if err != nil || len(past) != 4 {
				t.Errorf("versions of the order = %+v, %v; want four, of its own source", past, err)
			}
		})
	}
}

func TestGORMResolverOrder(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plain bool
		want  error
	}{
		"dbresolver first is refused over plain pools":     {true, chronogorm.ErrPool},
		"dbresolver first is fine over pools of chronosql": {false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t).URL()
			db, err := gorm.Open(postgres.New(postgres.Config{Conn: gormPool(t, "pgx", url, tc.plain)}), &gorm.Config{Logger: logger.Discard})
			if err != nil {
				t.Fatal(err)
			}
			replica := postgres.New(postgres.Config{Conn: gormPool(t, "pgx", url, tc.plain)})
			if err := db.Use(dbresolver.Register(dbresolver.Config{Replicas: []gorm.Dialector{replica}})); err != nil {
				t.Fatal(err)
			}
			err = db.Use(chronogorm.New(nil))
			if !errors.Is(err, tc.want) || tc.want != nil && !strings.Contains(err.Error(), "chronogorm before it") {
				t.Errorf("Use: error = %v, want %v", err, tc.want)
			}
			if tc.want != nil {
				return
			}
			if err := db.AutoMigrate(&item{}); err != nil {
				t.Fatal(err)
			}
			if err := db.WithContext(chrononaut.WithActor(t.Context(), "ann")).Create(&item{ID: 1}).Error; err != nil {
				t.Fatal(err)
			}
			pool, err := db.DB()
			if err != nil {
				t.Fatal(err)
			}
			if got := historyActors(t, pool, "items"); len(got) != 1 || got[0] != "ann" {
				t.Errorf("actors = %v, want ann", got)
			}
		})
	}
}
