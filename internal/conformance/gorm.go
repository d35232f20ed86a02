package conformance

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

var numbered = regexp.MustCompile(`[$?]\d+`)

// GORMEnv is the suite's environment on a database that has the plugin, used
// through db or, if generic, through gorm.G.
func GORMEnv(t *testing.T, db *gorm.DB, generic bool) *Env {
	t.Helper()
	driver, err := chronogorm.NewDriver(db)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(db *gorm.DB) func(ctx context.Context, query string, args ...any) error {
		return func(ctx context.Context, query string, args ...any) error {
			// GORM numbers placeholders itself.
			query = numbered.ReplaceAllString(query, "?")
			if generic {
				return gorm.G[any](db).Exec(ctx, query, args...)
			}
			return db.WithContext(ctx).Exec(query, args...).Error
		}
	}
	text := func(db *gorm.DB) func(ctx context.Context, query string, args ...any) (string, error) {
		return func(ctx context.Context, query string, args ...any) (s string, err error) {
			query = numbered.ReplaceAllString(query, "?")
			if generic {
				err = gorm.G[any](db).Raw(query, args...).Scan(ctx, &s)
			} else {
				err = db.WithContext(ctx).Raw(query, args...).Scan(&s).Error
			}
			return s, err
		}
	}
	return &Env{
		Driver:    driver,
		Exec:      exec(db),
		QueryText: text(db),
		TxText: func(ctx context.Context, f func(query func(ctx context.Context, sql string, args ...any) (string, error)) error) error {
			return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return f(text(tx)) })
		},
		QueryInt: func(ctx context.Context, query string, args ...any) (n int64, err error) {
			query = numbered.ReplaceAllString(query, "?")
			if generic {
				err = gorm.G[any](db).Raw(query, args...).Scan(ctx, &n)
			} else {
				err = db.WithContext(ctx).Raw(query, args...).Scan(&n).Error
			}
			return n, err
		},
		Tx: func(ctx context.Context, f func(exec func(ctx context.Context, sql string, args ...any) error) error) error {
			return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return f(exec(tx)) })
		},
	}
}

type (
	gormLabel struct {
		ID   int64
		Name string
	}
	gormOwner struct {
		Name string
		Zip  *string
	}
	gormPage struct {
		ID        int64
		Title     string
		Words     []string    `gorm:"serializer:json"`
		Owner     gormOwner   `gorm:"embedded;embeddedPrefix:owner_"`
		Labels    []gormLabel `gorm:"many2many:page_labels"`
		Secret    string      `chrononaut:"hidden"`
		Visits    int         `chrononaut:"untracked"`
		Done      bool
		Price     float64
		Size      int64
		Blob      []byte
		CreatedAt time.Time
		DeletedAt gorm.DeletedAt
		chronogorm.Versioned
	}
	gormStrict struct {
		ID    int64
		Title string
		chronogorm.RecordChanges
	}
	// gormDraft1 and gormDraft2 are a model that changes.
	gormDraft1 struct {
		ID    int64
		Title string
		Extra string
		chronogorm.Versioned
	}
	gormDraft2 struct {
		ID    int64
		Title string `gorm:"size:50;not null;default:'x'"`
		Note  string `chrononaut:"hidden"`
		chronogorm.Versioned
	}
)

func (gormLabel) TableName() string  { return "labels" }
func (gormPage) TableName() string   { return "pages" }
func (gormStrict) TableName() string { return "stricts" }
func (gormDraft1) TableName() string { return "drafts" }
func (gormDraft2) TableName() string { return "drafts" }

func (gormStrict) ChrononautOptions() chronogorm.Options {
	return chronogorm.Options{Strict: true}
}

// RunGORM tests models on a database. Setup returns a fresh one, with the
// plugin.
func RunGORM(t *testing.T, setup func(t *testing.T) *gorm.DB) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, db *gorm.DB)
	}{
		{"migrates, tracks, records and reads models", gormModels},
		{"attributes what models do", gormAttribution},
		{"gives records the keys that the database makes, not those of history's rows", gormKeys},
		{"follows models that change, and tables that are built anew", gormMigrations},
		{"keeps record changes on the row, and refuses unattributed writes", gormStrictTables},
		{"works inside a transaction", gormTransactions},
		{"reads the past unmodified", gormTravels},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, setup(t))
		})
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// gormLog returns the log, one line for each change.
func gormLog(t *testing.T, db *gorm.DB) []string {
	t.Helper()
	client, err := chronogorm.Client(db)
	noError(t, err)
	all, err := client.Activity(t.Context(), &chrononaut.ActivityOpts{OldestFirst: true, Limit: -1})
	noError(t, err)
	lines := []string{}
	for _, c := range all {
		if c.Operation == chrononaut.OperationTrack {
			continue
		}
		key, err := c.Key.JSON()
		noError(t, err)
		lines = append(lines, fmt.Sprintf("%s %s %d %s %s", c.Table.Name, key, c.Version, c.Operation, c.Actor))
		for column, value := range c.Data {
			if strings.Contains(string(value), "hunter") {
				t.Errorf("history holds a hidden value in %s", column)
			}
		}
	}
	return lines
}

