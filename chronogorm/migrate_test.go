package chronogorm_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
	"github.com/chrononaut-go/chrononaut/internal/wiretest"
)

func migrator(t *testing.T, db *gorm.DB) *chronomigrate.Migrator {
	t.Helper()
	driver, err := chronogorm.NewDriver(db)
	must(t, err)
	m, err := chronomigrate.New(driver, nil)
	must(t, err)
	return m
}

// tracked returns how the tables that are tracked now are tracked.
func tracked(t *testing.T, db *gorm.DB) map[string]chronomigrate.TrackOptions {
	t.Helper()
	m := migrator(t, db)
	tables, err := m.Tables(t.Context())
	must(t, err)
	options := map[string]chronomigrate.TrackOptions{}
	for _, table := range tables {
		if table.Tracked {
			options[table.Table.String()] = table.Options
		}
	}
	return options
}

func wantTracked(t *testing.T, db *gorm.DB, want map[string]chronomigrate.TrackOptions) {
	t.Helper()
	if diff := cmp.Diff(want, tracked(t, db), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("tracked tables mismatch (-want +got):\n%s", diff)
	}
}

type account struct {
	ID       uint
	Email    string
	Password string    `chrononaut:"hidden"`
	SeenAt   time.Time `chrononaut:"untracked"`
	chronogorm.Versioned
}

// Models of one table, as a program has them one after the other.
type (
	user1 struct {
		ID     uint
		Name   string
		Secret string `chrononaut:"hidden"`
		chronogorm.Versioned
	}
	user2 struct { // one column more, of the secret nothing is left
		ID      uint
		Name    string
		Token   string `chrononaut:"hidden"`
		SeenAt  time.Time
		Visits  int  `chrononaut:"untracked"`
		Version *int `gorm:"->;default:(-);-:migration" chrononaut:"version"`
	}
	user3 struct { // other tags
		ID     uint
		Name   string
		Token  string
		SeenAt time.Time `chrononaut:"untracked"`
		Visits int
		chronogorm.Versioned
	}
)

func (user1) TableName() string { return "users" }
func (user2) TableName() string { return "users" }
func (user3) TableName() string { return "users" }

