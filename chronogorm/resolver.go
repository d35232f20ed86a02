package chronogorm

import (
	"database/sql"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut/chronosql"
)

// resolverName is dbresolver's name, of the plugin and of its callbacks.
const resolverName = "gorm:db_resolver"

// checkResolver refuses a dbresolver whose pools were set up before us, and do
// not attribute by themselves.
func checkResolver(db *gorm.DB) error {
	resolver, ok := db.Plugins[resolverName].(interface {
		Call(f func(gorm.ConnPool) error) error
	})
	if !ok {
		return nil
	}
	return resolver.Call(func(inner gorm.ConnPool) error {
		if pool, ok := inner.(*sql.DB); ok {
			if _, ours, err := chronosql.ConfigThrough(db.Statement.Context, pool); err != nil || ours {
				return err
			}
		}
		return fmt.Errorf("%w: dbresolver is in use already; use chronogorm before it", ErrPool)
	})
}

// sourceOf returns what statements that write a model run on: the transaction,
// or the pool, without the layer that prepares. Dbresolver chooses among
// several.
func sourceOf(db *gorm.DB, s *schema.Schema) gorm.ConnPool {
	choose := db.Callback().Create().Get(resolverName)
	if choose == nil || inTransaction(db) {
		return connPool(db)
	}
	tx := db.Session(&gorm.Session{NewDB: true}).Table(s.Table)
	tx.Statement.Schema = s
	choose(tx)
	return pluginOf(db).wrap(db, unprepared(tx.Statement.ConnPool))
}

// migratedBy returns what a migrator's statements run on. Dbresolver does not
// see which table they are about: they run where db says.
func migratedBy(db *gorm.DB) gorm.ConnPool {
	choose := db.Callback().Raw().Get(resolverName)
	if choose == nil || inTransaction(db) {
		return connPool(db)
	}
	// A copy of the statement, because the choice is left in it.
	tx := db.Session(&gorm.Session{Context: db.Statement.Context})
	choose(tx)
	return pluginOf(db).wrap(db, unprepared(tx.Statement.ConnPool))
}

func inTransaction(db *gorm.DB) bool {
	_, ok := connPool(db).(gorm.TxCommitter)
	return ok
}
