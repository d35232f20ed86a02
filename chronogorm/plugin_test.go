package chronogorm_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// mysql is a dialector that only has a name.
type mysql struct{ gorm.Dialector }

func (mysql) Name() string { return "mysql" }

func (mysql) Initialize(*gorm.DB) error { return nil }

// foreign is a pool that is nobody's.
type foreign struct{ gorm.ConnPool }

func TestUse(t *testing.T) {
	t.Parallel()

	t.Run("refuses what it cannot attribute", func(t *testing.T) {
		t.Parallel()
		url := pgtest.New(t).URL()
		config := func() *gorm.Config { return &gorm.Config{Logger: logger.Discard, DisableAutomaticPing: true} }
		other, err := gorm.Open(mysql{}, config())
		must(t, err)
		if err := other.Use(chronogorm.New(nil)); !errors.Is(err, chronogorm.ErrDialect) {
			t.Errorf("Use on MySQL: error = %v, want ErrDialect", err)
		}
		odd, err := gorm.Open(postgres.New(postgres.Config{Conn: foreign{}}), config())
		must(t, err)
		if err := odd.Use(chronogorm.New(nil)); !errors.Is(err, chronogorm.ErrPool) {
			t.Errorf("Use on a foreign pool: error = %v, want ErrPool", err)
		}
		pool, err := setup{}.open(t, url).DB()
		must(t, err)
		tx, err := pool.BeginTx(t.Context(), nil)
		must(t, err)
		over, err := gorm.Open(postgres.New(postgres.Config{Conn: tx}), config())
		must(t, err)
		if err := over.Use(chronogorm.New(nil)); !errors.Is(err, chronogorm.ErrPool) {
			t.Errorf("Use on a transaction: error = %v, want ErrPool", err)
		}
		must(t, tx.Rollback())
	})

	t.Run("refuses to be used twice", func(t *testing.T) {
		t.Parallel()
		db := setup{plain: true}.use(t, pgtest.New(t).URL())
		if err := db.Use(chronogorm.New(nil)); !errors.Is(err, gorm.ErrRegistered) {
			t.Errorf("Use: error = %v, want ErrRegistered", err)
		}
	})

	t.Run("sends ExtraInfo, which belongs to the pool if that attributes", func(t *testing.T) {
		t.Parallel()
		info := func(context.Context) map[string]any { return map[string]any{"request": "r1"} }
		url := pgtest.New(t).URL()
		db := setup{}.open(t, url)
		err := db.Use(chronogorm.New(&chronogorm.Config{ExtraInfo: info}))
		if !errors.Is(err, chronogorm.ErrPool) || !strings.Contains(err.Error(), "ExtraInfo") {
			t.Errorf("Use with ExtraInfo over chronosql: error = %v, want ErrPool", err)
		}
		user := func(context.Context) map[string]any { return map[string]any{"user_id": "system"} }
		plain := setup{plain: true, plugin: &chronogorm.Config{ExtraInfo: info, UserInfo: user}}.use(t, url)
		must(t, plain.AutoMigrate(&task{}))
		must(t, ran(plain.Create(&task{ID: 1})))
		pool, err := chronosql.Open("pgx", url, &chrononaut.Config{ExtraInfo: info})
		must(t, err)
		defer pool.Close()
		over, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{Logger: logger.Discard})
		must(t, err)
		must(t, over.Use(chronogorm.New(nil)))
		must(t, ran(over.Create(&task{ID: 2})))
		must(t, over.Transaction(func(tx *gorm.DB) error {
			must(t, chronogorm.SetContext(as(t, "ann"), tx))
			return tx.Create(&task{ID: 3}).Error
		}))
		for _, c := range changes(t, db) {
			if c.ExtraInfo["request"] != "r1" {
				t.Errorf("extra information of %v = %v, want the request", c.Key, c.ExtraInfo)
			}
		}
		wantLog(t, db, `tasks {"id":1} 0 insert system`, `tasks {"id":2} 0 insert `, `tasks {"id":3} 0 insert ann`)
	})

	t.Run("keeps history in another schema, of its own or of the pool", func(t *testing.T) {
		t.Parallel()
		url := pgtest.New(t).URL()
		db := setup{plain: true, plugin: &chronogorm.Config{Schema: "Odd \"history"}}.use(t, url)
		must(t, db.AutoMigrate(&task{}))
		must(t, ran(db.WithContext(as(t, "ann")).Create(&task{ID: 1})))
		wantLog(t, db, `tasks {"id":1} 0 insert ann`)
		pool, err := chronosql.Open("pgx", url, &chrononaut.Config{Schema: "Odd \"history"})
		must(t, err)
		defer pool.Close()
		open := func() *gorm.DB {
			db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{Logger: logger.Discard})
			must(t, err)
			return db
		}
		other := open()
		must(t, other.Use(chronogorm.New(nil)))
		wantLog(t, other, `tasks {"id":1} 0 insert ann`)
		if err := open().Use(chronogorm.New(&chronogorm.Config{Schema: "x"})); !errors.Is(err, chronogorm.ErrPool) {
			t.Errorf("Use with another schema: error = %v, want ErrPool", err)
		}
	})

	t.Run("leaves the pool to those who ask for it", func(t *testing.T) {
		t.Parallel()
		for name, mode := range modes {
			db := mode.use(t, pgtest.New(t).URL())
			pool, err := db.DB()
			if err != nil {
				t.Errorf("%s: DB() = %v", name, err)
				continue
			}
			must(t, pool.PingContext(t.Context()))
			must(t, db.Transaction(func(tx *gorm.DB) error {
				conn := tx.Statement.ConnPool
				if prepared, ok := conn.(*gorm.PreparedStmtTX); ok {
					conn = prepared.Tx
				}
				if _, ok := conn.(*sql.Tx); !ok {
					t.Errorf("%s: a transaction is %T, want *sql.Tx", name, conn)
				}
				return nil
			}))
		}
	})
}

