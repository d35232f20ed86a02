package chronogorm_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

type exampleOwner struct {
	ID    int64
	Name  string
	Todos []exampleTodo `gorm:"foreignKey:OwnerID"`
	chronogorm.Versioned
}

func (exampleOwner) TableName() string { return "owners" }

type exampleTodo struct {
	ID      int64
	Title   string
	OwnerID int64
	chronogorm.Versioned
}

func (exampleTodo) TableName() string { return "todos" }

// What GORM loads in addition is of the past too.
func Example_past() {
	databaseURL, done := pgtest.Example("empty", func(context.Context, string) error { return nil })
	defer done()

	pool, err := chronosql.Open("pgx", databaseURL, nil)
	if err != nil {
		log.Panic(err)
	}
	defer pool.Close()
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{})
	if err != nil {
		log.Panic(err)
	}
	if err := db.Use(chronogorm.New(nil)); err != nil {
		log.Panic(err)
	}
	if err := db.AutoMigrate(&exampleOwner{}, &exampleTodo{}); err != nil {
		log.Panic(err)
	}
	db.Create(&exampleOwner{ID: 1, Name: "ann", Todos: []exampleTodo{{ID: 1, Title: "buy milk"}, {ID: 2, Title: "read"}}})
	var monday time.Time
	db.Raw("SELECT clock_timestamp()").Scan(&monday)
	db.Delete(&exampleTodo{ID: 2})
	db.Model(&exampleOwner{ID: 1}).Update("name", "anne")

	var owner exampleOwner
	past := chrononaut.AsOf(context.Background(), monday)
	if err := db.WithContext(past).Preload("Todos").First(&owner).Error; err != nil {
		log.Panic(err)
	}
	fmt.Println(owner.Name, len(owner.Todos))
	// Output: ann 2
}
