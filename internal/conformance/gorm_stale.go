package conformance

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

type (
	// gormSheet is deleted softly, and belongs to a shelf.
	gormSheet struct {
		ID        int64
		Title     string
		Words     int
		ShelfID   *int64
		Shelf     *gormShelf `gorm:"foreignKey:ShelfID"`
		DeletedAt gorm.DeletedAt
		chronogorm.Versioned
	}
	gormShelf struct {
		ID    int64
		Name  string
		Pages []gormSheet `gorm:"foreignKey:ShelfID"`
		chronogorm.Versioned
	}
	// gormSeat has a key of two columns and a version with a prefix.
	gormSeat struct {
		Row                  string `gorm:"primaryKey"`
		Number               int    `gorm:"primaryKey;autoIncrement:false"`
		Guest                string
		chronogorm.Versioned `gorm:"embeddedPrefix:row_"`
	}
	// gormHooked is a sheet whose hook can fail.
	gormHooked gormSheet
	gormNote   struct {
		ID    int64 `gorm:"primaryKey;autoIncrement:false"`
		Title string
		Done  bool
		chronogorm.Versioned
	}
	// gormForm is what a web page sends.
	gormForm struct {
		Title   string
		Version *int
	}
)

// RunGORMStale tests that records which were read are written only as long as
// they are at the version they were read at. Setup returns a fresh database, with
// the plugin.
func RunGORMStale(t *testing.T, setup func(t *testing.T) *gorm.DB) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, db *gorm.DB)
	}{
		{"refuses stale writes through every door", gormStaleWrites},
		{"says which records of a slice are stale", gormStaleSlices},
		{"refuses to overwrite what was not read", gormUnknownVersions},
		{"knows records that are gone, linked, renamed, or older than tracking", gormStaleRecords},
		{"loses no increment of many clients", gormIncrements},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := setup(t)
			noError(t, db.AutoMigrate(&gormShelf{}, &gormSheet{}, &gormSeat{}))
			test.run(t, db)
		})
	}
}

