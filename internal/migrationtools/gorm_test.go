package migrationtools_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// The models of two releases of an application. They know nothing of history:
// they do not have the version column.
type orderBefore struct {
	ID     int64
	Title  string `gorm:"size:50"`
	Amount int32
	Secret string
}

type orderAfter struct {
	ID     int64
	Title  string `gorm:"type:text"` // was varchar(50)
	Amount int64  // was integer
	Secret string
	Note   *string `gorm:"default:none"` // new, and old rows have a value
}

func (orderBefore) TableName() string { return "orders" }
func (orderAfter) TableName() string  { return "orders" }

func TestAutoMigrateOfATrackedTable(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db := engines[0].open(t)
	orm, err := gorm.Open(postgres.New(postgres.Config{Conn: db.pool}), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(orm.AutoMigrate(&orderBefore{}))
	_, err = db.migrator.Up(ctx, nil)
	must(err)
	orders := chrononaut.Table{Name: "orders"}
	_, err = db.migrator.Track(ctx, orders, &chronomigrate.TrackOptions{Hidden: []string{"secret"}}, nil)
	must(err)
	must(orm.Create(&orderBefore{ID: 1, Title: "first", Amount: 1, Secret: "a"}).Error)

	// The same release starts again.
	must(orm.AutoMigrate(&orderBefore{}))
	db.requireNoDrift()
	must(orm.Model(&orderBefore{ID: 1}).Update("amount", 2).Error)

	// The next release.
	must(orm.AutoMigrate(&orderAfter{}))
	if types := db.columnTypes("orders"); !cmp.Equal(types, map[string]string{
		"id": "bigint", "title": "text", "amount": "bigint", "secret": "text", "note": "text", "version": "integer",
	}) {
		t.Errorf("AutoMigrate makes the columns %v", types)
	}
	note := "new"
	must(orm.Create(&orderAfter{ID: 2, Title: strings.Repeat("long ", 20), Amount: 1 << 40, Secret: "b", Note: &note}).Error)
	must(orm.Model(&orderAfter{ID: 1}).Updates(map[string]any{"note": "changed", "secret": "c"}).Error)
	db.requireOperations("1", "insert", "update", "update")
	db.requireOperations("2", "insert")
	data := db.lastData("2")
	if data["note"] != "new" || data["amount"] != float64(1<<40) || data["secret"] != nil || data["version"] != float64(0) {
		t.Errorf("history has %v of a row with the new columns", data)
	}

	// check says which command brings the functions up to date, and it does.
	problems, err := db.migrator.Check(ctx, nil)
	must(err)
	if len(problems) == 0 {
		t.Error("check does not see that columns changed")
	}
	for _, p := range problems {
		if p.Kind != chronomigrate.ProblemOutdated && p.Kind != chronomigrate.ProblemPast || p.Hint != "Run chrononaut track public.orders." {
			t.Errorf("check finds %s: %s: %s", p.Kind, p.Message, p.Hint)
		}
	}
	_, err = db.migrator.Track(ctx, orders, nil, nil)
	must(err)
	db.requireNoDrift()
	must(orm.AutoMigrate(&orderAfter{}))
	db.requireNoDrift()
	must(orm.Delete(&orderAfter{ID: 1}).Error)
	db.requireOperations("1", "insert", "update", "update", "delete")
}

func (db *database) columnTypes(table string) map[string]string {
	db.t.Helper()
	rows, err := db.pool.QueryContext(db.t.Context(), "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1", table)
	if err != nil {
		db.t.Fatal(err)
	}
	defer rows.Close()
	types := map[string]string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			db.t.Fatal(err)
		}
		types[name] = kind
	}
	if err := rows.Err(); err != nil {
		db.t.Fatal(err)
	}
	return types
}

// lastData is the newest state of a record in history.
func (db *database) lastData(id string) map[string]any {
	db.t.Helper()
	var document string
	err := db.pool.QueryRowContext(db.t.Context(),
		"SELECT data FROM chrononaut.chrononaut_activity WHERE key ->> 'id' = $1 ORDER BY id DESC LIMIT 1", id).Scan(&document)
	if err != nil {
		db.t.Fatal(err)
	}
	data := map[string]any{}
	if err := json.Unmarshal([]byte(document), &data); err != nil {
		db.t.Fatal(err)
	}
	return data
}
