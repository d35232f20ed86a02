package chronogorm_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronogorm"
)

// memo has what a merge has to look after.
type memo struct {
	ID        uint
	Owner     *string
	Title     string
	Body      string
	Tags      []string `gorm:"serializer:json"`
	UpdatedAt time.Time
	DeletedAt gorm.DeletedAt
	chronogorm.Versioned
}

func TestMerge(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]setup{"chronosql": {}, "plain, both": modes["plain, both"]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, mode, &memo{})
			ann, bob := db.WithContext(as(t, "ann")), db.WithContext(as(t, "bob"))
			read := func() memo {
				m := memo{Title: "a", Body: "b", Tags: []string{"x"}}
				must(t, ran(ann.Create(&m)))
				var again memo
				must(t, ran(ann.First(&again, m.ID)))
				must(t, ran(bob.Model(&memo{ID: m.ID}).Update("body", "bob's")))
				return again
			}
			stale := func(m *memo, mine, overlap []string) {
				t.Helper()
				for what, err := range map[string]error{
					"Save":    ann.Save(m).Error,
					"Updates": ann.Model(&memo{ID: m.ID}).Updates(m).Error,
				} {
					var e *chrononaut.StaleError
					if !errors.As(err, &e) {
						t.Fatalf("%s: error = %v, want ErrStale", what, err)
					}
					if !cmp.Equal(e.Mine, mine) || !cmp.Equal(e.Overlap, overlap) || e.Mergeable() != (overlap == nil) {
						t.Errorf("%s: %v are mine, of which %v overlap; want %v and %v", what, e.Mine, e.Overlap, mine, overlap)
					}
				}
			}

			m := read()
			m.Title, m.Tags = "ann's", []string{"x", "y"}
			stale(&m, []string{"tags", "title"}, nil)
			var e *chrononaut.StaleError
			if err := ann.Model(&m).Updates(map[string]any{"body": gorm.Expr("body || 'x'")}).Error; !errors.As(err, &e) || e.Mergeable() || !cmp.Equal(e.Overlap, []string{"body"}) {
				t.Errorf("Updates of a map: error = %v (%+v), want an overlap in body", err, e)
			}
			must(t, chronogorm.Merge(ann, &m))
			if m.Title != "ann's" || m.Body != "bob's" || len(m.Tags) != 2 || *m.Version != 2 {
				t.Errorf("after Merge: %+v, want both changes at version 2", m)
			}
			must(t, ran(ann.Save(&m)))
			s, err := history[memo](t, db).Version(t.Context(), m.ID, 2)
			if err != nil || s.Actor != "ann" || s.Record.Body != "bob's" {
				t.Errorf("version 2 = %+v, %v; want ann's, with bob's body", s, err)
			}

			if err := ann.Model(&m).Updates(struct {
				Body    string
				Version int
			}{"form", 0}).Error; !errors.As(err, &e) || !cmp.Equal(e.Overlap, []string{"body"}) {
				t.Errorf("Updates of a form: error = %v (%+v), want an overlap in body", err, e)
			}

			m = read()
			m.Title, m.Body = "ann's", "ann's"
			stale(&m, []string{"body", "title"}, []string{"body"})
			if err := chronogorm.Merge(ann, &m); !errors.As(err, &e) || !cmp.Equal(e.Overlap, []string{"body"}) {
				t.Errorf("Merge of the same column: error = %v (%+v), want ErrStale with an overlap in body", err, e)
			}
			if m.Body != "ann's" || *m.Version != 0 {
				t.Errorf("after a Merge that was refused: %+v, want it as it was", m)
			}
			must(t, db.Transaction(func(tx *gorm.DB) error {
				if err := chronogorm.Merge(tx, &m); !errors.Is(err, chrononaut.ErrStale) {
					t.Errorf("Merge in a transaction: error = %v, want ErrStale", err)
				}
				return chronogorm.Merge(tx.Select("title"), &m)
			}))
			if m.Title != "ann's" || m.Body != "bob's" || *m.Version != 2 {
				t.Errorf("after Merge of the title: %+v, want bob's body", m)
			}
			if err := chronogorm.Merge(db, &memo{ID: m.ID}); !errors.Is(err, chronogorm.ErrVersionUnknown) {
				t.Errorf("Merge of a record that was not read: error = %v, want ErrVersionUnknown", err)
			}
		})
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	db := open(t, setup{}, &memo{})
	m := memo{Title: "a", Tags: []string{"x"}}
	must(t, ran(db.Create(&m)))
	must(t, db.Transaction(func(tx *gorm.DB) error {
		locked, err := chronogorm.Lock[memo](tx, m.ID, nil)
		if err != nil {
			return err
		}
		if locked.Version != 0 || locked.Record.Version == nil || locked.Record.Tags[0] != "x" {
			t.Errorf("Lock = %+v, want the record at version 0", locked)
		}
		var e *chrononaut.LockedError
		err = db.Transaction(func(other *gorm.DB) error {
			_, err := chronogorm.LockAll[memo](other, []any{m}, &chrononaut.LockOpts{NoWait: true})
			return err
		})
		if !errors.As(err, &e) || len(e.Holders) != 1 {
			t.Errorf("LockAll by another: error = %v, want who has it locked", err)
		}
		locked.Record.Title = "b"
		return tx.Save(&locked.Record).Error
	}))
	if _, err := chronogorm.Lock[memo](db, m.ID, nil); !errors.Is(err, chrononaut.ErrNoTransaction) {
		t.Errorf("Lock outside of a transaction: error = %v, want ErrNoTransaction", err)
	}
}