func TestSetContext(t *testing.T) {
	t.Parallel()

	for name, mode := range modes {
		t.Run("changes who acts in a transaction: "+name, func(t *testing.T) {
			t.Parallel()
			db := open(t, mode, &task{})
			must(t, db.WithContext(chrononaut.WithRationale(as(t, "ann"), "why")).Transaction(func(tx *gorm.DB) error {
				must(t, ran(tx.Create(&task{ID: 1})))
				tx.SavePoint("a")
				must(t, chronogorm.SetContext(as(t, "bob"), tx))
				must(t, ran(tx.Create(&task{ID: 2})))
				tx.RollbackTo("a")
				must(t, ran(tx.Create(&task{ID: 3})))
				must(t, chronogorm.SetContext(as(t, `o'neil \`), tx))
				must(t, ran(tx.Create(&task{ID: 4})))
				must(t, chronogorm.SetContext(t.Context(), tx))
				return tx.Create(&task{ID: 5}).Error
			}))
			must(t, ran(db.Create(&task{ID: 6})))
			wantLog(t, db, `tasks {"id":1} 0 insert ann`, `tasks {"id":3} 0 insert ann`, `tasks {"id":4} 0 insert o'neil \`,
				`tasks {"id":5} 0 insert `, `tasks {"id":6} 0 insert `)
		})
	}

	t.Run("is refused outside a transaction, and for what cannot be sent", func(t *testing.T) {
		t.Parallel()
		db := setup{}.use(t, pgtest.New(t).URL())
		if err := chronogorm.SetContext(t.Context(), db); !errors.Is(err, gorm.ErrInvalidTransaction) {
			t.Errorf("SetContext: error = %v, want ErrInvalidTransaction", err)
		}
		tx := db.Begin()
		if err := chronogorm.SetContext(as(t, "nul\x00"), tx); !errors.Is(err, chrononaut.ErrContext) {
			t.Errorf("SetContext with a NUL byte: error = %v, want ErrContext", err)
		}
		must(t, ran(tx.Rollback()))
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, mode, &strictDoc{}, &task{})
			for what, write := range map[string]func(db *gorm.DB) error{
				"Create": func(db *gorm.DB) error { return db.Create(&strictDoc{Title: "a"}).Error },
				"Exec":   func(db *gorm.DB) error { return db.Exec("INSERT INTO strict_docs (title) VALUES ('a')").Error },
				"Transaction": func(db *gorm.DB) error {
					return db.Transaction(func(tx *gorm.DB) error { return tx.Create(&strictDoc{Title: "a"}).Error })
				},
				"G": func(db *gorm.DB) error {
					return gorm.G[strictDoc](db).Create(db.Statement.Context, &strictDoc{Title: "a"})
				},
			} {
				if err := write(db.WithContext(as(t, "ann"))); !errors.Is(chrononaut.WrapError(err), chrononaut.ErrUnattributed) {
					t.Errorf("%s without change information: error = %v, want ErrUnattributed", what, err)
				}
				must(t, write(db.WithContext(chrononaut.WithRationale(t.Context(), "why"))))
				if err := write(db.WithContext(as(t, "nul\x00"))); !errors.Is(err, chrononaut.ErrContext) {
					t.Errorf("%s with a NUL byte: error = %v, want ErrContext", what, err)
				}
			}
			if err := db.Exec("DELETE FROM chrononaut.chrononaut_activity").Error; !errors.Is(chrononaut.WrapError(err), chrononaut.ErrAppendOnly) {
				t.Errorf("DELETE of history: error = %v, want ErrAppendOnly", err)
			}
			// Errors that only come with the commit are not lost.
			must(t, ran(db.Exec("CREATE TABLE parts (id bigint, task_id bigint REFERENCES tasks DEFERRABLE INITIALLY DEFERRED)")))
			for what, write := range map[string]func(db *gorm.DB) error{
				"Exec": func(db *gorm.DB) error { return db.Exec("INSERT INTO parts VALUES (1, 99)").Error },
				"Scan": func(db *gorm.DB) error {
					var id int64
					return db.Raw("INSERT INTO parts VALUES (1, 99) RETURNING id").Scan(&id).Error
				},
				"Row": func(db *gorm.DB) error {
					var id int64
					return db.Raw("INSERT INTO parts VALUES (1, 99) RETURNING id").Row().Scan(&id)
				},
				"Rows": func(db *gorm.DB) error {
					rows, err := db.Raw("INSERT INTO parts VALUES (1, 99) RETURNING id").Rows()
					if err != nil {
						return err
					}
					for rows.Next() {
					}
					return errors.Join(rows.Err(), rows.Close())
				},
			} {
				err := write(db.WithContext(as(t, "ann")))
				if chronodriver.State(err) != "23503" && !errors.Is(err, gorm.ErrForeignKeyViolated) {
					t.Errorf("%s that violates a deferred foreign key: error = %v", what, err)
				}
			}
			// A statement that fails leaves nothing behind.
			must(t, ran(db.Create(&task{ID: 1})))
			ann := db.WithContext(as(t, "ann"))
			if err := ann.Create(&task{ID: 1}).Error; err == nil {
				t.Error("a duplicate key was accepted")
			} else if mode.gorm.TranslateError && !errors.Is(err, gorm.ErrDuplicatedKey) {
				t.Errorf("a duplicate key: error = %v, want ErrDuplicatedKey", err)
			}
			var id int64
			if err := ann.Raw("INSERT INTO tasks (id) VALUES (1) RETURNING id").Scan(&id).Error; err == nil {
				t.Error("a duplicate key was accepted by Raw")
			}
			must(t, ran(db.Create(&task{ID: 2})))
			all := changes(t, db)
			if last := all[len(all)-1]; last.Actor != "" {
				t.Errorf("attribution of a failed statement leaked: %q", last.Actor)
			}
		})
	}
}

func TestConcurrentAttribution(t *testing.T) {
	t.Parallel()
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, mode, &task{})
			var group sync.WaitGroup
			for worker := range 6 {
				group.Go(func() {
					for i := range 10 {
						id := int64(worker*100 + i)
						ctx := chrononaut.WithActor(t.Context(), fmt.Sprint(id))
						if i%3 == 0 {
							ctx = t.Context()
						}
						if err := db.WithContext(ctx).Create(&task{ID: id}).Error; err != nil {
							t.Error(err)
						}
						if err := db.WithContext(ctx).Exec("UPDATE tasks SET done = true WHERE id = ?", id).Error; err != nil {
							t.Error(err)
						}
					}
				})
			}
			group.Wait()
			all := changes(t, db)
			if len(all) != 120 {
				t.Errorf("%d changes, want 120", len(all))
			}
			for _, c := range all {
				id := fmt.Sprint(c.Key["id"])
				want := id
				if n := id[len(id)-1]; (n-'0')%3 == 0 {
					want = ""
				}
				if c.Actor != want {
					t.Errorf("actor of %s = %q, want %q", id, c.Actor, want)
				}
			}
		})
	}
}
