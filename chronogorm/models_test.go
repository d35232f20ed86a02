package chronogorm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

type (
	Secrets struct {
		Key  string
		Salt string `chrononaut:"untracked"`
	}
	token struct {
		Value string `chrononaut:"hidden"`
	}
)

func TestWrongTags(t *testing.T) {
	t.Parallel()
	db := setup{}.use(t, pgtest.New(t).URL())
	for name, tc := range map[string]struct {
		model any
		want  string
	}{
		"an unknown value": {&struct {
			ID   uint
			Name string `chrononaut:"hiden"`
		}{}, `"hiden"`},
		"an empty value": {&struct {
			ID   uint
			Name string `chrononaut:""`
		}{}, `""`},
		"on a relation": {&struct {
			ID     uint
			TaskID int64
			Task   task `chrononaut:"hidden"`
		}{}, "Task has no column"},
		"on a relation to many": {&struct {
			ID   uint
			Tags []tag `gorm:"many2many:x_tags" chrononaut:"untracked"`
		}{}, "Tags has no column"},
		"on an ignored field": {&struct {
			ID   uint
			Name string `gorm:"-" chrononaut:"hidden"`
		}{}, "Name has no column"},
		"on an unexported field": {&struct {
			ID   uint
			name string `chrononaut:"hidden"`
		}{}, "name has no column"},
		"inside a column of JSON": {&struct {
			ID    uint
			Token token `gorm:"serializer:json"`
			chronogorm.Versioned
		}{}, "Value has no column"},
		"a version that GORM writes": {&struct {
			ID       uint
			Revision *int `chrononaut:"version"`
		}{}, "Revision"},
		"a version that is never unknown": {&struct {
			ID       uint
			Revision int `gorm:"->;default:(-);-:migration" chrononaut:"version"`
		}{}, "Revision: the version may be unknown"},
		"two versions": {&struct {
			ID       uint
			Revision *int `gorm:"->;default:(-);-:migration" chrononaut:"version"`
			chronogorm.Versioned
		}{}, "two version fields"},
		"a record change of another name": {&struct {
			ID                       uint
			chronogorm.RecordChanges `gorm:"embedded;embeddedPrefix:last_"`
		}{}, "must be named"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := db.Table("wrong_tags").AutoMigrate(tc.model)
			if !errors.Is(err, chronogorm.ErrTag) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("AutoMigrate: error = %v, want ErrTag with %q", err, tc.want)
			}
			if db.Migrator().HasTable("wrong_tags") {
				t.Error("the table was created all the same")
			}
		})
	}
}

type (
	Animal struct {
		ID   uint
		Kind string
		chronogorm.Versioned
	}
	dog struct {
		Animal
		Chip string `chrononaut:"hidden"`
	}
	cat struct {
		Animal
		Lives int `chrononaut:"untracked"`
	}
	badCat struct {
		Animal
		Chip string
	}
	strictDoc struct {
		ID    uint
		Title string
	}
	ledger struct {
		Year    int    `gorm:"primaryKey;autoIncrement:false"`
		Account string `gorm:"primaryKey"`
		Amount  int64
		Secrets `chrononaut:"hidden"`
		chronogorm.Versioned
	}
	changed struct {
		ID    uint
		Title string
		chronogorm.RecordChanges
	}
	both struct {
		ID    uint
		Title string
		chronogorm.Versioned
		chronogorm.RecordChanges
	}
	prefixed struct {
		ID                   uint
		Title                string
		chronogorm.Versioned `gorm:"embeddedPrefix:row_"`
	}
)

func (Animal) TableName() string { return "animals" }
func (dog) TableName() string    { return "animals" }
func (cat) TableName() string    { return "animals" }
func (badCat) TableName() string { return "animals" }
func (strictDoc) ChrononautOptions() chronogorm.Options {
	return chronogorm.Options{Strict: true}
}

