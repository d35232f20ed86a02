package chronogorm_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

type (
	role struct {
		ID   uint
		Name string
	}
	person struct {
		ID      uint
		Name    string
		State   string `gorm:"default:new"`
		Secret  string `gorm:"column:secret_db" chrononaut:"hidden"`
		Logins  int    `gorm:"column:login_count" chrononaut:"untracked"`
		RoleID  *uint
		Role    *role
		Friends []*person `gorm:"many2many:friendships"`
		chronogorm.Versioned
	}
	// note1 to note3 are a model whose tags change.
	note1 struct {
		ID    uint
		Title string
		Body  string
		chronogorm.Versioned
	}
	note2 struct {
		ID    uint
		Title string
		Body  string `chrononaut:"untracked"`
		chronogorm.Versioned
	}
)

func (note1) TableName() string { return "notes" }
func (note2) TableName() string { return "notes" }

// TestSeed shows for GORM what models of Python chrononaut declare, and what it
// records of them: the rows P-020 to P-047 of the specification.
func TestSeed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()

	t.Run("P-021 a change of untracked columns makes no version", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &person{})
		p := person{Name: "a", Logins: 1}
		must(t, ran(db.Create(&p)))
		must(t, ran(db.Model(&p).Update("login_count", 2)))
		wantLog(t, db, `people {"id":1} 0 insert `)
		s, err := history[person](t, db).Version(t.Context(), p, 0)
		must(t, err)
		if _, err := s.Column("login_count"); !errors.Is(err, chrononaut.ErrUntracked) || s.Record.Logins != 0 {
			t.Errorf("Column(login_count): error = %v, record %+v; want ErrUntracked and zero", err, s.Record)
		}
	})

	t.Run("P-022 a hidden column is recorded as changed, on INSERT too, without its value", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &person{})
		p := person{Name: "a", Secret: "hunter1"}
		must(t, ran(db.Create(&p)))
		must(t, ran(db.Model(&p).Update("secret_db", "hunter2")))
		must(t, ran(db.Model(&p).Update("name", "b")))
		var got [][]string
		for _, c := range changes(t, db) {
			got = append(got, c.HiddenChanged)
			for column, value := range c.Data {
				if strings.Contains(column, "secret") || strings.Contains(string(value), "hunter") {
					t.Errorf("history holds %s", column)
				}
			}
		}
		// P-029, B-03: by the name of the column, whatever the field is called.
		if diff := cmp.Diff([][]string{{"secret_db"}, {"secret_db"}, nil}, got); diff != "" {
			t.Errorf("hidden columns that changed mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("P-023 tags that change count for what is read afterwards", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &note1{})
		n := note1{Title: "a", Body: "one"}
		must(t, ran(db.Create(&n)))
		must(t, db.AutoMigrate(&note2{}))
		must(t, ran(db.Model(&n).Updates(note1{Title: "b", Body: "two"})))
		s, err := history[note2](t, db).Version(ctx, 1, 1)
		must(t, err)
		if _, err := s.Column("body"); !errors.Is(err, chrononaut.ErrUntracked) {
			t.Errorf("Column(body) of the untracked column: error = %v, want ErrUntracked", err)
		}
		diff, err := history[note2](t, db).DiffVersions(ctx, 1, 0, 1)
		must(t, err)
		if c, ok := diff.Column("body"); ok && c.To != nil {
			t.Errorf("diff of the untracked column = %+v, want it gone", c)
		}
		must(t, db.AutoMigrate(&note1{}))
		must(t, ran(db.Model(&n).Update("title", "c")))
		diff, err = history[note1](t, db).DiffVersions(ctx, 1, 1, 2)
		must(t, err)
		if c, ok := diff.Column("body"); !ok || c.From != nil || string(c.To) != `"two"` {
			t.Errorf("diff of the column that is tracked again = %+v, %v; want it new", c, ok)
		}
	})

	t.Run("P-024 a key that is inserted again continues its versions", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &task{})
		must(t, ran(db.Create(&task{ID: 1})))
		must(t, ran(db.Delete(&task{ID: 1})))
		again := task{ID: 1}
		must(t, ran(db.Create(&again)))
		wantLog(t, db, `tasks {"id":1} 0 insert `, `tasks {"id":1} 1 delete `, `tasks {"id":1} 2 insert `)
		if again.Version == nil || *again.Version != 2 {
			t.Errorf("version in memory = %v, want 2", again.Version)
		}
	})

	t.Run("P-040 an insert is version 0, with generated keys and defaults", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &person{})
		seven := 7
		p := person{Name: "a", Versioned: chronogorm.Versioned{Version: &seven}}
		must(t, ran(db.Create(&p)))
		s, err := history[person](t, db).Version(ctx, p, 0)
		if err != nil || s.Record.ID != p.ID || s.Record.State != "new" {
			t.Errorf("version 0 = %+v, %v; want the key and the default", s, err)
		}
	})

	t.Run("P-041 an update is one version more, with foreign keys set through associations", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &person{})
		p := person{Name: "a"}
		must(t, ran(db.Create(&p)))
		p.Role = &role{Name: "admin"}
		must(t, ran(db.Save(&p)))
		s, err := history[person](t, db).Version(ctx, p, 1)
		if err != nil || s.Record.RoleID == nil || *s.Record.RoleID != p.Role.ID {
			t.Errorf("version 1 = %+v, %v; want role %d", s, err, p.Role.ID)
		}
	})

	t.Run("P-042 a row from before tracking gets version 1, and its state before is kept", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{plugin: &chronogorm.Config{SkipAutoTrack: true}})
		must(t, ran(db.Exec("CREATE TABLE tasks (id bigint PRIMARY KEY, title text, done boolean)")))
		must(t, ran(db.Exec("INSERT INTO tasks VALUES (1, 'before', false)")))
		_, err := chronogorm.Track(db, &task{})
		must(t, err)
		var one task
		must(t, ran(db.First(&one, 1)))
		versions, err := history[task](t, db).Versions(ctx, one, nil)
		if err != nil || len(versions) != 0 || one.Version != nil {
			t.Errorf("before the first change: %d versions, %v, version %v; want none", len(versions), err, one.Version)
		}
		must(t, ran(db.Model(&one).Update("title", "after")))
		wantLog(t, db, `tasks {"id":1} 0 baseline `, `tasks {"id":1} 1 update `)
		s, err := history[task](t, db).Previous(ctx, one)
		if err != nil || s.Record.Title != "before" {
			t.Errorf("previous version = %+v, %v; want the state before tracking", s, err)
		}
	})

	t.Run("P-043 no change of a tracked column makes no version", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &task{})
		one := task{ID: 1, Title: "a"}
		must(t, ran(db.Create(&one)))
		must(t, ran(db.Save(&one)))
		must(t, ran(db.Model(&one).Update("title", "a")))
		must(t, ran(db.Exec("UPDATE tasks SET title = title")))
		wantLog(t, db, `tasks {"id":1} 0 insert `)
	})

	t.Run("P-044 relations are changes of their keys, and those of many to many are recorded", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &person{})
		a, b := person{Name: "a"}, person{Name: "b"}
		must(t, ran(db.Create(&a)))
		must(t, ran(db.Create(&b)))
		must(t, db.Model(&a).Association("Role").Append(&role{Name: "admin"}))
		must(t, db.Model(&a).Association("Friends").Append(&b))
		must(t, db.Model(&a).Association("Friends").Clear())
		got := []string{}
		for _, c := range changes(t, db)[2:] {
			got = append(got, c.Table.Name+" "+string(c.Operation))
		}
		// Saving an association upserts the record on the other side, here without
		// a change.
		if diff := cmp.Diff([]string{"people update", "friendships insert", "friendships delete"}, got); diff != "" {
			t.Errorf("changes mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("P-045 a deletion is a version with the last state, and says that it is one", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &task{})
		must(t, ran(db.Create(&task{ID: 1, Title: "a"})))
		must(t, ran(db.Where("title = ?", "a").Delete(&task{})))
		s, err := history[task](t, db).Version(ctx, 1, 1)
		if err != nil || s.Operation != chrononaut.OperationDelete || s.Record.Title != "a" {
			t.Errorf("version 1 = %+v, %v; want the deletion", s, err)
		}
	})

	t.Run("P-046 each change of a transaction is a version, and they say that they belong together", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &task{})
		must(t, db.Transaction(func(tx *gorm.DB) error {
			one := task{ID: 1}
			return errors.Join(tx.Create(&one).Error, tx.Model(&one).Update("title", "a").Error, tx.Model(&one).Update("title", "b").Error)
		}))
		wantLog(t, db, `tasks {"id":1} 0 insert `, `tasks {"id":1} 1 update `, `tasks {"id":1} 2 update `)
		all := changes(t, db)
		for _, c := range all {
			if c.TransactionID == 0 || c.TransactionID != all[0].TransactionID {
				t.Errorf("transaction of version %d = %d, want %d", c.Version, c.TransactionID, all[0].TransactionID)
			}
		}
	})

	t.Run("P-047 a rollback, also to a savepoint, undoes history and versions", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &task{})
		one := task{ID: 1}
		must(t, ran(db.Create(&one)))
		failed := errors.New("on purpose")
		if err := db.Transaction(func(tx *gorm.DB) error {
			return errors.Join(tx.Model(&task{ID: 1}).Update("title", "a").Error, failed)
		}); !errors.Is(err, failed) {
			t.Fatal(err)
		}
		must(t, db.Transaction(func(tx *gorm.DB) error {
			if err := tx.Transaction(func(tx *gorm.DB) error {
				return errors.Join(tx.Model(&task{ID: 1}).Update("title", "b").Error, failed)
			}); !errors.Is(err, failed) {
				return err
			}
			return nil
		}))
		wantLog(t, db, `tasks {"id":1} 0 insert `)
		must(t, ran(db.First(&one)))
		if one.Version == nil || *one.Version != 0 {
			t.Errorf("version = %v, want 0", one.Version)
		}
	})

	t.Run("B-18 B-27 bulk statements are recorded, and what they delete is gone", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &task{})
		must(t, ran(db.CreateInBatches(&[]task{{ID: 1}, {ID: 2}, {ID: 3}}, 10)))
		must(t, ran(db.WithContext(as(t, "ann")).Model(&task{}).Where("id > ?", 1).Updates(map[string]any{"done": true})))
		must(t, ran(db.WithContext(as(t, "bob")).Where("done").Delete(&task{})))
		wantLog(t, db, `tasks {"id":1} 0 insert `, `tasks {"id":2} 0 insert `, `tasks {"id":3} 0 insert `,
			`tasks {"id":2} 1 update ann`, `tasks {"id":3} 1 update ann`, `tasks {"id":2} 2 delete bob`, `tasks {"id":3} 2 delete bob`)
		at := time.Now()
		if _, err := history[task](t, db).At(ctx, 2, at.Add(time.Hour)); !errors.Is(err, chrononaut.ErrNotFound) {
			t.Errorf("At after the deletion: error = %v, want ErrNotFound (B-18)", err)
		}
	})

	t.Run("P-020 P-030 the mixin marks a model, the plugin is all there is to use", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &note1{})
		wantTracked(t, db, map[string]chronomigrate.TrackOptions{"public.notes": {VersionColumn: "version"}})
		if _, ok := db.Plugins[chronogorm.New(nil).Name()]; !ok {
			t.Error("the plugin is not among db.Plugins")
		}
	})
}
