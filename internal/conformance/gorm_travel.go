package conformance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
)

type (
	gormAuthor struct {
		ID    int64
		Name  string
		Books []gormBook `gorm:"foreignKey:AuthorID"`
		chronogorm.Versioned
	}
	gormBook struct {
		ID       int64
		Title    string
		Stars    int
		Note     string `chrononaut:"hidden"`
		AuthorID int64
		Author   *gormAuthor
		chronogorm.Versioned
	}
	// gormReview is in a schema of its own.
	gormReview struct {
		ID   int64
		Text string
		chronogorm.Versioned
	}
)

func (gormAuthor) TableName() string { return "authors" }
func (gormBook) TableName() string   { return "books" }
func (gormReview) TableName() string { return "shop.reviews" }

// gormTravels looks at the past in the ways of GORM.
func gormTravels(t *testing.T, db *gorm.DB) {
	if db.Name() != "postgres" {
		t.Skip("SQLite travels in tests of its own")
	}
	noError(t, db.Exec("CREATE SCHEMA shop").Error)
	noError(t, db.AutoMigrate(&gormAuthor{}, &gormBook{}, &gormReview{}))
	noError(t, db.Create([]gormAuthor{
		{ID: 1, Name: "ann", Books: []gormBook{{ID: 1, Title: "a", Stars: 5, Note: "hunter2"}, {ID: 2, Title: "b", Stars: 3}}},
		{ID: 2, Name: "bob", Books: []gormBook{{ID: 3, Title: "c", Stars: 1}}},
	}).Error)
	noError(t, db.Create(&gormReview{ID: 1, Text: "old"}).Error)
	var at time.Time
	noError(t, db.Raw("SELECT clock_timestamp()").Scan(&at).Error)
	past := chrononaut.AsOf(t.Context(), at)
	noError(t, db.Delete(&gormBook{ID: 2}).Error)
	noError(t, db.Model(&gormBook{ID: 1}).Updates(map[string]any{"title": "z", "stars": 1}).Error)
	noError(t, db.Model(&gormAuthor{ID: 1}).Update("name", "anne").Error)
	noError(t, db.Model(&gormReview{ID: 1}).Update("text", "new").Error)

	for name, open := range map[string]func() *gorm.DB{
		"as it is": func() *gorm.DB { return db },
		"prepared": func() *gorm.DB { return db.Session(&gorm.Session{PrepareStmt: true}) },
	} {
		for range 2 {
			gormReadsBoth(past, t, name, open())
		}
		gormTravelsInTransactions(past, t, open())
		gormRefuses(past, t, open())
	}
}

// gormQueries are queries with an answer in the past and one in the present.
var gormQueries = []struct {
	name      string
	run       func(ctx context.Context, db *gorm.DB) (string, error)
	past, now string
}{
	{"First", func(_ context.Context, db *gorm.DB) (string, error) {
		var b gormBook
		err := db.First(&b, 1).Error
		return b.Title + b.Note, err
	}, "a", "zhunter2"},
	{"Find", func(_ context.Context, db *gorm.DB) (string, error) {
		var books []gormBook
		err := db.Order("id").Find(&books).Error
		return gormTitles(books), err
	}, "a b c ", "z c "},
	{"Preload", func(_ context.Context, db *gorm.DB) (string, error) {
		var a gormAuthor
		err := db.Preload("Books", func(db *gorm.DB) *gorm.DB { return db.Order("books.id") }).First(&a, 1).Error
		return a.Name + ": " + gormTitles(a.Books), err
	}, "ann: a b ", "anne: z "},
	{"Joins", func(_ context.Context, db *gorm.DB) (string, error) {
		var books []gormBook
		err := db.Joins("Author").Where(`"Author".name LIKE ?`, "ann%").Order("books.id").Find(&books).Error
		s := ""
		for _, b := range books {
			s += b.Author.Name + " " + b.Title + " "
		}
		return s, err
	}, "ann a ann b ", "anne z "},
	{"Count", func(_ context.Context, db *gorm.DB) (string, error) {
		var n int64
		err := db.Model(&gormBook{}).Where("stars > ?", 2).Count(&n).Error
		return fmt.Sprint(n), err
	}, "2", "0"},
	{"Pluck and a scope", func(_ context.Context, db *gorm.DB) (string, error) {
		var stars []int
		good := func(db *gorm.DB) *gorm.DB { return db.Where("stars >= ?", 3) }
		err := db.Model(&gormBook{}).Scopes(good).Order("stars").Pluck("stars", &stars).Error
		return fmt.Sprint(stars), err
	}, "[3 5]", "[]"},
	{"a group", func(_ context.Context, db *gorm.DB) (string, error) {
		var sums []struct {
			AuthorID int64
			Sum      int64
		}
		err := db.Model(&gormBook{}).Select("author_id, sum(stars) AS sum").Group("author_id").Having("sum(stars) > ?", 0).Order("author_id").Scan(&sums).Error
		return fmt.Sprint(sums), err
	}, "[{1 8} {2 1}]", "[{1 1} {2 1}]"},
	{"a subquery", func(_ context.Context, db *gorm.DB) (string, error) {
		var authors []gormAuthor
		err := db.Where("id IN (?)", db.Model(&gormBook{}).Select("author_id").Where("stars > 1")).Find(&authors).Error
		return fmt.Sprint(len(authors)), err
	}, "1", "0"},
	{"Raw", func(_ context.Context, db *gorm.DB) (string, error) {
		var s string
		err := db.Raw("SELECT string_agg(title, ' ' ORDER BY id) FROM public.books WHERE id > ?", 0).Scan(&s).Error
		return s, err
	}, "a b c", "z c"},
	{"Rows", func(_ context.Context, db *gorm.DB) (s string, err error) {
		rows, err := db.Model(&gormBook{}).Select("title").Order("id").Rows()
		if err != nil {
			return "", err
		}
		defer rows.Close()
		for rows.Next() {
			var title string
			if err := rows.Scan(&title); err != nil {
				return "", err
			}
			s += title + " "
		}
		return s, rows.Err()
	}, "a b c ", "z c "},
	{"Row", func(_ context.Context, db *gorm.DB) (s string, err error) {
		err = db.Model(&gormAuthor{}).Select("name").Where("id = 1").Row().Scan(&s)
		return s, err
	}, "ann", "anne"},
	{"a table of another schema", func(_ context.Context, db *gorm.DB) (string, error) {
		var r gormReview
		err := db.Where(&gormReview{ID: 1}).First(&r).Error
		return r.Text, err
	}, "old", "new"},
	{"G", func(ctx context.Context, db *gorm.DB) (string, error) {
		books, err := gorm.G[gormBook](db).Where("author_id = ?", 1).Order("id").Find(ctx)
		return gormTitles(books), err
	}, "a b ", "z "},
	{"G with Preload", func(ctx context.Context, db *gorm.DB) (string, error) {
		a, err := gorm.G[gormAuthor](db).Preload("Books", nil).Where("id = ?", 1).First(ctx)
		return fmt.Sprint(a.Name, len(a.Books)), err
	}, "ann2", "anne1"},
	{"G with Raw", func(ctx context.Context, db *gorm.DB) (string, error) {
		var n int64
		err := gorm.G[any](db).Raw("SELECT count(*) FROM books").Scan(ctx, &n)
		return fmt.Sprint(n), err
	}, "3", "2"},
	{"FindInBatches", func(_ context.Context, db *gorm.DB) (s string, err error) {
		var books []gormBook
		err = db.FindInBatches(&books, 2, func(*gorm.DB, int) error { s += gormTitles(books); return nil }).Error
		return s, err
	}, "a b c ", "z c "},
	{"an association", func(_ context.Context, db *gorm.DB) (string, error) {
		return fmt.Sprint(db.Model(&gormAuthor{ID: 1}).Association("Books").Count()), nil
	}, "2", "1"},
}