// gormIncrements has many clients increment one record, each by reading and
// writing it until nobody else has written in between.
func gormIncrements(t *testing.T, db *gorm.DB) {
	t.Helper()
	clients, each := pgtest.Size(16, 50), 2
	// Few connections: SQLite lets those that wait for its one writer starve.
	pool, err := db.DB()
	noError(t, err)
	pool.SetMaxOpenConns(4)
	sheet := gormSheet{}
	noError(t, ran(db.Create(&sheet)))
	var refused atomic.Int64
	var wait sync.WaitGroup
	for i := range clients {
		wait.Go(func() {
			for n := 0; n < each; {
				var read gormSheet
				err := db.First(&read, sheet.ID).Error
				if err == nil {
					if i%2 == 0 {
						read.Words++
						err = db.Save(&read).Error
					} else {
						err = db.Model(&read).Update("words", read.Words+1).Error
					}
				}
				switch {
				case err == nil:
					n++
				case errors.Is(err, chrononaut.ErrStale):
					refused.Add(1)
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	noError(t, ran(db.First(&sheet, sheet.ID)))
	if sheet.Words != clients*each || *sheet.Version != clients*each {
		t.Errorf("%d words at version %d, want %d; %d writes were refused", sheet.Words, *sheet.Version, clients*each, refused.Load())
	}
}

// checkedDoors are the ways in which GORM writes a record that was read.
var checkedDoors = []struct {
	name  string
	write func(ctx context.Context, db *gorm.DB, p *gormSheet) (rows int64, err error)
	// copies is set where the record in memory cannot learn its new version.
	copies bool
	many   bool
}{
	{name: "Save", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		p.Title = "save"
		return did(db.Save(p))
	}},
	{name: "Update", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Model(p).Update("title", "update"))
	}},
	{name: "Updates of a struct", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Model(p).Updates(gormSheet{Title: "updates"}))
	}},
	{name: "Updates of itself", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		p.Title = "itself"
		return did(db.Updates(p))
	}},
	{name: "Updates of some columns of itself", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		p.Title = "selected"
		return did(db.Select("title").Updates(p))
	}},
	{name: "Updates of a map", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Model(p).Updates(map[string]any{"title": "map", "words": gorm.Expr("words + 1")}))
	}},
	{name: "UpdateColumn", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Model(p).UpdateColumn("title", "column"))
	}},
	{name: "a model that is no pointer", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Model(*p).Updates(map[string]any{"title": "copy"}))
	}},
	{name: "an upsert", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		p.Title = "upsert"
		return did(db.Clauses(gormUpsert).Create(p))
	}},
	{name: "a version in a map", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Model(&gormSheet{ID: p.ID}).Updates(map[string]any{"title": "json", "version": float64(*p.Version)}))
	}},
	{name: "a version in a pointer to a map", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Model(&gormSheet{ID: p.ID}).Updates(&map[string]any{"title": "pointer", "version": *p.Version}))
	}},
	{name: "a version in a form, for a record that was read again", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		var again gormSheet
		if err := db.First(&again, p.ID).Error; err != nil {
			return 0, err
		}
		return did(db.Model(&again).Updates(gormForm{Title: "form", Version: p.Version}))
	}},
	{name: "AtVersion", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Clauses(chronogorm.AtVersion(*p.Version)).Model(&gormSheet{ID: p.ID}).Update("title", "at"))
	}},
	{name: "AtVersion with conditions", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Clauses(chronogorm.AtVersion(*p.Version)).Model(&gormSheet{}).Where("id = ?", p.ID).Update("title", "at"))
	}},
	{name: "G", copies: true, write: func(ctx context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		p.Title = "g"
		n, err := gorm.G[gormSheet](db).Where("id = ?", p.ID).Updates(ctx, *p)
		return int64(n), err
	}},
	{name: "G with AtVersion", copies: true, write: func(ctx context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		n, err := gorm.G[gormSheet](db, chronogorm.AtVersion(*p.Version)).Where("id = ?", p.ID).Update(ctx, "title", "g at")
		return int64(n), err
	}},
	{name: "a model and Or", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Model(p).Where("id = ?", p.ID).Or("id = ?", -1).Update("title", "model or"))
	}},
	{name: "AtVersion and Or", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Clauses(chronogorm.AtVersion(*p.Version)).Model(&gormSheet{}).Where("id = ?", p.ID).Or("id = ?", -1).Update("title", "or"))
	}},
	{name: "AtVersion and nothing but Or", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Clauses(chronogorm.AtVersion(*p.Version)).Model(&gormSheet{}).Or("id = ?", p.ID).Or("id = ?", -1).Update("title", "or"))
	}},
	{name: "AtVersion and OR in a text", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Clauses(chronogorm.AtVersion(*p.Version)).Model(&gormSheet{}).Where("id = ?\nOR\nid = ?", p.ID, -1).Update("title", "or"))
	}},
	{name: "a version in a map, and Or", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Model(&gormSheet{}).Where("id = ?", p.ID).Or("id = ?", -1).Updates(map[string]any{"title": "map or", "version": *p.Version}))
	}},
	{name: "G with AtVersion and Or", copies: true, write: func(ctx context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		n, err := gorm.G[gormSheet](db, chronogorm.AtVersion(*p.Version)).Where("id = ?", p.ID).Or("id = ?", -1).Update(ctx, "title", "g or")
		return int64(n), err
	}},
	{name: "an upsert with Or", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		p.Title = "upsert or"
		conflict := gormUpsert
		conflict.Where = clause.Where{Exprs: []clause.Expression{clause.Gt{Column: "sheets.words", Value: 1}, clause.Or(clause.Lt{Column: "sheets.words", Value: 9})}}
		return did(db.Clauses(conflict).Create(p))
	}},
	{name: "Updates of a slice", many: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return one(p, func(pages *[]gormSheet) *gorm.DB { return db.Model(pages).Updates(map[string]any{"title": "slice"}) })
	}},
	{name: "Save of a slice", many: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		p.Title = "saved slice"
		return one(p, func(pages *[]gormSheet) *gorm.DB { return db.Save(pages) })
	}},
	{name: "Save of a slice of pointers", many: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		p.Title = "pointers"
		return did(db.Save([]*gormSheet{p}))
	}},
	{name: "an upsert of a slice", many: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		p.Title = "upserted slice"
		return one(p, func(pages *[]gormSheet) *gorm.DB { return db.Clauses(gormUpsert).Create(pages) })
	}},
	{name: "FullSaveAssociations", copies: true, many: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		var s gormShelf
		if err := db.First(&s, *p.ShelfID).Error; err != nil {
			return 0, err
		}
		p.Title = "full"
		s.Pages = []gormSheet{*p}
		return did(db.Session(&gorm.Session{FullSaveAssociations: true}).Save(&s))
	}},
	{name: "Association", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		other := gormShelf{Name: "other"}
		if err := db.Create(&other).Error; err != nil {
			return 0, err
		}
		return 1, db.Model(p).Association("Shelf").Append(&other)
	}},
	{name: "a transaction", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (n int64, err error) {
		err = db.Transaction(func(tx *gorm.DB) error {
			n, err = did(tx.Model(p).Update("title", "transaction"))
			// The transaction lives on.
			return errors.Join(err, tx.First(&gormSheet{}, p.ID).Error)
		})
		return n, err
	}},
	{name: "a connection", write: func(ctx context.Context, db *gorm.DB, p *gormSheet) (n int64, err error) {
		err = db.Connection(func(tx *gorm.DB) error {
			n, err = did(tx.WithContext(ctx).Model(p).Update("title", "connection"))
			return err
		})
		return n, err
	}},
	{name: "a session that prepares", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Session(&gorm.Session{PrepareStmt: true}).Model(p).Update("title", "prepared"))
	}},
	{name: "Delete, softly", write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) { return did(db.Delete(p)) }},
	{name: "Delete of a slice, softly", many: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return one(p, func(pages *[]gormSheet) *gorm.DB { return db.Delete(pages) })
	}},
	{name: "Delete", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Unscoped().Delete(p))
	}},
	{name: "Delete of a slice", copies: true, many: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return one(p, func(pages *[]gormSheet) *gorm.DB { return db.Unscoped().Delete(pages) })
	}},
	{name: "Delete with a model", copies: true, write: func(_ context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		return did(db.Unscoped().Model(p).Delete(&gormSheet{}))
	}},
	{name: "Delete with G", copies: true, write: func(ctx context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		n, err := gorm.G[gormSheet](db, chronogorm.AtVersion(*p.Version)).Where("id = ?", p.ID).Delete(ctx)
		return int64(n), err
	}},
	{name: "Delete with G and Or", copies: true, write: func(ctx context.Context, db *gorm.DB, p *gormSheet) (int64, error) {
		n, err := gorm.G[gormSheet](db, chronogorm.AtVersion(*p.Version)).Where("id = ?", p.ID).Or("id = ?", -1).Delete(ctx)
		return int64(n), err
	}},
}

