package chronogorm

import (
	"maps"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// AnyVersion returns a session that writes records whatever version they are
// at: the last writer wins. It holds for everything that is done with the
// session: transactions, associations, hooks, gorm.G.
//
//	chronogorm.AnyVersion(db).Save(&todo)
//	gorm.G[Todo](chronogorm.AnyVersion(db)).Where("id = ?", 7).Updates(ctx, todo)
//
// For an application that does not want the check at all, it is the session to
// begin with. Versions in memory are kept up to date all the same.
func AnyVersion(db *gorm.DB) *gorm.DB {
	tx := db.Session(&gorm.Session{})
	// In the plugins, because those are what a new session always inherits.
	tx.Plugins = maps.Clone(tx.Plugins)
	if tx.Plugins == nil {
		tx.Plugins = map[string]gorm.Plugin{}
	}
	tx.Plugins[anyVersionName] = anyVersion{}
	return tx
}

const anyVersionName = pluginName + ":any_version"

// anyVersion marks a session.
type anyVersion struct{}

func (anyVersion) Name() string { return anyVersionName }

func (anyVersion) Initialize(*gorm.DB) error { return nil }

// AtVersion makes one Update, Updates, Save or Delete hold only for a record
// that is at the version, whatever version the record in memory has, if any. It
// is for a version that came by itself, like that of the header If-Match, and
// for gorm.G:
//
//	db.Clauses(chronogorm.AtVersion(5)).Model(&Todo{ID: 7}).Updates(input)
//	gorm.G[Todo](db, chronogorm.AtVersion(5)).Where("id = ?", 7).Delete(ctx)
//
// Where no record is given by its primary key, as in the second line, the one
// that the conditions find is meant. If they find none any more, no row is
// affected and there is no error.
func AtVersion(version int) clause.Expression { return atVersion(version) }

type atVersion int

var _ gorm.StatementModifier = atVersion(0)

// ModifyStatement remembers the version for the callbacks.
func (v atVersion) ModifyStatement(stmt *gorm.Statement) { stmt.Settings.Store(atVersionKey, int(v)) }

// Build writes nothing: the condition depends on the kind of the statement.
func (atVersion) Build(clause.Builder) {}

const atVersionKey = pluginName + ":at_version"