func TestAutoMigrate(t *testing.T) {
	t.Parallel()

	t.Run("tracks models as their tags say, and leaves others alone", func(t *testing.T) {
		t.Parallel()
		type plain struct{ ID uint }
		db := open(t, setup{}, &account{}, &plain{})
		wantTracked(t, db, map[string]chronomigrate.TrackOptions{
			"public.accounts": {Hidden: []string{"password"}, Untracked: []string{"seen_at"}, VersionColumn: "version"},
		})
		must(t, ran(db.Create(&account{Email: "a", Password: "hunter2", SeenAt: time.Now()})))
		c := changes(t, db)[0]
		for column, value := range c.Data {
			if column == "password" || column == "seen_at" || strings.Contains(string(value), "hunter2") {
				t.Errorf("history holds column %s", column)
			}
		}
		if diff := cmp.Diff([]string{"password"}, c.HiddenChanged); diff != "" {
			t.Errorf("hidden columns that changed mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("does nothing when nothing changed, and leaves the version column to Chrononaut", func(t *testing.T) {
		t.Parallel()
		proxy := wiretest.Start(t, pgtest.New(t).URL())
		db := setup{}.use(t, proxy.URL())
		must(t, db.AutoMigrate(&account{}))
		var ddl []string
		for _, s := range proxy.Statements() {
			if strings.Contains(s, "accounts") && strings.Contains(s, `"version"`) && strings.HasPrefix(strings.ToUpper(strings.TrimSpace(s)), "ALTER TABLE") {
				ddl = append(ddl, s)
			}
		}
		if len(ddl) != 1 || !strings.Contains(ddl[0], "ADD COLUMN") {
			t.Errorf("the version column was changed by %q, want one ADD COLUMN", ddl)
		}
		must(t, ran(db.Create(&account{})))
		proxy.Reset()
		must(t, db.AutoMigrate(&account{}))
		for _, s := range proxy.Statements() {
			for _, verb := range []string{"ALTER", "CREATE", "DROP", "INSERT", "UPDATE"} {
				if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(s)), verb) {
					t.Errorf("a second AutoMigrate sent %s", s)
				}
			}
		}
	})

	t.Run("follows a model that gains and loses columns and tags", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &user1{})
		must(t, ran(db.Create(&user1{Name: "a", Secret: "hunter1"})))
		must(t, db.AutoMigrate(&user2{}))
		// The column that the model forgot is still there, and still hidden.
		wantTracked(t, db, map[string]chronomigrate.TrackOptions{
			"public.users": {Hidden: []string{"secret", "token"}, Untracked: []string{"visits"}, VersionColumn: "version"},
		})
		must(t, ran(db.Model(&user2{ID: 1}).Updates(user2{Token: "hunter2", Visits: 1})))
		must(t, db.Migrator().DropColumn(&user1{}, "secret"))
		must(t, db.AutoMigrate(&user3{}))
		wantTracked(t, db, map[string]chronomigrate.TrackOptions{
			"public.users": {Untracked: []string{"seen_at"}, VersionColumn: "version"},
		})
		must(t, ran(db.Model(&user3{ID: 1}).Updates(user3{Token: "seen now", Visits: 2})))
		all := changes(t, db)
		if len(all) != 3 {
			t.Fatalf("%d changes, want 3", len(all))
		}
		for i, want := range []string{"name", "name", "token visits"} {
			for _, column := range strings.Fields(want) {
				if all[i].Data[column] == nil {
					t.Errorf("version %d has no column %s", i, column)
				}
			}
		}
		for _, c := range all {
			for _, value := range c.Data {
				if strings.Contains(string(value), "hunter") {
					t.Errorf("version %d holds a hidden value", c.Version)
				}
			}
		}
	})

	t.Run("works inside a transaction, which can be rolled back", func(t *testing.T) {
		t.Parallel()
		for _, s := range []setup{{}, {plain: true}, {gorm: gorm.Config{PrepareStmt: true}}} {
			db := open(t, s)
			failed := errors.New("on purpose")
			err := db.Transaction(func(tx *gorm.DB) error {
				must(t, tx.AutoMigrate(&account{}))
				must(t, ran(tx.Create(&account{})))
				wantLog(t, tx, `accounts {"id":1} 0 insert `)
				// What the transaction had set is as before.
				var timeout string
				must(t, ran(tx.Raw("SHOW lock_timeout").Scan(&timeout)))
				if timeout != "0" {
					t.Errorf("lock_timeout = %s after AutoMigrate, want 0", timeout)
				}
				return failed
			})
			if !errors.Is(err, failed) {
				t.Fatal(err)
			}
			if db.Migrator().HasTable(&account{}) {
				t.Error("the table outlived the transaction")
			}
			must(t, db.Transaction(func(tx *gorm.DB) error { return tx.AutoMigrate(&account{}) }))
			must(t, ran(db.Create(&account{})))
			wantLog(t, db, `accounts {"id":1} 0 insert `)
		}
	})

	t.Run("works on the migrator, and CreateTable tracks too", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{plain: true})
		must(t, db.Migrator().CreateTable(&account{}))
		must(t, db.Migrator().AutoMigrate(&task{}))
		if got := tracked(t, db); len(got) != 2 {
			t.Errorf("tracked tables = %v, want two", got)
		}
	})

	t.Run("tracks a table again that was dropped and created", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &task{})
		must(t, ran(db.Create(&task{ID: 1})))
		must(t, db.Migrator().DropTable(&task{}))
		must(t, db.AutoMigrate(&task{}))
		must(t, ran(db.Create(&task{ID: 1})))
		got := changes(t, db)
		if len(got) != 2 || got[1].Version <= got[0].Version {
			t.Errorf("%d changes, want the old one and one of a greater version", len(got))
		}
	})

	t.Run("tracks what db.Table names", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{})
		must(t, db.Table("archive").AutoMigrate(&task{}))
		wantTracked(t, db, map[string]chronomigrate.TrackOptions{"public.archive": {VersionColumn: "version"}})
		must(t, ran(db.Table("archive").Create(&task{ID: 1})))
		versions, err := history[task](t, db.Table("archive")).Versions(t.Context(), 1, nil)
		if err != nil || len(versions) != 1 {
			t.Errorf("versions = %v, %v; want one", versions, err)
		}
	})

	t.Run("does not track under DryRun, and says what it would do", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{plugin: &chronogorm.Config{SkipAutoTrack: true}}, &account{})
		must(t, db.Session(&gorm.Session{DryRun: true}).AutoMigrate(&account{}))
		m := migrator(t, db)
		_, err := m.Up(t.Context(), nil)
		must(t, err)
		plans, err := chronogorm.Track(db.Session(&gorm.Session{DryRun: true}), &account{})
		must(t, err)
		if len(plans) != 1 || !strings.Contains(plans[0].SQL(), " TRIGGER ") {
			t.Errorf("plans = %+v, want one that creates triggers", plans)
		}
		if got := tracked(t, db); len(got) != 0 {
			t.Errorf("tracked tables = %v, want none", got)
		}
		_, err = chronogorm.Track(db, &account{})
		must(t, err)
		plans, err = chronogorm.Track(db, &account{})
		if err != nil || len(plans) != 1 || !plans[0].Empty() {
			t.Errorf("a second Track = %+v, %v; want an empty plan", plans, err)
		}
	})

	t.Run("says what to do when history is missing and may not be installed", func(t *testing.T) {
		t.Parallel()
		db := setup{plugin: &chronogorm.Config{SkipInstall: true}}.use(t, pgtest.New(t).URL())
		err := db.AutoMigrate(&account{})
		var hint *chronomigrate.HintError
		if !errors.Is(err, chronomigrate.ErrNoHistory) || !errors.As(err, &hint) || !strings.Contains(hint.Hint, "migrate up") {
			t.Errorf("AutoMigrate: error = %v, want ErrNoHistory with a hint", err)
		}
	})

	t.Run("keeps what a model cannot say", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &account{})
		m := migrator(t, db)
		_, err := m.Track(t.Context(), chrononaut.Table{Name: "accounts"},
			&chronomigrate.TrackOptions{Hidden: []string{"password"}, Untracked: []string{"seen_at"}, Strict: true}, nil)
		must(t, err)
		must(t, db.AutoMigrate(&account{}))
		if got := tracked(t, db)["public.accounts"]; !got.Strict {
			t.Error("AutoMigrate took back that the table is strict")
		}
	})

	t.Run("leaves existing rows to a baseline, also inside a transaction", func(t *testing.T) {
		t.Parallel()
		for name, mode := range modes {
			db := open(t, mode)
			must(t, ran(db.Exec("CREATE TABLE tasks (id bigint PRIMARY KEY, title text, done boolean)")))
			must(t, ran(db.Exec("INSERT INTO tasks VALUES (1, 'a', false), (2, 'b', true)")))
			must(t, db.AutoMigrate(&task{}))
			must(t, db.Transaction(func(tx *gorm.DB) error {
				progress, err := migrator(t, tx).Baseline(t.Context(), chrononaut.Table{Name: "tasks"}, nil)
				if err != nil || !progress.Done || progress.Recorded != 2 {
					t.Errorf("%s: baseline = %+v, %v; want 2 recorded", name, progress, err)
				}
				return err
			}))
			wantLog(t, db, `tasks {"id":1} 0 baseline `, `tasks {"id":2} 0 baseline `)
		}
	})

	t.Run("adopts a version column by its field", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{})
		must(t, ran(db.Exec("CREATE TABLE revisions (id bigint PRIMARY KEY, title text, revision integer)")))
		must(t, ran(db.Exec("INSERT INTO revisions VALUES (1, 'a', 41)")))
		type revision struct {
			ID       int64
			Title    string
			Revision *int `gorm:"->;default:(-);-:migration" chrononaut:"version"`
		}
		must(t, db.AutoMigrate(&revision{}))
		r := revision{ID: 1}
		must(t, ran(db.Model(&r).Update("title", "b")))
		if r.Revision == nil || *r.Revision != 42 {
			t.Errorf("revision = %v, want 42", r.Revision)
		}
	})

	t.Run("refuses a column that is called version and is not one", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{})
		must(t, ran(db.Exec("CREATE TABLE tasks (id bigint PRIMARY KEY, title text, done boolean, version integer)")))
		if err := db.AutoMigrate(&task{}); !errors.Is(err, chronomigrate.ErrVersionColumn) {
			t.Errorf("AutoMigrate: error = %v, want ErrVersionColumn", err)
		}
	})
}