func gormTitles(books []gormBook) (s string) {
	for _, b := range books {
		s += b.Title + " "
	}
	return s
}

func gormReadsBoth(past context.Context, t *testing.T, name string, db *gorm.DB) {
	t.Helper()
	for _, q := range gormQueries {
		for _, step := range []struct {
			when string
			ctx  context.Context
			want string
		}{{"past", past, q.past}, {"present", t.Context(), q.now}, {"past again", past, q.past}} {
			got, err := q.run(step.ctx, db.WithContext(step.ctx)) //nolint:contextcheck // the present and the past take turns
			if err != nil || got != step.want {
				t.Errorf("%s, %s, in the %s: %q, %v; want %q", name, q.name, step.when, got, err, step.want)
			}
		}
	}
}

func gormTravelsInTransactions(past context.Context, t *testing.T, db *gorm.DB) {
	t.Helper()
	noError(t, db.WithContext(past).Transaction(func(tx *gorm.DB) error {
		for _, q := range gormQueries {
			if got, err := q.run(past, tx); err != nil || got != q.past {
				t.Errorf("in a transaction, %s: %q, %v; want %q", q.name, got, err, q.past)
			}
		}
		// A savepoint.
		return tx.Transaction(func(tx *gorm.DB) error { return tx.First(&gormBook{}, 2).Error })
	}))
	noError(t, db.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error { //nolint:contextcheck // a transaction of the present
		if err := tx.WithContext(past).First(&gormBook{}, 1).Error; !errors.Is(err, chrononaut.ErrPast) {
			t.Errorf("a query of the past in a transaction of the present: error = %v, want %v", err, chrononaut.ErrPast)
		}
		var b gormBook
		if err := tx.First(&b, 1).Error; err != nil || b.Title != "z" {
			t.Errorf("after it: %q, %v; want the present", b.Title, err)
		}
		return nil
	}))
}

func gormRefuses(past context.Context, t *testing.T, db *gorm.DB) {
	t.Helper()
	for name, err := range map[string]error{
		"Create":        db.WithContext(past).Create(&gormAuthor{ID: 9}).Error,
		"Save":          db.WithContext(past).Save(&gormAuthor{ID: 1, Name: "x"}).Error,
		"Update":        db.WithContext(past).Model(&gormAuthor{ID: 1}).Update("name", "x").Error,
		"Delete":        db.WithContext(past).Delete(&gormAuthor{ID: 1}).Error,
		"Exec":          db.WithContext(past).Exec("DELETE FROM books").Error,
		"FirstOrCreate": db.WithContext(past).FirstOrCreate(&gormAuthor{}, gormAuthor{ID: 9}).Error,
		"Locking":       db.WithContext(past).Clauses(clause.Locking{Strength: "UPDATE"}).First(&gormBook{}, 1).Error,
		"G":             gorm.G[gormAuthor](db).Create(past, &gormAuthor{ID: 9}),
		"AutoMigrate":   db.WithContext(past).AutoMigrate(&gormLabel{}),
		"an aborted transaction": db.WithContext(past).Transaction(func(tx *gorm.DB) error {
			return tx.Create(&gormAuthor{ID: 9}).Error
		}),
	} {
		if !errors.Is(chrononaut.WrapError(err), chrononaut.ErrPast) {
			t.Errorf("%s in the past: error = %v, want %v", name, err, chrononaut.ErrPast)
		}
	}
	var n int64
	noError(t, db.Model(&gormAuthor{}).Count(&n).Error)
	if n != 2 {
		t.Errorf("authors = %d, want 2", n)
	}
}
