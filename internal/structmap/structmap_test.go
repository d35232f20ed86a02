package structmap_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/internal/structmap"
)

type Base struct {
	ID      int
	Created time.Time `db:"created_at,omitempty"`
	Title   string
}

type Stamp struct{ UpdatedAt time.Time }

type Ring struct {
	*Ring
	N int
}

type inner struct{ Hidden string }

type record struct {
	Base
	*Stamp
	inner
	sql.NullString
	Title    string // wins over that of Base
	HTTPCode int
	UserID   int
	Skipped  string `db:"-"`
	Named    string `gorm:"type:text;column:other_name"`
	private  string
}

func TestBindMapsColumnsToFields(t *testing.T) {
	t.Parallel()
	var r record
	columns := []string{"id", "created_at", "title", "updated_at", "hidden", "null_string", "http_code", "user_id", "other_name", "skipped", "private", "nothing"}
	dest, _, err := structmap.Bind(&r, columns)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{&r.ID, &r.Created, &r.Title, &r.Stamp.UpdatedAt, &r.Hidden, &r.NullString, &r.HTTPCode, &r.UserID, &r.Named}
	for i, w := range want {
		if dest[i] != w {
			t.Errorf("column %s goes to %T %p, want %T %p", columns[i], dest[i], dest[i], w, w)
		}
	}
	for i := len(want); i < len(columns); i++ {
		if _, ok := dest[i].(*any); !ok {
			t.Errorf("column %s goes to a %T, want it thrown away", columns[i], dest[i])
		}
	}
	_ = r.private
	if dest, _, err := structmap.Bind(&Ring{}, []string{"n"}); err != nil || len(dest) != 1 {
		t.Errorf("a struct that embeds itself: %v, %v", dest, err)
	}
	if _, _, err := structmap.Bind(new(int), []string{"n"}); err == nil {
		t.Error("a number was taken for a record")
	}
}

func TestValuesReadsFields(t *testing.T) {
	t.Parallel()
	type key string
	version := 4
	type versioned struct {
		Version *int
		Rev     uint8
	}
	got, err := structmap.Values(&record{Base: Base{ID: 7}, UserID: 8}, []string{"id", "user_id"})
	if diff := cmp.Diff(map[string]any{"id": 7, "user_id": 8}, got); err != nil || diff != "" {
		t.Errorf("Values() error %v, mismatch (-want +got):\n%s", err, diff)
	}
	if got, err := structmap.Values(&map[key]int{"id": 7}, []string{"id"}); err != nil || got["id"] != 7 {
		t.Errorf("Values() of a map = %v, %v", got, err)
	}
	for _, columns := range [][]string{{"nothing"}, {"updated_at"}} {
		if got, err := structmap.Values(&record{}, columns); err == nil {
			t.Errorf("Values(%v) = %v, want an error", columns, got)
		}
	}
	if v, ok := structmap.Version(&versioned{Version: &version}, "version"); !ok || v != version {
		t.Errorf("Version() = %d, %v; want %d", v, ok, version)
	}
	if v, ok := structmap.Version(&versioned{Rev: 2}, "rev"); !ok || v != 2 {
		t.Errorf("Version() = %d, %v; want 2", v, ok)
	}
	for _, column := range []string{"version", "nothing"} {
		if v, ok := structmap.Version(&versioned{}, column); ok {
			t.Errorf("Version(%s) = %d, true; want none", column, v)
		}
	}
}