type (
	tag struct {
		ID   uint
		Name string
	}
	article struct {
		ID   uint
		Tags []tag `gorm:"many2many:article_tags"`
		chronogorm.Versioned
	}
	reader struct {
		ID       uint
		Articles []article `gorm:"many2many:reader_articles"`
	}
	group struct {
		ID      uint
		Members []member `gorm:"many2many:memberships"`
		chronogorm.Versioned
	}
	member     struct{ ID uint }
	membership struct {
		GroupID  uint   `gorm:"primaryKey"`
		MemberID uint   `gorm:"primaryKey"`
		Role     string `chrononaut:"hidden"`
		chronogorm.Versioned
	}
)

func TestJoinTables(t *testing.T) {
	t.Parallel()

	t.Run("of a tracked model are tracked, from either side", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &reader{}, &article{})
		names := []string{}
		for name := range tracked(t, db) {
			names = append(names, name)
		}
		slices.Sort(names)
		if diff := cmp.Diff([]string{"public.article_tags", "public.articles", "public.reader_articles"}, names); diff != "" {
			t.Errorf("tracked tables mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("record what is appended and removed", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &article{})
		a := article{}
		must(t, ran(db.Create(&a)))
		ann := db.WithContext(as(t, "ann"))
		must(t, ann.Model(&a).Association("Tags").Append(&tag{Name: "go"}, &tag{Name: "sql"}))
		must(t, ann.Model(&a).Association("Tags").Delete(&tag{ID: 1}))
		must(t, ann.Model(&a).Association("Tags").Replace(&tag{ID: 1}))
		wantLog(t, db, `articles {"id":1} 0 insert `,
			`article_tags {"article_id":1,"tag_id":1} 0 insert ann`, `article_tags {"article_id":1,"tag_id":2} 0 insert ann`,
			`article_tags {"article_id":1,"tag_id":1} 1 delete ann`,
			`article_tags {"article_id":1,"tag_id":1} 2 insert ann`, `article_tags {"article_id":1,"tag_id":2} 1 delete ann`)
	})

	t.Run("with a model of their own say so themselves", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{})
		must(t, db.SetupJoinTable(&group{}, "Members", &membership{}))
		must(t, db.AutoMigrate(&group{}))
		if diff := cmp.Diff([]string{"role"}, tracked(t, db)["public.memberships"].Hidden); diff != "" {
			t.Errorf("hidden columns mismatch (-want +got):\n%s", diff)
		}
	})

	t.Run("can be left out", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{plugin: &chronogorm.Config{SkipJoinTables: true}}, &article{})
		if got := tracked(t, db); len(got) != 1 {
			t.Errorf("tracked tables = %v, want only articles", got)
		}
	})
}

