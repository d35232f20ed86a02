package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/conformance"
)

// stocked is a model that two services share.
type stocked struct {
	ID    int64
	Name  string
	Count int
	chronogorm.Versioned
}

// services are two services on one database: one uses GORM, the other writes SQL
// through pgx.
func services(t *testing.T) (*gorm.DB, *chronopgx.DB) {
	t.Helper()
	url := conformance.Installed(t).URL()
	orm := openGORM(t, postgres.New(postgres.Config{Conn: gormPool(t, "pgx", url, false)}), gorm.Config{})
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if err := orm.AutoMigrate(&stocked{}); err != nil {
		t.Fatal(err)
	}
	return orm, chronopgx.New(pool, nil)
}

// TestStaleAcrossAdapters has a service on GORM and one on pgx see each other's
// changes.
func TestStaleAcrossAdapters(t *testing.T) {
	t.Parallel()
	orm, raw := services(t)
	gormCtx := chrononaut.WithActor(t.Context(), "gorm service")
	pgxCtx := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "pgx service"), "recount")
	s := stocked{Name: "nail"}
	if err := orm.WithContext(gormCtx).Create(&s).Error; err != nil {
		t.Fatal(err)
	}
	want := func(what string, err error, expected, actual int, actor, column string) {
		t.Helper()
		var e *chrononaut.StaleError
		if !errors.As(chrononaut.WrapError(err), &e) {
			t.Fatalf("%s: error = %v, want ErrStale", what, err)
		}
		if *e.Expected != expected || e.Actual != actual || len(e.Changes) != 1 || e.Changes[0].Actor != actor || !cmp.Equal(e.Changes[0].Columns, []string{column}) {
			t.Errorf("%s: %+v, want version %d expected, %d found, and a change of %s by %s", what, e, expected, actual, column, actor)
		}
	}

	if _, err := raw.Exec(pgxCtx, "UPDATE stockeds SET count = 5 WHERE id = $1", s.ID); err != nil {
		t.Fatal(err)
	}
	s.Name = "nails"
	want("GORM after pgx", orm.WithContext(gormCtx).Save(&s).Error, 0, 1, "pgx service", "count")

	var version int
	if err := raw.QueryRow(pgxCtx, "SELECT version FROM stockeds WHERE id = $1", s.ID).Scan(&version); err != nil {
		t.Fatal(err)
	}
	if err := chronogorm.Merge(orm.WithContext(gormCtx), &s); err != nil || s.Count != 5 || *s.Version != 2 {
		t.Fatalf("Merge: %+v, %v; want a count of 5", s, err)
	}
	_, err := raw.Exec(pgxCtx, "UPDATE stockeds SET count = count + 1, version = $2 WHERE id = $1", s.ID, version)
	want("pgx after GORM", err, 1, 2, "gorm service", "name")

	client, err := raw.Client()
	if err != nil {
		t.Fatal(err)
	}
	want("Stale", client.Stale(pgxCtx, chrononaut.Table{Name: "stockeds"}, chrononaut.Key{"id": s.ID}, version), 1, 2, "gorm service", "name")
}

// TestIncrementsAcrossAdapters has both services count at once.
func TestIncrementsAcrossAdapters(t *testing.T) {
	t.Parallel()
	orm, raw := services(t)
	s := stocked{}
	if err := orm.Create(&s).Error; err != nil {
		t.Fatal(err)
	}
	const clients, each = 10, 5
	byGORM := func(ctx context.Context) error {
		var read stocked
		if err := orm.WithContext(ctx).First(&read, s.ID).Error; err != nil {
			return err
		}
		return orm.WithContext(ctx).Model(&read).Update("count", read.Count+1).Error
	}
	byPgx := func(ctx context.Context) error {
		var count, version int
		if err := raw.QueryRow(ctx, "SELECT count, version FROM stockeds WHERE id = $1", s.ID).Scan(&count, &version); err != nil {
			return err
		}
		_, err := raw.Exec(ctx, "UPDATE stockeds SET count = $2, version = $3 WHERE id = $1", s.ID, count+1, version)
		return chrononaut.WrapError(err)
	}
	var wait sync.WaitGroup
	for i := range clients {
		increment := byGORM
		if i%2 == 1 {
			increment = byPgx
		}
		ctx := chrononaut.WithActor(t.Context(), fmt.Sprint("client ", i))
		wait.Go(func() {
			for n := 0; n < each; {
				switch err := increment(ctx); {
				case err == nil:
					n++
				case !errors.Is(err, chrononaut.ErrStale):
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	if err := orm.First(&s, s.ID).Error; err != nil || s.Count != clients*each || *s.Version != clients*each {
		t.Errorf("count %d at version %d, %v; want %d", s.Count, *s.Version, err, clients*each)
	}
}