func did(tx *gorm.DB) (int64, error) { return tx.RowsAffected, tx.Error }

// one writes a record as a slice.
func one(p *gormSheet, write func(pages *[]gormSheet) *gorm.DB) (int64, error) {
	pages := []gormSheet{*p}
	tx := write(&pages)
	*p = pages[0]
	return did(tx)
}

func gormStaleWrites(t *testing.T, db *gorm.DB) {
	t.Helper()
	ctx := chrononaut.WithActor(t.Context(), "ann")
	ann, bob := db.WithContext(ctx), db.WithContext(chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "bob"), "typo"))
	home := gormShelf{Name: "home"}
	noError(t, ran(ann.Create(&home)))
	for _, door := range checkedDoors {
		p := gormSheet{Title: "a", ShelfID: &home.ID}
		noError(t, ran(ann.Create(&p)))
		if p.Version == nil || *p.Version != 0 {
			t.Errorf("%s: version %v after Create, want 0", door.name, p.Version)
			continue
		}
		stale := p
		noError(t, ran(bob.Model(&gormSheet{}).Where("id = ?", p.ID).Update("words", 7)))

		rows, err := door.write(ctx, ann, &stale)
		var e *chrononaut.StaleError
		if !errors.Is(err, chrononaut.ErrStale) || !errors.As(err, &e) {
			t.Errorf("%s of a stale record: %d rows, error = %v; want ErrStale", door.name, rows, err)
			continue
		}
		if e.Expected == nil || *e.Expected != 0 || e.Actual != 1 || e.Deleted || e.Table.Name != "sheets" {
			t.Errorf("%s: %+v, want 0 expected and 1 found", door.name, e)
		}
		if len(e.Changes) != 1 || e.Changes[0].Actor != "bob" || e.Changes[0].Rationale != "typo" || !cmp.Equal(e.Changes[0].Columns, []string{"words"}) {
			t.Errorf("%s: changes in between = %+v, want bob's", door.name, e.Changes)
		}
		var bulk *chrononaut.BulkStaleError
		if errors.As(err, &bulk) != door.many || door.many && (bulk.Stale != 1 || bulk.Of != 1) {
			t.Errorf("%s: bulk error %+v", door.name, bulk)
		}
		if stale.Version == nil || *stale.Version != 0 {
			t.Errorf("%s: version in memory = %v after the refusal, want 0", door.name, stale.Version)
		}
		var now gormSheet
		noError(t, ran(ann.First(&now, p.ID)))
		if now.Title != "a" || now.Words != 7 || *now.Version != 1 {
			t.Errorf("%s: the record is %+v, want it as bob left it", door.name, now)
		}

		rows, err = door.write(ctx, ann, &now)
		if err != nil || rows != 1 {
			t.Errorf("%s of the present record: %d rows, %v; want 1", door.name, rows, err)
			continue
		}
		var read gormSheet
		if err := ann.Unscoped().First(&read, p.ID).Error; err != nil {
			if !errors.Is(err, gorm.ErrRecordNotFound) {
				t.Error(err)
			}
			continue
		}
		if *read.Version != 2 || !door.copies && *now.Version != 2 {
			t.Errorf("%s: version %d, in memory %d; want 2", door.name, *read.Version, *now.Version)
		}
	}
}