type billed struct {
	ID    string `gorm:"type:uuid;primaryKey;default:gen_random_uuid()"`
	Total string `gorm:"type:numeric(10,2)"`
	chronogorm.Versioned
}

func (billed) TableName() string { return "billing.invoices" }

func TestNames(t *testing.T) {
	t.Parallel()

	t.Run("of a schema", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{})
		must(t, ran(db.Exec("CREATE SCHEMA billing")))
		must(t, db.AutoMigrate(&billed{}))
		must(t, db.AutoMigrate(&billed{}))
		if _, ok := tracked(t, db)["billing.invoices"]; !ok {
			t.Fatalf("tracked tables = %v, want billing.invoices", tracked(t, db))
		}
		b := billed{Total: "10.50"}
		must(t, ran(db.Create(&b)))
		s, err := history[billed](t, db).Version(t.Context(), b, 0)
		if err != nil || s.Record.Total != "10.50" || s.Record.ID != b.ID {
			t.Errorf("version 0 = %+v, %v; want the invoice", s, err)
		}
	})

	t.Run("of a naming strategy", func(t *testing.T) {
		t.Parallel()
		strategy := schema.NamingStrategy{TablePrefix: "App_", SingularTable: true, NoLowerCase: true}
		db := open(t, setup{gorm: gorm.Config{NamingStrategy: strategy}}, &account{}, &article{})
		options := tracked(t, db)
		got, ok := options[`public."App_account"`]
		if !ok || !slices.Equal(got.Hidden, []string{"Password"}) {
			t.Errorf("tracked tables = %v, want App_account with Password hidden", options)
		}
		if _, ok := options[`public."App_article_tags"`]; !ok {
			t.Errorf("tracked tables = %v, want App_article_tags", options)
		}
		a := account{Email: "a"}
		must(t, ran(db.Create(&a)))
		s, err := history[account](t, db).Version(t.Context(), a.ID, 0)
		if err != nil || s.Record.Email != "a" {
			t.Errorf("version 0 = %+v, %v; want the account", s, err)
		}
	})
}
