package chronogorm_test

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
)

// Money is a type with a column form of its own, cents.
type Money struct{ Cents int64 }

func (m *Money) Scan(value any) error {
	cents, ok := value.(int64)
	if !ok {
		return errors.New("not an integer")
	}
	m.Cents = cents
	return nil
}

func (m Money) Value() (driver.Value, error) { return m.Cents, nil }

func (Money) GormDataType() string { return "bigint" }

// reversed is a serializer that writes text backwards.
type reversed struct{}

func (reversed) Scan(ctx context.Context, field *schema.Field, dst reflect.Value, dbValue any) error {
	return field.Set(ctx, dst, backwards(fmt.Sprint(dbValue)))
}

func (reversed) Value(_ context.Context, _ *schema.Field, _ reflect.Value, fieldValue any) (any, error) {
	return backwards(fmt.Sprint(fieldValue)), nil
}

func backwards(s string) string {
	runes := []rune(s)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}

type (
	Address struct {
		Street string
		Zip    *string
	}
	Base struct {
		CreatedAt time.Time
		UpdatedAt time.Time
		DeletedAt gorm.DeletedAt `gorm:"index"`
	}
	everything struct {
		ID int64
		Base
		Home      Address  `gorm:"embedded;embeddedPrefix:home_"`
		Work      *Address `gorm:"embedded;embeddedPrefix:work_"`
		Price     Money
		Discount  *Money
		Tags      []string          `gorm:"serializer:json"`
		Labels    map[string]string `gorm:"serializer:json;type:jsonb"`
		At        int64             `gorm:"serializer:unixtime;type:timestamptz"`
		Mirror    string            `gorm:"serializer:reversed"`
		Raw       json.RawMessage   `gorm:"type:jsonb"`
		Blob      []byte
		Big       uint64
		Ratio     float64
		Amount    string `gorm:"type:numeric"`
		Renamed   string `gorm:"column:old_name"`
		WriteOnly string `gorm:"->:false;<-"`
		Memory    string `gorm:"-"`
		Level     level
		Maybe     *time.Time
		chronogorm.Versioned
	}
	level int
)