func TestModels(t *testing.T) {
	t.Parallel()

	t.Run("that share a table are tracked as all of them say", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &dog{})
		for range 2 {
			must(t, db.AutoMigrate(&cat{}))
			must(t, db.AutoMigrate(&dog{}))
			wantTracked(t, db, map[string]chronomigrate.TrackOptions{
				"public.animals": {Hidden: []string{"chip"}, Untracked: []string{"lives"}, VersionColumn: "version"},
			})
		}
		_, err := chronogorm.Track(db, &cat{}, &dog{})
		must(t, err)
		if _, err := chronogorm.Track(db, &dog{}, &badCat{}); !errors.Is(err, chronogorm.ErrTag) || !strings.Contains(err.Error(), "chip") {
			t.Errorf("Track of models that disagree: error = %v, want ErrTag about chip", err)
		}
		must(t, ran(db.Create(&dog{Animal{Kind: "dog"}, "4711"})))
		s, err := history[cat](t, db).Version(t.Context(), 1, 0)
		if err != nil || s.Record.Kind != "dog" {
			t.Errorf("version 0 = %+v, %v; want the dog", s, err)
		}
	})

	t.Run("set options by a method", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &strictDoc{})
		wantTracked(t, db, map[string]chronomigrate.TrackOptions{"public.strict_docs": {Strict: true, VersionColumn: "version"}})
	})

	t.Run("that ask for nothing cannot be tracked by hand", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &tag{})
		if _, err := chronogorm.Track(db, &tag{}); !errors.Is(err, chronogorm.ErrModel) {
			t.Errorf("Track: error = %v, want ErrModel", err)
		}
		if _, err := chronogorm.Track(db, "tags"); !errors.Is(err, chronogorm.ErrModel) {
			t.Errorf("Track of text: error = %v, want ErrModel", err)
		}
	})

	t.Run("with a composite key and tags on embedded structs", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &ledger{})
		wantTracked(t, db, map[string]chronomigrate.TrackOptions{
			"public.ledgers": {Hidden: []string{"key"}, Untracked: []string{"salt"}, VersionColumn: "version"},
		})
		l := ledger{Year: 2026, Account: "o'neil", Amount: 1}
		must(t, ran(db.Create(&l)))
		l.Amount = 1 << 60
		must(t, ran(db.Save(&l)))
		s, err := history[ledger](t, db).Previous(t.Context(), l)
		if err != nil || s.Record.Amount != 1 || s.Record.Account != "o'neil" {
			t.Errorf("previous version = %+v, %v; want amount 1", s, err)
		}
		wantLog(t, db, `ledgers {"account":"o'neil","year":2026} 0 insert `, `ledgers {"account":"o'neil","year":2026} 1 update `)
	})

	t.Run("with record changes only have no history", func(t *testing.T) {
		t.Parallel()
		for _, s := range []setup{{}, {plain: true}} {
			db := open(t, s, &changed{})
			c := changed{Title: "a"}
			must(t, ran(db.WithContext(as(t, "ann")).Create(&c)))
			if c.ChangeInfo.Actor() != "ann" || c.Changed == nil || time.Since(*c.Changed) > time.Hour {
				t.Errorf("after Create: change info %v at %v, want ann's", c.ChangeInfo, c.Changed)
			}
			first := *c.Changed
			must(t, ran(db.WithContext(as(t, "bob")).Model(&c).Update("title", "b")))
			if c.ChangeInfo.Actor() != "bob" || !c.Changed.After(first) {
				t.Errorf("after Update: change info %v at %v, want bob's", c.ChangeInfo, c.Changed)
			}
			second := *c.Changed
			must(t, ran(db.WithContext(as(t, "eve")).Model(&c).Update("title", "b")))
			if c.ChangeInfo.Actor() != "bob" || !c.Changed.Equal(second) {
				t.Errorf("after an Update of nothing: change info %v at %v, want bob's", c.ChangeInfo, c.Changed)
			}
			wantLog(t, db)
		}
	})

	t.Run("with history and record changes have both", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &both{})
		must(t, db.AutoMigrate(&both{}))
		b := both{Title: "a"}
		must(t, ran(db.WithContext(as(t, "ann")).Create(&b)))
		b.Title = "b"
		must(t, ran(db.WithContext(as(t, "bob")).Save(&b)))
		if b.Version == nil || *b.Version != 1 || b.ChangeInfo.Actor() != "bob" {
			t.Errorf("after Save: version %v by %v, want 1 by bob", b.Version, b.ChangeInfo)
		}
		versions, err := history[both](t, db).Versions(t.Context(), b, nil)
		if err != nil || len(versions) != 2 || versions[0].Record.ChangeInfo.Actor() != "ann" || versions[1].Record.ChangeInfo.Actor() != "bob" {
			t.Errorf("versions = %+v, %v; want ann's and bob's", versions, err)
		}
	})

	t.Run("can prefix the version", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &prefixed{})
		must(t, db.AutoMigrate(&prefixed{}))
		p := prefixed{Title: "a"}
		must(t, ran(db.Create(&p)))
		must(t, ran(db.Model(&p).Update("title", "b")))
		if p.Version == nil || *p.Version != 1 {
			t.Errorf("version = %v, want 1", p.Version)
		}
		var read prefixed
		must(t, ran(db.First(&read)))
		if read.Version == nil || *read.Version != 1 {
			t.Errorf("version that was read = %v, want 1", read.Version)
		}
		s, err := history[prefixed](t, db).Previous(t.Context(), &p)
		if err != nil || s.Version != 0 || s.Record.Title != "a" {
			t.Errorf("previous version = %+v, %v; want version 0", s, err)
		}
	})
}

