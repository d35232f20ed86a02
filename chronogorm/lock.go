package chronogorm

import (
	"gorm.io/gorm"

	"github.com/chrononaut-go/chrononaut"
)

// Lock locks the present row of a record until the transaction tx ends, and
// returns it with its version: see [chrononaut.History.Lock]. Of is the record, or
// its key.
//
//	err := db.Transaction(func(tx *gorm.DB) error {
//		todo, err := chronogorm.Lock[Todo](tx, 7, &chrononaut.LockOpts{NoWait: true})
//		if err != nil {
//			return err
//		}
//		todo.Record.Done = true
//		return tx.Save(&todo.Record).Error
//	})
//
// GORM's own clause.Locking locks too, for queries of all kinds; it says neither
// who is in the way nor keeps an order among many rows.
//
// Errors: those of [History] and of [chrononaut.History.Lock].
func Lock[T any](tx *gorm.DB, of any, opts *chrononaut.LockOpts) (*chrononaut.Locked[T], error) {
	history, err := lockable[T](tx)
	if err != nil {
		return nil, err
	}
	return history.Lock(tx.Statement.Context, queryer{connPool(tx)}, of, opts)
}

// LockAll locks many records of a model, in an order in which callers cannot block
// each other for ever: see [chrononaut.History.LockAll].
func LockAll[T any](tx *gorm.DB, of []any, opts *chrononaut.LockOpts) ([]chrononaut.Locked[T], error) {
	history, err := lockable[T](tx)
	if err != nil {
		return nil, err
	}
	return history.LockAll(tx.Statement.Context, queryer{connPool(tx)}, of, opts)
}

func lockable[T any](tx *gorm.DB) (*chrononaut.History[T], error) {
	if !inTransaction(tx) {
		return nil, chrononaut.ErrNoTransaction
	}
	return History[T](tx)
}