func gormStaleSlices(t *testing.T, db *gorm.DB) {
	t.Helper()
	for name, write := range map[string]func(pages []gormSheet) *gorm.DB{
		"Save":        func(pages []gormSheet) *gorm.DB { return db.Save(&pages) },
		"Updates":     func(pages []gormSheet) *gorm.DB { return db.Model(&pages).Update("title", "new") },
		"soft Delete": func(pages []gormSheet) *gorm.DB { return db.Delete(&pages) },
		"Delete":      func(pages []gormSheet) *gorm.DB { return db.Unscoped().Delete(&pages) },
		"an upsert":   func(pages []gormSheet) *gorm.DB { return db.Clauses(gormUpsert).Create(&pages) },
		"with columns": func(pages []gormSheet) *gorm.DB {
			return db.Clauses(clause.Returning{}).Model(&pages).Update("title", "new")
		},
	} {
		pages := make([]gormSheet, 6)
		noError(t, ran(db.Create(&pages)))
		noError(t, ran(db.Model(&pages[5]).Update("words", 1))) // of several versions
		all := append([]gormSheet{}, pages...)
		noError(t, ran(db.Model(&gormSheet{ID: pages[1].ID}).Update("words", 2)))
		noError(t, ran(db.Unscoped().Delete(&gormSheet{ID: pages[3].ID})))
		for i := range all {
			all[i].Title = "new"
		}
		tx := write(all)
		var bulk *chrononaut.BulkStaleError
		if !errors.As(tx.Error, &bulk) || bulk.Stale != 2 || bulk.Of != 6 || tx.RowsAffected != 4 || len(bulk.Records) != 2 {
			t.Errorf("%s: %d rows, error = %v; want 2 of 6 stale and 4 rows", name, tx.RowsAffected, tx.Error)
			continue
		}
		for _, e := range bulk.Records {
			if id := e.Key["id"]; id != pages[1].ID && id != pages[3].ID || e.Deleted != (id == pages[3].ID) {
				t.Errorf("%s: stale is %v (deleted: %t), want the second and the fourth", name, e.Key, e.Deleted)
			}
		}
		for i := range all {
			if all[i].ID != pages[i].ID || *all[i].Version != *pages[i].Version {
				t.Errorf("%s: record %d is %d at version %d in memory, want it as before", name, i, all[i].ID, *all[i].Version)
			}
		}
		var written int64
		noError(t, ran(db.Unscoped().Model(&gormSheet{}).Where("id IN ? AND title = ''", []int64{all[0].ID, all[2].ID, all[4].ID, all[5].ID}).Count(&written)))
		// An upsert, which can bring back what was deleted, is always taken back, and
		// everything on SQLite.
		want := !db.SkipDefaultTransaction || name == "Save" || name == "an upsert" || db.Name() != "postgres"
		if rolledBack := written == 4; rolledBack != want && name != "soft Delete" {
			t.Errorf("%s: rolled back = %t, want %t", name, rolledBack, want)
		}
	}
}

