// Command gorm is a small help desk on GORM: tickets that remember who changed
// them and why, labels that come and go, a password that history never sees,
// and a look back.
//
// It needs DATABASE_URL, and makes tables whose names begin with example_.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

func main() {
	if err := run(context.Background(), os.Getenv("DATABASE_URL"), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Ticket is tracked, because it embeds Versioned. So is the join table of its
// labels.
type Ticket struct {
	ID       uint
	Title    string
	Status   string
	Password string   `chrononaut:"hidden"`    // that it changed is recorded, its value is not
	Views    int      `chrononaut:"untracked"` // not recorded at all
	Mail     []string `gorm:"serializer:json"`
	Labels   []Label  `gorm:"many2many:ticket_labels"`
	Deleted  gorm.DeletedAt
	chronogorm.Versioned
}

// Label is not tracked.
type Label struct {
	ID   uint
	Name string
}

func run(ctx context.Context, databaseURL string, out io.Writer) error {
	db, closePool, err := open(databaseURL)
	if err != nil {
		return err
	}
	defer closePool() //nolint:errcheck // the program ends
	// Also installs history, and tracks tickets and their labels.
	if err := db.AutoMigrate(&Ticket{}); err != nil {
		return err
	}

	ann := chrononaut.WithRationale(chrononaut.WithActor(ctx, "ann"), "customer called")
	ticket := Ticket{Title: "Printer is on fire", Status: "open", Password: "hunter2", Mail: []string{"a@example.com"}}
	if err := db.WithContext(ann).Create(&ticket).Error; err != nil {
		return err
	}
	bob := chrononaut.WithActor(ctx, "bob")
	if err := work(db.WithContext(bob), &ticket); err != nil {
		return err
	}
	// A bulk update in the new style of GORM is recorded as well.
	if _, err := gorm.G[Ticket](db).Where("status = ?", "waiting").Update(chrononaut.WithActor(ctx, "night job"), "status", "closed"); err != nil {
		return err
	}
	return report(ctx, db, &ticket, out)
}

func open(databaseURL string) (db *gorm.DB, closePool func() error, err error) {
	pool, err := chronosql.Open("pgx", databaseURL, nil)
	if err != nil {
		return nil, nil, err
	}
	db, err = gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{
		NamingStrategy: schema.NamingStrategy{TablePrefix: "example_"},
	})
	if err == nil {
		err = db.Use(chronogorm.New(nil))
	}
	if err != nil {
		return nil, nil, errors.Join(err, pool.Close())
	}
	return db, pool.Close, nil
}

// work knows nothing of history. What it does in one transaction stays
// together in the log.
func work(db *gorm.DB, ticket *Ticket) error {
	return db.Transaction(func(tx *gorm.DB) error {
		ticket.Status, ticket.Password = "waiting", "hunter3"
		ticket.Mail = append(ticket.Mail, "b@example.com")
		if err := tx.Save(ticket).Error; err != nil {
			return err
		}
		if err := tx.Model(ticket).UpdateColumn("views", 10).Error; err != nil {
			return err
		}
		return tx.Model(ticket).Association("Labels").Append(&Label{Name: "urgent"})
	})
}

func report(ctx context.Context, db *gorm.DB, ticket *Ticket, out io.Writer) error {
	history, err := chronogorm.History[Ticket](db)
	if err != nil {
		return err
	}
	for s, err := range history.All(ctx, ticket, nil) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "version %d by %s: %s, mail to %s", s.Version, s.Actor, s.Record.Status, strings.Join(s.Record.Mail, " and "))
		if s.Rationale != "" {
			fmt.Fprintf(out, ", because: %s", s.Rationale)
		}
		fmt.Fprintln(out)
	}

	diff, err := history.DiffVersions(ctx, ticket, 0, 1)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "from version 0 to 1:")
	for _, c := range diff {
		if c.Hidden {
			fmt.Fprintf(out, "  %s changed\n", c.Column)
		} else {
			fmt.Fprintf(out, "  %s: %s -> %s\n", c.Column, c.From, c.To)
		}
	}

	// What else did bob do in the transaction of version 1?
	bobs, err := history.Version(ctx, ticket, 1)
	if err != nil {
		return err
	}
	client, err := chronogorm.Client(db)
	if err != nil {
		return err
	}
	changes, err := client.Activity(ctx, &chrononaut.ActivityOpts{Transaction: bobs.TransactionID, OldestFirst: true})
	if err != nil {
		return err
	}
	for _, c := range changes {
		fmt.Fprintf(out, "%s: %s of %s\n", c.Actor, c.Operation, c.Table.Name)
	}
	return nil
}