// TestVersionField shows when the version of a record in memory is up to date.
func TestVersionField(t *testing.T) {
	t.Parallel()
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, mode, &task{}).WithContext(as(t, "ann"))
			want := func(when string, t1 *task, version int) {
				t.Helper()
				if t1.Version == nil || *t1.Version != version {
					t.Errorf("%s: version = %v, want %d", when, t1.Version, version)
				}
			}
			one := &task{ID: 1}
			must(t, ran(db.Create(one)))
			want("after Create", one, 0)
			one.Title = "a"
			must(t, ran(db.Save(one)))
			want("after Save", one, 1)
			must(t, ran(db.Save(one)))
			want("after Save of no change", one, 1)
			must(t, ran(db.Model(one).Update("title", "b")))
			want("after Update", one, 2)
			must(t, ran(db.Model(one).Updates(map[string]any{"title": "c", "done": true})))
			want("after Updates", one, 3)
			if one.Title != "c" || !one.Done {
				t.Errorf("Updates left the record as %+v", one)
			}
			must(t, ran(chronogorm.AnyVersion(db).Select("title").Updates(&task{ID: 1, Title: "d"})))
			many := []task{{ID: 2}, {ID: 3}}
			must(t, ran(db.Create(&many)))
			want("after Create of many", &many[1], 0)
			many[0].Title, many[1].Title = "x", "y"
			must(t, ran(db.Save(&many)))
			want("after Save of many, an upsert", &many[1], 1)
			saved := &task{ID: 4, Title: "new"}
			must(t, ran(db.Save(saved)))
			want("after Save of a new record", saved, 0)
			again := &task{ID: 1, Title: "upsert"}
			must(t, ran(db.Clauses(onConflict).Create(again)))
			want("after an upsert", again, 5)
			missing := db.Model(&task{ID: 99}).Update("title", "x")
			if missing.Error != nil || missing.RowsAffected != 0 {
				t.Errorf("update of a missing record: %d rows, %v", missing.RowsAffected, missing.Error)
			}
			if found := db.Model(&task{ID: 1}).Update("title", "y"); found.RowsAffected != 1 {
				t.Errorf("update of a record: %d rows, want 1", found.RowsAffected)
			}
			sql := db.ToSQL(func(tx *gorm.DB) *gorm.DB { return tx.Model(&task{ID: 1}).Update("title", "z") })
			if !strings.HasPrefix(sql, "UPDATE") {
				t.Errorf("ToSQL = %s", sql)
			}
		})
	}
}