func TestHistory(t *testing.T) {
	t.Parallel()
	schema.RegisterSerializer("reversed", reversed{})

	t.Run("gives records as GORM reads them", func(t *testing.T) {
		t.Parallel()
		for name, mode := range modes {
			db := open(t, mode, &everything{})
			zip, when := "1010", time.Date(2026, 2, 3, 4, 5, 6, 789123000, time.UTC)
			e := everything{
				Home: Address{"Main St", &zip}, Work: &Address{Street: "Office"}, Price: Money{1050}, Discount: &Money{5},
				Tags: []string{"a", `"b"`}, Labels: map[string]string{"x": "y"}, At: 1_700_000_000, Mirror: "abc",
				Raw: json.RawMessage(`{"n": 12345678901234567890.5}`), Blob: []byte{0, 255}, Big: 1 << 62, Ratio: 0.1,
				Amount: "10.500", Renamed: "r", WriteOnly: "w", Memory: "m", Level: 3, Maybe: &when,
			}
			must(t, ran(db.Create(&e)))
			var live []everything
			must(t, ran(db.Find(&live)))
			must(t, ran(db.Model(&everything{ID: e.ID}).Updates(map[string]any{"discount": nil, "maybe": nil, "work_street": "Elsewhere"})))
			must(t, ran(db.Delete(&everything{ID: e.ID}))) // sets deleted_at
			must(t, ran(db.Unscoped().Find(&live, "deleted_at IS NOT NULL")))
			h := history[everything](t, db)
			versions, err := h.Versions(t.Context(), e, nil)
			must(t, err)
			if len(versions) != 3 || versions[2].Operation != chrononaut.OperationUpdate {
				t.Fatalf("%s: %d versions, want insert, update and the soft deletion, an update", name, len(versions))
			}
			if versions[1].Record.Discount != nil || versions[1].Record.Work.Street != "Elsewhere" {
				t.Errorf("%s: version 1 = %+v", name, versions[1].Record)
			}
			// The live record as it was first, and as it is now.
			first := versions[0].Record
			first.Base = e.Base
			for _, pair := range [][2]everything{{live[0], versions[2].Record}} {
				if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
					t.Errorf("%s: the last version is not the live record (-live +history):\n%s", name, diff)
				}
			}
			e.WriteOnly, e.Memory = "", ""
			if diff := cmp.Diff(e, first, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
				t.Errorf("%s: the first version is not what was created (-created +history):\n%s", name, diff)
			}
		}
	})

	t.Run("takes an instance, a pointer, a key and the key's value", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &task{}, &account{})
		one := task{ID: 1, Title: "a"}
		must(t, ran(db.Create(&one)))
		must(t, ran(db.Model(&one).Update("title", "b")))
		h := history[task](t, db)
		for _, of := range []any{one, &one, chrononaut.Key{"id": 1}, 1, int64(1), task{ID: 1}} {
			versions, err := h.Versions(t.Context(), of, nil)
			if err != nil || len(versions) != 2 {
				t.Errorf("Versions(%T) = %d, %v; want 2", of, len(versions), err)
			}
		}
		// The version in memory says which one is meant.
		s, err := h.Previous(t.Context(), one)
		if err != nil || s.Version != 0 || s.Record.Title != "a" {
			t.Errorf("Previous = %+v, %v; want version 0", s, err)
		}
		for _, of := range []any{nil, (*task)(nil), account{}, chrononaut.Key{"x": 1}, "no number"} {
			if _, err := h.Versions(t.Context(), of, nil); !errors.Is(err, chrononaut.ErrKey) {
				t.Errorf("Versions(%T): error = %v, want ErrKey", of, err)
			}
		}
	})

	t.Run("reads records that are gone", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{plain: true}, &task{})
		must(t, ran(db.Create(&task{ID: 1, Title: "a"})))
		must(t, ran(db.WithContext(as(t, "ann")).Delete(&task{ID: 1})))
		h := history[task](t, db)
		_, err := h.At(t.Context(), 1, time.Now().Add(time.Hour))
		var deleted *chrononaut.DeletedError
		if !errors.As(err, &deleted) || deleted.Last.Actor != "ann" {
			t.Errorf("At: error = %v, want DeletedError by ann", err)
		}
		s, err := h.Version(t.Context(), 1, 0)
		if err != nil || s.Record.Title != "a" {
			t.Errorf("version 0 = %+v, %v; want the record", s, err)
		}
	})

	t.Run("sees a transaction's own changes inside it, and not outside", func(t *testing.T) {
		t.Parallel()
		for name, mode := range modes {
			db := open(t, mode, &task{})
			must(t, db.WithContext(as(t, "ann")).Transaction(func(tx *gorm.DB) error {
				must(t, ran(tx.Create(&task{ID: 1})))
				inside, err := history[task](t, tx).Versions(t.Context(), 1, nil)
				if err != nil || len(inside) != 1 || inside[0].Actor != "ann" {
					t.Errorf("%s: inside the transaction: %d versions, %v; want ann's", name, len(inside), err)
				}
				wantLog(t, tx, `tasks {"id":1} 0 insert ann`)
				outside, err := history[task](t, db).Versions(t.Context(), 1, nil)
				if err != nil || len(outside) != 0 {
					t.Errorf("%s: outside the transaction: %d versions, %v; want none", name, len(outside), err)
				}
				return nil
			}))
		}
	})

	t.Run("reads hidden and untracked fields as zero, and by name as errors", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &account{})
		must(t, ran(db.Create(&account{Email: "a", Password: "hunter2", SeenAt: time.Now()})))
		s, err := history[account](t, db).Version(t.Context(), 1, 0)
		must(t, err)
		if s.Record.Password != "" || !s.Record.SeenAt.IsZero() || s.Record.Email != "a" {
			t.Errorf("record = %+v, want only the address", s.Record)
		}
		if _, err := s.Column("password"); !errors.Is(err, chrononaut.ErrHidden) {
			t.Errorf("Column(password): error = %v, want ErrHidden", err)
		}
		if _, err := s.Column("seen_at"); !errors.Is(err, chrononaut.ErrUntracked) {
			t.Errorf("Column(seen_at): error = %v, want ErrUntracked", err)
		}
	})

	t.Run("refuses what is no model, and reads nothing of what is not tracked", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &task{}, &tag{})
		if _, err := chronogorm.History[int](db); !errors.Is(err, chronogorm.ErrModel) {
			t.Errorf("History[int]: error = %v, want ErrModel", err)
		}
		if _, err := chronogorm.History[map[string]any](db); !errors.Is(err, chronogorm.ErrModel) {
			t.Errorf("History[map]: error = %v, want ErrModel", err)
		}
		if _, err := chronogorm.History[task](db.Table("tasks AS t")); !errors.Is(err, chronogorm.ErrModel) {
			t.Errorf("History of an alias: error = %v, want ErrModel", err)
		}
		// A tag that is wrong for tracking is wrong for reading.
		type wrong struct {
			ID   uint
			Name string `chrononaut:"secret"`
		}
		if _, err := chronogorm.History[wrong](db); !errors.Is(err, chronogorm.ErrTag) {
			t.Errorf("History[wrong]: error = %v, want ErrTag", err)
		}
		if _, err := history[tag](t, db).Versions(t.Context(), 1, nil); !errors.Is(err, chrononaut.ErrNotTracked) {
			t.Errorf("Versions: error = %v, want ErrNotTracked", err)
		}
	})

	t.Run("works without the plugin, too", func(t *testing.T) {
		t.Parallel()
		db := open(t, setup{}, &task{})
		must(t, ran(db.Create(&task{ID: 1})))
		pool, err := db.DB()
		must(t, err)
		plain, err := gorm.Open(db.Dialector, &gorm.Config{ConnPool: pool})
		must(t, err)
		versions, err := history[task](t, plain).Versions(t.Context(), 1, nil)
		if err != nil || len(versions) != 1 {
			t.Errorf("%d versions, %v; want one", len(versions), err)
		}
	})
}