func wantGORMLog(t *testing.T, db *gorm.DB, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, gormLog(t, db)); diff != "" {
		t.Errorf("log mismatch (-want +got):\n%s", diff)
	}
}

func gormModels(t *testing.T, db *gorm.DB) {
	ctx := t.Context()
	for range 2 {
		noError(t, db.AutoMigrate(&gormPage{}))
	}
	zip := "1010"
	p := gormPage{
		ID: 1, Title: "a", Words: []string{"x", "y"}, Owner: gormOwner{"ann", &zip}, Secret: "hunter2", Visits: 1,
		Done: true, Price: 0.1, Size: 1 << 62, Blob: []byte{0, 255},
	}
	noError(t, db.Create(&p).Error)
	noError(t, db.Model(&gormPage{ID: 1}).Update("visits", 2).Error)
	noError(t, db.Model(&gormPage{ID: 1}).Updates(map[string]any{"title": "b", "owner_zip": nil}).Error)
	noError(t, db.Model(&p).Association("Labels").Append(&gormLabel{ID: 7, Name: "l"}))
	noError(t, db.Delete(&gormPage{ID: 1}).Error)
	noError(t, db.Model(&gormPage{ID: 1}).Association("Labels").Clear())
	noError(t, db.Unscoped().Delete(&gormPage{ID: 1}).Error)
	wantGORMLog(t, db, `pages {"id":1} 0 insert `, `pages {"id":1} 1 update `,
		`page_labels {"gorm_label_id":7,"gorm_page_id":1} 0 insert `,
		`pages {"id":1} 2 update `, `page_labels {"gorm_label_id":7,"gorm_page_id":1} 1 delete `, `pages {"id":1} 3 delete `)
	h, err := chronogorm.History[gormPage](db)
	noError(t, err)
	first, err := h.Version(ctx, gormPage{ID: 1}, 0)
	noError(t, err)
	p.Labels, p.Secret, p.Visits, p.Version, first.Record.Version = nil, "", 0, nil, nil
	// The database keeps microseconds, perhaps.
	sameTime := cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() <= time.Microsecond })
	if diff := cmp.Diff(p, first.Record, sameTime); diff != "" {
		t.Errorf("version 0 mismatch (-created +history):\n%s", diff)
	}
	second, err := h.Version(ctx, 1, 1)
	if err != nil || second.Record.Title != "b" || second.Record.Owner.Zip != nil {
		t.Errorf("version 1 = %+v, %v; want title b without zip", second, err)
	}
	if _, err := second.Column("secret"); !errors.Is(err, chrononaut.ErrHidden) {
		t.Errorf("Column(secret): error = %v, want ErrHidden", err)
	}
}

func gormAttribution(t *testing.T, db *gorm.DB) {
	noError(t, db.AutoMigrate(&gormDraft1{}))
	ctx := chrononaut.WithActor(t.Context(), "ann")
	ann := db.WithContext(ctx)
	noError(t, ann.Create(&[]gormDraft1{{ID: 1}, {ID: 2}}).Error)
	noError(t, chronogorm.AnyVersion(ann).Save(&gormDraft1{ID: 1, Title: "save"}).Error)
	noError(t, ann.Exec("UPDATE drafts SET title = ? WHERE id = ?", "exec", 1).Error)
	var id int64
	noError(t, ann.Raw("UPDATE drafts SET title = ? WHERE id = ? RETURNING id", "raw", 1).Scan(&id).Error)
	noError(t, gorm.G[gormDraft1](db).Create(ctx, &gormDraft1{ID: 3}))
	_, err := gorm.G[gormDraft1](db).Where("id = ?", 3).Update(ctx, "title", "g")
	noError(t, err)
	noError(t, ann.Transaction(func(tx *gorm.DB) error {
		noError(t, tx.Create(&gormDraft1{ID: 4}).Error)
		noError(t, chronogorm.SetContext(chrononaut.WithActor(ctx, "bob"), tx))
		return tx.Create(&gormDraft1{ID: 5}).Error
	}))
	noError(t, ann.Connection(func(tx *gorm.DB) error { return tx.WithContext(ctx).Create(&gormDraft1{ID: 6}).Error }))
	noError(t, db.Delete(&gormDraft1{ID: 2}).Error)
	wantGORMLog(t, db, `drafts {"id":1} 0 insert ann`, `drafts {"id":2} 0 insert ann`, `drafts {"id":1} 1 update ann`, `drafts {"id":1} 2 update ann`,
		`drafts {"id":1} 3 update ann`, `drafts {"id":3} 0 insert ann`, `drafts {"id":3} 1 update ann`,
		`drafts {"id":4} 0 insert ann`, `drafts {"id":5} 0 insert bob`, `drafts {"id":6} 0 insert ann`, `drafts {"id":2} 1 delete `)
}