func gormUnknownVersions(t *testing.T, db *gorm.DB) {
	t.Helper()
	created := gormSheet{Title: "a"}
	noError(t, ran(db.Create(&created)))
	id := created.ID

	for name, write := range map[string]func() *gorm.DB{
		"Save":                 func() *gorm.DB { return db.Save(&gormSheet{ID: id, Title: "json"}) },
		"Save of an empty one": func() *gorm.DB { return db.Save(&gormSheet{ID: id}) },
		"Save of a slice":      func() *gorm.DB { return db.Save(&[]gormSheet{{ID: id, Title: "json"}}) },
		"Updates":              func() *gorm.DB { return db.Updates(&gormSheet{ID: id, Title: "json"}) },
		"Update":               func() *gorm.DB { return db.Model(&gormSheet{ID: id, Title: "json"}).Update("words", 3) },
		"Delete":               func() *gorm.DB { return db.Delete(&gormSheet{ID: id, Title: "json"}) },
		"Delete of a slice":    func() *gorm.DB { return db.Unscoped().Delete(&[]gormSheet{{ID: id, Title: "json"}}) },
		"read without a version": func() *gorm.DB {
			var read gormSheet
			noError(t, ran(db.Select("id", "title").First(&read, id)))
			return db.Model(&read).Update("title", "b")
		},
	} {
		tx := write()
		var e *chrononaut.StaleError
		if !errors.Is(tx.Error, chronogorm.ErrVersionUnknown) || !errors.As(tx.Error, &e) || e.Expected != nil || e.Actual != 0 {
			t.Errorf("%s: error = %v, want ErrVersionUnknown", name, tx.Error)
		}
	}

	// What says which record, and nothing of it, is as good as a condition.
	noError(t, ran(db.Model(&gormSheet{ID: id}).Update("title", "b")))
	noError(t, ran(db.Model(&gormSheet{ID: id}).Updates(gormSheet{Title: "c"})))
	noError(t, ran(db.Where("id = ?", id).Updates(&gormSheet{Title: "d"})))
	noError(t, ran(db.Clauses(gormUpsert).Create(&gormSheet{ID: id, Title: "e"})))
	noError(t, ran(chronogorm.AnyVersion(db).Save(&gormSheet{ID: id, Title: "f"})))
	noError(t, ran(chronogorm.AnyVersion(db).Save(&created))) // at version 0
	if *created.Version != 6 {
		t.Errorf("version = %d after AnyVersion, want 6", *created.Version)
	}
	if _, err := gorm.G[gormSheet](chronogorm.AnyVersion(db)).Where("id = ?", id).Updates(t.Context(), gormSheet{ID: id, Title: "g"}); err != nil {
		t.Error(err)
	}
	noError(t, ran(db.Delete(&gormSheet{ID: id})))

	// New records with keys of their own are inserted.
	noError(t, ran(db.Save(&gormSheet{ID: 1000, Title: "new"})))
	noError(t, ran(db.Save(&[]gormSheet{{ID: 1001, Title: "new"}, {Title: "newer"}})))
	if tx := db.Model(&gormSheet{ID: 9999}).Update("title", "x"); tx.Error != nil || tx.RowsAffected != 0 {
		t.Errorf("update of a record that is not there: %d rows, %v", tx.RowsAffected, tx.Error)
	}

	// A stub that has been written knows its version.
	stub := gormSheet{ID: 1000}
	noError(t, ran(db.Model(&stub).Update("title", "x")))
	noError(t, ran(db.Model(&stub).Update("title", "y")))
	noError(t, ran(db.Model(&gormSheet{ID: 1000}).Update("title", "z")))
	if err := db.Model(&stub).Update("title", "x").Error; !errors.Is(err, chrononaut.ErrStale) {
		t.Errorf("update of a stub that was written before: error = %v, want ErrStale", err)
	}
}

