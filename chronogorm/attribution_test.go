package chronogorm_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
)

// onConflict makes an upsert of Create.
var onConflict = clause.OnConflict{UpdateAll: true}

type task struct {
	ID    int64 `gorm:"primaryKey;autoIncrement:false"`
	Title string
	Done  bool
	chronogorm.Versioned
}

// doors are the ways in which GORM writes. Each makes changes to task 1, or
// inserts others, under the context of the session.
var doors = []struct {
	name  string
	write func(ctx context.Context, db *gorm.DB) error
}{
	{"Create", func(_ context.Context, db *gorm.DB) error { return db.Create(&task{ID: 2}).Error }},
	{"Create of a slice", func(_ context.Context, db *gorm.DB) error { return db.Create(&[]task{{ID: 3}, {ID: 4}}).Error }},
	{"CreateInBatches", func(_ context.Context, db *gorm.DB) error {
		return db.CreateInBatches(&[]task{{ID: 5}, {ID: 6}, {ID: 7}}, 2).Error
	}},
	{"Create of a map", func(_ context.Context, db *gorm.DB) error {
		return db.Model(&task{}).Create(map[string]any{"id": 8, "title": "x", "done": false}).Error
	}},
	{"an upsert", func(_ context.Context, db *gorm.DB) error {
		return db.Clauses(onConflict).Create(&task{ID: 1, Title: "upsert"}).Error
	}},
	{"Save", func(_ context.Context, db *gorm.DB) error {
		return chronogorm.AnyVersion(db).Save(&task{ID: 1, Title: "save"}).Error
	}},
	{"Save of a new record", func(_ context.Context, db *gorm.DB) error { return db.Save(&task{ID: 9}).Error }},
	{"Update", func(_ context.Context, db *gorm.DB) error {
		return db.Model(&task{ID: 1}).Update("title", "update").Error
	}},
	{"Updates with conditions", func(_ context.Context, db *gorm.DB) error {
		return db.Model(&task{}).Where("id = ?", 1).Updates(task{Title: "updates"}).Error
	}},
	{"UpdateColumn, which skips hooks", func(_ context.Context, db *gorm.DB) error {
		return db.Model(&task{ID: 1}).UpdateColumn("title", "column").Error
	}},
	{"an update of a table without a model", func(_ context.Context, db *gorm.DB) error {
		return db.Table("tasks").Where("id = ?", 1).Updates(map[string]any{"title": "table"}).Error
	}},
	{"FirstOrCreate", func(_ context.Context, db *gorm.DB) error {
		return db.Where("id = ?", 10).FirstOrCreate(&task{ID: 10}).Error
	}},
	{"Exec", func(_ context.Context, db *gorm.DB) error {
		return db.Exec("UPDATE tasks SET title = ? WHERE id = ?", "exec", 1).Error
	}},
	{"Exec of a WITH", func(_ context.Context, db *gorm.DB) error {
		return db.Exec("WITH x AS (SELECT 1 AS id) UPDATE tasks SET title = ? FROM x WHERE tasks.id = x.id", "with").Error
	}},
	{"Raw and Scan of an UPDATE with RETURNING", func(_ context.Context, db *gorm.DB) error {
		var id int64
		err := db.Raw("UPDATE tasks SET title = ? WHERE id = ? RETURNING id", "scan", 1).Scan(&id).Error
		if err == nil && id != 1 {
			err = errors.New("Scan read another id")
		}
		return err
	}},
	{"Row with RETURNING", func(_ context.Context, db *gorm.DB) error {
		var id int64
		err := db.Raw("UPDATE tasks SET title = ? WHERE id = ? RETURNING id", "row", 1).Row().Scan(&id)
		if err == nil && id != 1 {
			err = errors.New("Row read another id")
		}
		return err
	}},
	{"Rows with RETURNING", func(_ context.Context, db *gorm.DB) error {
		rows, err := db.Raw("UPDATE tasks SET title = ? WHERE id = ? RETURNING id, title", "rows", 1).Rows()
		if err != nil {
			return err
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			var got task
			if err := db.ScanRows(rows, &got); err != nil {
				return err
			}
			if got.ID != 1 || got.Title != "rows" {
				return errors.New("ScanRows read another record")
			}
			n++
		}
		if n != 1 {
			return errors.New("not one row")
		}
		return rows.Err()
	}},
	{"RETURNING of NULL and other types", func(_ context.Context, db *gorm.DB) error {
		var got struct {
			N    *int64
			T    *string
			B    []byte
			At   time.Time
			Sum  float64
			JSON string `gorm:"column:json"`
		}
		err := db.Raw(`UPDATE tasks SET title = 'types' WHERE id = 1 RETURNING NULL::bigint AS n, NULL::text AS t, '\x00ff'::bytea AS b,
			timestamptz '2026-01-02 03:04:05.678901+00' AS at, 1.5::float8 AS sum, '{"a": null}'::jsonb AS json`).Scan(&got).Error
		if err == nil && (got.N != nil || got.T != nil || string(got.B) != "\x00\xff" || got.At.UTC().Nanosecond() != 678901000 || got.Sum != 1.5 || got.JSON != `{"a": null}`) {
			err = fmt.Errorf("RETURNING gave %+v", got)
		}
		return err
	}},
	{"Rows that are closed early", func(_ context.Context, db *gorm.DB) error {
		rows, err := db.Raw("UPDATE tasks SET title = 'early' RETURNING id").Rows()
		if err != nil {
			return err
		}
		return errors.Join(rows.Close(), rows.Err())
	}},
	{"Pluck with RETURNING", func(_ context.Context, db *gorm.DB) error {
		var ids []int64
		return db.Raw("UPDATE tasks SET title = 'pluck' WHERE id = 1 RETURNING id").Pluck("id", &ids).Error
	}},
	{"an update with RETURNING of GORM's", func(_ context.Context, db *gorm.DB) error {
		var got []task
		err := db.Model(&got).Clauses(clause.Returning{}).Where("id = ?", 1).Update("title", "returning").Error
		if err == nil && (len(got) != 1 || got[0].Title != "returning") {
			err = errors.New("RETURNING gave another record")
		}
		return err
	}},
	{"a transaction", func(_ context.Context, db *gorm.DB) error {
		return db.Transaction(func(tx *gorm.DB) error { return tx.Model(&task{ID: 1}).Update("title", "tx").Error })
	}},
	{"a transaction by hand", func(_ context.Context, db *gorm.DB) error {
		tx := db.Begin(&sql.TxOptions{Isolation: sql.LevelSerializable})
		if err := tx.Exec("UPDATE tasks SET title = 'begin' WHERE id = 1").Error; err != nil {
			return err
		}
		return tx.Commit().Error
	}},
	{"a nested transaction, after one that was rolled back", func(_ context.Context, db *gorm.DB) error {
		return db.Transaction(func(tx *gorm.DB) error {
			failed := errors.New("on purpose")
			if !db.DisableNestedTransaction {
				err := tx.Transaction(func(tx *gorm.DB) error {
					return errors.Join(tx.Model(&task{ID: 1}).Update("title", "rolled back").Error, failed)
				})
				if !errors.Is(err, failed) {
					return err
				}
			}
			return tx.Transaction(func(tx *gorm.DB) error { return tx.Model(&task{ID: 1}).Update("title", "nested").Error })
		})
	}},
	{"a savepoint by hand", func(_ context.Context, db *gorm.DB) error {
		tx := db.Begin()
		tx.SavePoint("a")
		tx.Model(&task{ID: 1}).Update("title", "undone")
		tx.RollbackTo("a")
		tx.Model(&task{ID: 1}).Update("title", "savepoint")
		return tx.Commit().Error
	}},
	{"a session inside a transaction", func(_ context.Context, db *gorm.DB) error {
		return db.Transaction(func(tx *gorm.DB) error {
			return tx.Session(&gorm.Session{NewDB: true, PrepareStmt: true}).Model(&task{ID: 1}).Update("title", "session").Error
		})
	}},
	{"a session that prepares", func(_ context.Context, db *gorm.DB) error {
		return db.Session(&gorm.Session{PrepareStmt: true, SkipDefaultTransaction: true}).Model(&task{ID: 1}).Update("title", "prepared").Error
	}},
	{"a connection", func(ctx context.Context, db *gorm.DB) error {
		return db.Connection(func(tx *gorm.DB) error {
			return errors.Join(
				tx.WithContext(ctx).Model(&task{ID: 1}).Update("title", "connection").Error,
				tx.WithContext(ctx).Exec("UPDATE tasks SET title = 'connection again' WHERE id = 1").Error,
			)
		})
	}},
	{"G", func(ctx context.Context, db *gorm.DB) error {
		g := gorm.G[task](db)
		if err := g.Create(ctx, &task{ID: 11}); err != nil {
			return err
		}
		if err := g.CreateInBatches(ctx, &[]task{{ID: 12}, {ID: 13}}, 1); err != nil {
			return err
		}
		if _, err := g.Where("id = ?", 11).Update(ctx, "title", "g"); err != nil {
			return err
		}
		if _, err := g.Where("id = ?", 11).Updates(ctx, task{Done: true}); err != nil {
			return err
		}
		if err := g.Exec(ctx, "UPDATE tasks SET title = ? WHERE id = ?", "g exec", 11); err != nil {
			return err
		}
		if _, err := gorm.G[int64](db).Raw("UPDATE tasks SET title = ? WHERE id = ? RETURNING id", "g raw", 11).Find(ctx); err != nil {
			return err
		}
		_, err := g.Where("id = ?", 11).Delete(ctx)
		return err
	}},
	{"Delete", func(_ context.Context, db *gorm.DB) error { return db.Delete(&task{ID: 2}).Error }},
	{"Delete with conditions and RETURNING", func(_ context.Context, db *gorm.DB) error {
		var gone []task
		err := db.Clauses(clause.Returning{}).Where("id IN ?", []int{3, 4}).Delete(&gone).Error
		if err == nil && len(gone) != 2 {
			err = errors.New("not two records returned")
		}
		return err
	}},
}