func gormKeys(t *testing.T, db *gorm.DB) {
	noError(t, db.AutoMigrate(&gormDraft1{}))
	for range 2 {
		drafts := []gormDraft1{{Title: "a"}, {Title: "b"}}
		noError(t, db.Create(&drafts).Error)
		one := gormDraft1{Title: "c"}
		noError(t, db.Create(&one).Error)
		for _, d := range append(drafts, one) {
			var read gormDraft1
			if err := db.First(&read, d.ID).Error; err != nil || read.Title != d.Title {
				t.Errorf("record %d = %+v, %v; want title %s", d.ID, read, err, d.Title)
			}
		}
		noError(t, db.Model(&one).Update("title", "d").Error)
	}
}

func gormMigrations(t *testing.T, db *gorm.DB) {
	noError(t, db.AutoMigrate(&gormDraft1{}))
	noError(t, db.Create(&gormDraft1{ID: 1, Title: "a", Extra: "e"}).Error)
	noError(t, db.AutoMigrate(&gormDraft2{}))
	noError(t, db.Model(&gormDraft2{ID: 1}).Updates(gormDraft2{Title: "b", Note: "hunter2"}).Error)
	noError(t, db.Migrator().DropColumn(&gormDraft1{}, "Extra"))
	noError(t, db.Model(&gormDraft2{ID: 1}).Update("title", "c").Error)
	noError(t, db.Migrator().AlterColumn(&gormDraft2{}, "Title"))
	noError(t, db.Model(&gormDraft2{ID: 1}).Update("note", "hunter3").Error)
	noError(t, db.AutoMigrate(&gormDraft2{}))
	noError(t, db.Create(&gormDraft2{ID: 2, Title: "new"}).Error)
	noError(t, db.Delete(&gormDraft2{ID: 1}).Error)
	wantGORMLog(t, db, `drafts {"id":1} 0 insert `, `drafts {"id":1} 1 update `, `drafts {"id":1} 2 update `, `drafts {"id":1} 3 update `,
		`drafts {"id":2} 0 insert `, `drafts {"id":1} 4 delete `)
	h, err := chronogorm.History[gormDraft2](db)
	noError(t, err)
	s, err := h.Version(t.Context(), 1, 2)
	if err != nil || s.Record.Title != "c" || s.Record.Note != "" {
		t.Errorf("version 2 = %+v, %v; want title c", s, err)
	}
	driver, err := chronogorm.NewDriver(db)
	noError(t, err)
	m, err := chronomigrate.New(driver, nil)
	noError(t, err)
	problems, err := m.Check(t.Context(), nil)
	noError(t, err)
	for _, p := range problems {
		t.Errorf("check after migrations: %s of %s: %s", p.Kind, p.Table, p.Message)
	}
}

func gormStrictTables(t *testing.T, db *gorm.DB) {
	noError(t, db.AutoMigrate(&gormStrict{}))
	noError(t, db.AutoMigrate(&gormStrict{}))
	if err := db.Create(&gormStrict{ID: 1}).Error; !errors.Is(chrononaut.WrapError(err), chrononaut.ErrUnattributed) {
		t.Errorf("Create: error = %v, want ErrUnattributed", err)
	}
	ctx := chrononaut.WithRationale(chrononaut.WithActor(t.Context(), "ann"), "why")
	noError(t, db.WithContext(ctx).Create(&gormStrict{ID: 1, Title: "a"}).Error)
	var read gormStrict
	noError(t, db.First(&read).Error)
	if read.ChangeInfo.Actor() != "ann" || read.ChangeInfo.Rationale() != "why" || read.Changed == nil || time.Since(*read.Changed).Abs() > time.Hour {
		t.Errorf("record changes = %v at %v, want ann's", read.ChangeInfo, read.Changed)
	}
}

func gormTransactions(t *testing.T, db *gorm.DB) {
	failed := errors.New("on purpose")
	err := db.Transaction(func(tx *gorm.DB) error {
		noError(t, tx.AutoMigrate(&gormDraft1{}))
		noError(t, tx.Create(&gormDraft1{ID: 1}).Error)
		wantGORMLog(t, tx, `drafts {"id":1} 0 insert `)
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if db.Migrator().HasTable(&gormDraft1{}) {
		t.Error("the table outlived the transaction")
	}
	noError(t, db.AutoMigrate(&gormDraft1{}))
	noError(t, db.WithContext(chrononaut.WithActor(t.Context(), "ann")).Transaction(func(tx *gorm.DB) error {
		noError(t, tx.Create(&gormDraft1{ID: 1}).Error)
		err := tx.Transaction(func(tx *gorm.DB) error {
			noError(t, tx.Create(&gormDraft1{ID: 2}).Error)
			return failed
		})
		if !errors.Is(err, failed) {
			return err
		}
		noError(t, tx.Model(&gormDraft1{ID: 1}).Update("title", "b").Error)
		h, err := chronogorm.History[gormDraft1](tx)
		noError(t, err)
		versions, err := h.Versions(t.Context(), 1, nil)
		if err != nil || len(versions) != 2 {
			t.Errorf("inside the transaction: %d versions, %v; want 2", len(versions), err)
		}
		return nil
	}))
	wantGORMLog(t, db, `drafts {"id":1} 0 insert ann`, `drafts {"id":1} 1 update ann`)
}