// TestHeldAndLeased shows that what the database refuses is typed, whichever way
// GORM ran it.
func TestHeldAndLeased(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]setup{"chronosql": {}, "plain, both": modes["plain, both"]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, mode, &memo{})
			memos := []memo{{Title: "held"}, {Title: "leased"}}
			must(t, ran(db.Create(&memos)))
			client, err := chronogorm.Client(db)
			must(t, err)
			table := chrononaut.Table{Name: "memos"}
			_, err = client.Hold(as(t, "lawyer"), table, []chrononaut.Key{{"id": memos[0].ID}}, "lawsuit", nil)
			must(t, err)
			_, err = client.Lease(as(t, "bob"), table, chrononaut.Key{"id": memos[1].ID}, time.Hour, &chrononaut.LeaseOpts{Enforce: true})
			must(t, err)
			held, leased := &memos[0], &memos[1]
			for what, write := range map[string]func(m *memo) error{
				"Save":      func(m *memo) error { return db.Save(m).Error },
				"Update":    func(m *memo) error { return db.Model(m).Update("title", "x").Error },
				"Updates":   func(m *memo) error { return db.Model(&memo{}).Where("id = ?", m.ID).Updates(memo{Title: "x"}).Error },
				"Delete":    func(m *memo) error { return db.Delete(m).Error },
				"Unscoped":  func(m *memo) error { return db.Unscoped().Delete(m).Error },
				"an upsert": func(m *memo) error { return db.Clauses(onConflict).Create(&memo{ID: m.ID, Title: "x"}).Error },
				"Exec":      func(m *memo) error { return db.Exec("UPDATE memos SET title = 'x' WHERE id = ?", m.ID).Error },
				"G": func(m *memo) error {
					_, err := gorm.G[memo](db).Where("id = ?", m.ID).Update(t.Context(), "title", "x")
					return err
				},
				"a slice": func(m *memo) error { return db.Save(&[]memo{*m}).Error },
			} {
				m := *held
				m.Title = "x"
				var h *chrononaut.HeldError
				if err := write(&m); !errors.As(err, &h) || h.Actor != "lawyer" || h.Reason != "lawsuit" {
					t.Errorf("%s of a held record: error = %v, want HeldError", what, err)
				}
				m = *leased
				m.Title = "x"
				var l *chrononaut.LeasedError
				if err := write(&m); !errors.As(err, &l) || l.Holder != "bob" {
					t.Errorf("%s of a leased record: error = %v, want LeasedError", what, err)
				}
			}
			// A statement that says by itself what it is based on.
			var e *chrononaut.StaleError
			if err := db.Exec("UPDATE memos SET title = 'y', version = 5").Error; !errors.As(err, &e) && !errors.Is(err, chrononaut.ErrHeld) {
				t.Errorf("UPDATE of a version that is none: error = %v, want StaleError", err)
			}
		})
	}
}