func gormStaleRecords(t *testing.T, db *gorm.DB) {
	t.Helper()
	t.Run("that are gone", func(t *testing.T) {
		p := gormSheet{Title: "a"}
		noError(t, ran(db.Create(&p)))
		noError(t, ran(db.Unscoped().Delete(&gormSheet{ID: p.ID})))
		for name, write := range map[string]func() *gorm.DB{
			"Save":            func() *gorm.DB { return db.Save(&p) },
			"Update":          func() *gorm.DB { return db.Model(&p).Update("title", "b") },
			"Delete":          func() *gorm.DB { return db.Delete(&p) },
			"Save of a slice": func() *gorm.DB { return db.Save(&[]gormSheet{p}) },
		} {
			var e *chrononaut.StaleError
			if err := write().Error; !errors.As(err, &e) || !e.Deleted || e.Changes[0].Operation != chrononaut.OperationDelete {
				t.Errorf("%s: error = %v, want ErrStale of a deletion", name, err)
			}
		}
	})

	t.Run("with other conditions", func(t *testing.T) {
		p := gormSheet{Title: "a"}
		noError(t, ran(db.Create(&p)))
		if n, err := did(db.Model(&p).Where("words > ?", 5).Update("title", "b")); n != 0 || err != nil {
			t.Errorf("conditions that do not hold: %d rows, %v; want none and no error", n, err)
		}
	})

	t.Run("with keys of two columns", func(t *testing.T) {
		seats := []gormSeat{{Row: "a", Number: 0, Guest: "ann"}, {Row: "a", Number: 1}, {Row: "b_1", Number: 2}}
		noError(t, ran(db.Create(&seats)))
		noError(t, ran(db.Model(&seats[1]).Update("guest", "bob")))
		stale := append([]gormSeat{}, seats...)
		for i := range seats {
			seats[i].Guest += "!"
		}
		noError(t, ran(db.Save(&seats)))
		for i := range seats {
			if want := *stale[i].Version + 1; *seats[i].Version != want {
				t.Errorf("seat %d: version = %d, want %d", i, *seats[i].Version, want)
			}
			if err := db.Model(&stale[i]).Update("guest", "eve").Error; !errors.Is(err, chrononaut.ErrStale) {
				t.Errorf("seat %d: error = %v, want ErrStale", i, err)
			}
		}
		var bulk *chrononaut.BulkStaleError
		if err := db.Delete(&[]gormSeat{seats[0], stale[1], seats[2]}).Error; !errors.As(err, &bulk) || bulk.Stale != 1 || bulk.Of != 3 {
			t.Errorf("Delete: error = %v, want 1 of 3 stale", err)
		}
		if db.SkipDefaultTransaction && db.Name() == "postgres" {
			// The others are deleted.
			return
		}
		noError(t, ran(db.Model(&seats).Update("guest", "all")))
		noError(t, ran(db.Delete(&seats)))
	})

	t.Run("linked by the way", func(t *testing.T) {
		s := gormShelf{Name: "s", Pages: []gormSheet{{Title: "a"}, {Title: "b"}}}
		noError(t, ran(db.Create(&s)))
		if s.Pages[1].Version == nil || *s.Pages[1].Version != 0 {
			t.Fatalf("version of a sheet = %v, want 0", s.Pages[1].Version)
		}
		noError(t, ran(db.Model(&gormSheet{ID: s.Pages[0].ID}).Update("title", "c")))
		s.Name = "t"
		// Its pages are linked again, which overwrites nothing of theirs.
		noError(t, ran(db.Save(&s)))
		if v := s.Pages[0].Version; *v != 0 {
			t.Errorf("version of a page that was only linked = %d, want 0 as it was read", *v)
		}
		if err := db.Save(&s.Pages[0]).Error; !errors.Is(err, chrononaut.ErrStale) {
			t.Errorf("Save of a stale page: error = %v, want ErrStale", err)
		}
		noError(t, ran(db.Save(&s.Pages[1])))
		// Unless the link is another.
		other := gormShelf{Name: "other", Pages: []gormSheet{s.Pages[0]}}
		if err := db.Create(&other).Error; !errors.Is(err, chrononaut.ErrStale) {
			t.Errorf("another shelf takes a stale page: error = %v, want ErrStale", err)
		}
		// A link to a record that was not read is no reading of it.
		other = gormShelf{Name: "other", Pages: []gormSheet{{ID: s.Pages[1].ID, Title: "json"}}}
		noError(t, ran(db.Create(&other)))
		if err := db.Save(&other.Pages[0]).Error; !errors.Is(err, chronogorm.ErrVersionUnknown) {
			t.Errorf("Save of a page that was only linked: error = %v, want ErrVersionUnknown", err)
		}
	})

	t.Run("of another table", func(t *testing.T) {
		noError(t, db.Table("archive").AutoMigrate(&gormNote{}))
		one := gormNote{ID: 1}
		noError(t, ran(db.Table("archive").Create(&one)))
		stale := one
		noError(t, ran(db.Table("archive").Save(&one)))
		one.Title = "a"
		noError(t, ran(db.Table("archive").Save(&one)))
		var e *chrononaut.StaleError
		if err := db.Table("archive").Save(&stale).Error; !errors.As(err, &e) || e.Table.Name != "archive" || len(e.Changes) != 1 {
			t.Errorf("Save: error = %v (%+v), want ErrStale of archive", err, e)
		}
		many := []gormNote{stale}
		if err := db.Table("archive").Save(&many).Error; !errors.As(err, &e) || e.Table.Name != "archive" {
			t.Errorf("Save of a slice: error = %v, want ErrStale of archive", err)
		}
	})

	t.Run("older than tracking", func(t *testing.T) {
		noError(t, ran(db.Exec("CREATE TABLE notes (id bigint PRIMARY KEY, title text, done boolean)")))
		noError(t, ran(db.Exec("INSERT INTO notes VALUES (1, 'a', false)")))
		_, err := chronogorm.Track(db, &gormNote{})
		noError(t, err)
		var one, two gormNote
		noError(t, ran(db.First(&one)))
		noError(t, ran(db.First(&two)))
		one.Title, two.Title = "b", "c"
		if one.Version != nil {
			t.Errorf("version = %d before the first change, want none", *one.Version)
		}
		noError(t, ran(db.Save(&one)))
		if err := db.Save(&two).Error; !errors.Is(err, chronogorm.ErrVersionUnknown) {
			t.Errorf("second Save: error = %v, want ErrVersionUnknown", err)
		}
		noError(t, ran(db.Save(&one)))
	})

	t.Run("that were rolled back", func(t *testing.T) {
		p := gormHooked{Title: "a"}
		noError(t, ran(db.Create(&p)))
		failed := errors.New("on purpose")
		p.Title = "b"
		err := db.Set("fail", failed).Save(&p).Error
		want := 0
		if db.SkipDefaultTransaction && db.Name() == "postgres" {
			// Nothing is rolled back.
			want = 1
		}
		if !errors.Is(err, failed) || *p.Version != want {
			t.Errorf("a Save that a hook refuses: error = %v, version %d; want %d", err, *p.Version, want)
		}
		noError(t, ran(db.Save(&p)))
	})
}

func (gormSheet) TableName() string  { return "sheets" }
func (gormHooked) TableName() string { return "sheets" }
func (gormShelf) TableName() string  { return "shelves" }
func (gormSeat) TableName() string   { return "seats" }
func (gormNote) TableName() string   { return "notes" }

// gormUpsert makes an upsert of Create.
var gormUpsert = clause.OnConflict{UpdateAll: true}

// ran returns the error of a finisher.
func ran(db *gorm.DB) error { return db.Error }

// AfterSave fails where a test wants it.
func (*gormHooked) AfterSave(tx *gorm.DB) error {
	err, _ := tx.Get("fail")
	failed, _ := err.(error)
	return failed
}