func TestAttribution(t *testing.T) {
	t.Parallel()
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, mode, &task{})
			must(t, ran(db.Create(&task{ID: 1})))
			seen := len(changes(t, db))
			for _, door := range doors {
				ctx := chrononaut.WithRationale(as(t, "o'neil \\ "+door.name), "because")
				if err := door.write(ctx, db.WithContext(ctx)); err != nil {
					t.Errorf("%s: %v", door.name, err)
				}
				// What is not attributed must not inherit from what was.
				if err := db.WithContext(t.Context()).Exec("UPDATE tasks SET done = NOT done WHERE id = 1").Error; err != nil {
					t.Errorf("after %s: %v", door.name, err)
				}
				got := changes(t, db)
				if len(got) < seen+2 {
					t.Fatalf("%s was not recorded", door.name)
				}
				for _, c := range got[seen : len(got)-1] {
					if want := "o'neil \\ " + door.name; c.Actor != want || c.Rationale != "because" {
						t.Errorf("%s: actor %q because %q, want %q", door.name, c.Actor, c.Rationale, want)
					}
				}
				if last := got[len(got)-1]; last.Actor != "" || last.Rationale != "" {
					t.Errorf("attribution of %s leaked: actor %q because %q", door.name, last.Actor, last.Rationale)
				}
				seen = len(got)
			}
		})
	}
}
