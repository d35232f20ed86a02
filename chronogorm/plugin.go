package chronogorm

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

// pluginName is the key of db.Plugins.
const pluginName = "chrononaut"

// Config configures the [Plugin]. A nil *Config means the defaults.
type Config struct {
	// ExtraInfo is [chrononaut.Config.ExtraInfo]: it returns extra information
	// for every change made under ctx. Over a pool of package chronosql, that
	// pool's configuration counts instead. Defaults to none.
	ExtraInfo func(ctx context.Context) map[string]any
	// Schema holds history. Defaults to [chrononaut.DefaultSchema].
	Schema string
	// SkipAutoTrack leaves AutoMigrate as it is; call [Track]. Defaults to
	// false.
	SkipAutoTrack bool
	// SkipJoinTables leaves out the join tables of many-to-many relations.
	// Defaults to false: those of tracked models are tracked, unless they have
	// a model of their own, which then says so itself.
	SkipJoinTables bool
}

// Plugin attributes what GORM does, and makes AutoMigrate track models. Make
// it with [New] and hand it to [gorm.DB.Use], once for each database.
//
// Over a pool of package chronosql it leaves the pool alone: attribution costs
// nothing. Over another *sql.DB it wraps the pool, in this way:
//
//   - Begin, Transaction and the implicit transactions of Create, Update and
//     Delete send the context as a statement of its own, one more round trip,
//     if there is something to say.
//   - Outside a transaction (SkipDefaultTransaction, Exec, Raw), statements that
//     write run in a short transaction if there is something to say. Those are
//     recognized by their first word: a function that writes, called by SELECT,
//     and CALL and DO are attributed only inside a transaction.
//   - Inside [gorm.DB.Connection], a transaction that is begun explicitly is not
//     attributed; use [SetContext].
//
// Inside a transaction the attribution is that of the context it began with;
// [SetContext] changes it.
//
// With dbresolver use this plugin first: then the pools of sources and
// replicas are looked at as well, each for itself.
type Plugin struct {
	config Config

	models  sync.Map // *schema.Schema to *model
	mu      sync.Mutex
	clients map[gorm.ConnPool]*chrononaut.Client
}

var _ gorm.Plugin = (*Plugin)(nil)

// New returns a plugin. A nil config means the defaults.
func New(config *Config) *Plugin {
	p := &Plugin{clients: map[gorm.ConnPool]*chrononaut.Client{}}
	if config != nil {
		p.config = *config
	}
	return p
}

// Name is part of [gorm.Plugin].
func (p *Plugin) Name() string { return pluginName }

// Initialize is part of [gorm.Plugin]: GORM calls it. Errors: [ErrDialect],
// [ErrPool].
func (p *Plugin) Initialize(db *gorm.DB) error {
	dialect, err := dialectOf(db)
	if err != nil {
		return fmt.Errorf("use chrononaut: %w", err)
	}
	if err := p.initializePool(db, dialect); err != nil {
		return fmt.Errorf("use chrononaut: %w", err)
	}
	if err := p.checkResolver(db); err != nil {
		return fmt.Errorf("use chrononaut: %w", err)
	}
	return p.register(db, dialect)
}

// initializePool replaces the pool, or the one under prepared statements.
func (p *Plugin) initializePool(db *gorm.DB, dialect chronodriver.Dialect) error {
	wrapped, err := p.wrapPool(unprepared(db.ConnPool), dialect)
	if err != nil || wrapped == nil {
		return err
	}
	if prepared, ok := db.ConnPool.(*gorm.PreparedStmtDB); ok {
		prepared.ConnPool = wrapped
		return nil
	}
	db.ConnPool = wrapped
	if db.Statement != nil {
		db.Statement.ConnPool = wrapped
	}
	return nil
}

// wrapPool returns nil for a pool that needs nothing.
func (p *Plugin) wrapPool(inner gorm.ConnPool, dialect chronodriver.Dialect) (gorm.ConnPool, error) {
	switch inner := inner.(type) {
	case *pool:
		return nil, nil
	case *sql.DB:
		if chronosql.Attributes(inner) {
			return nil, nil
		}
		return &pool{inner, dialect, p.chronoConfig()}, nil
	case gorm.TxCommitter:
		return nil, fmt.Errorf("%w: it is a transaction; use the plugin on the database it belongs to", ErrPool)
	case gorm.GetDBConnector:
		if db, err := inner.GetDBConn(); err == nil && chronosql.Attributes(db) {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("%w: %T; open GORM over a pool of package chronosql", ErrPool, inner)
}

// checkResolver refuses a dbresolver whose pools were set up before us, and do
// not attribute by themselves.
func (p *Plugin) checkResolver(db *gorm.DB) error {
	resolver, ok := db.Plugins["gorm:db_resolver"].(interface {
		Call(f func(gorm.ConnPool) error) error
	})
	if !ok {
		return nil
	}
	return resolver.Call(func(inner gorm.ConnPool) error {
		if db, ok := inner.(*sql.DB); ok && chronosql.Attributes(db) {
			return nil
		}
		return fmt.Errorf("%w: dbresolver is in use already; use chronogorm before it", ErrPool)
	})
}

func (p *Plugin) chronoConfig() *chrononaut.Config {
	return &chrononaut.Config{ExtraInfo: p.config.ExtraInfo, Schema: p.config.Schema}
}

// register adds our callbacks, each right before GORM's own.
func (p *Plugin) register(db *gorm.DB, dialect chronodriver.Dialect) error {
	callbacks := db.Callback()
	for _, register := range []func() error{
		func() error {
			return callbacks.Create().Before("gorm:create").Register("chrononaut:create", p.unprepare)
		},
		func() error {
			return callbacks.Update().Before("gorm:update").Register("chrononaut:update", func(tx *gorm.DB) {
				p.unprepare(tx)
				if dialect == chronodriver.PostgreSQL {
					p.returning(tx)
				}
			})
		},
		func() error {
			return callbacks.Delete().Before("gorm:delete").Register("chrononaut:delete", p.unprepare)
		},
		func() error { return callbacks.Query().Before("gorm:query").Register("chrononaut:query", p.unprepare) },
		func() error { return callbacks.Row().Before("gorm:row").Register("chrononaut:row", p.unprepare) },
		func() error { return callbacks.Raw().Before("gorm:raw").Register("chrononaut:raw", p.unprepare) },
	} {
		if err := register(); err != nil {
			return fmt.Errorf("use chrononaut: %w", err)
		}
	}
	return nil
}

// unprepare looks after statements that reach the database past the pool's
// methods: prepared ones outside a transaction, which would run as they were
// prepared, and those on a connection of [gorm.DB.Connection].
func (p *Plugin) unprepare(tx *gorm.DB) {
	if tx.Error != nil || tx.DryRun {
		return
	}
	stmt := tx.Statement
	switch current := stmt.ConnPool.(type) {
	case *gorm.PreparedStmtDB:
		// What GORM will still build, in a query, is a SELECT.
		if inner, ok := current.ConnPool.(*pool); ok && (stmt.SQL.Len() > 0 || stmt.BuildClauses[0] != "SELECT") {
			query := stmt.SQL.String()
			if query == "" {
				query = "UPDATE"
			}
			if inner.short(stmt.Context, query) {
				stmt.ConnPool = inner
			}
		}
	case *sql.Conn:
		base := unprepared(tx.ConnPool)
		if outer, ok := base.(*pool); ok {
			stmt.ConnPool = &pool{current, outer.dialect, outer.config}
		}
	}
}

// returning asks an UPDATE of one record for the columns that the database
// sets, so that the record in memory has them.
func (p *Plugin) returning(tx *gorm.DB) {
	stmt := tx.Statement
	if tx.Error != nil || stmt.Schema == nil || stmt.SQL.Len() > 0 || !stmt.ReflectValue.CanAddr() || stmt.ReflectValue.Type() != stmt.Schema.ModelType {
		return
	}
	if _, ok := stmt.Clauses["RETURNING"]; ok || len(stmt.Schema.PrimaryFields) == 0 {
		return
	}
	m := p.model(stmt.Schema)
	if m == nil || len(m.set) == 0 {
		return
	}
	for _, f := range stmt.Schema.PrimaryFields {
		// GORM makes conditions of the key's fields that are not zero. Without
		// all of them, more than one row may be meant.
		if _, zero := f.ValueOf(stmt.Context, stmt.ReflectValue); zero {
			return
		}
	}
	stmt.AddClause(returningClause(m.set))
}

// model returns what is known of a schema, or nil if its tags are wrong, which
// is reported elsewhere.
func (p *Plugin) model(s *schema.Schema) *model {
	if known, ok := p.models.Load(s); ok {
		return known.(*model)
	}
	m, err := describe(s)
	if err != nil {
		m = nil
	}
	p.models.Store(s, m)
	return m
}

// pluginOf returns the plugin of db, or one with the defaults.
func pluginOf(db *gorm.DB) *Plugin {
	if p, ok := db.Plugins[pluginName].(*Plugin); ok {
		return p
	}
	return New(nil)
}

// SetContext makes the rest of the transaction tx carry the attribution of
// ctx, of which everything counts and nothing of what was set before: for a
// transaction in which several act, or that was begun elsewhere. Rolling back
// to a savepoint restores what was set before it. Costs one round trip.
//
// Errors: [gorm.ErrInvalidTransaction] when tx is no transaction,
// [chrononaut.ErrContext].
func SetContext(ctx context.Context, tx *gorm.DB) error {
	dialect, err := dialectOf(tx)
	if err != nil {
		return err
	}
	current := connPool(tx)
	if _, ok := current.(gorm.TxCommitter); !ok {
		return fmt.Errorf("set the context: %w", gorm.ErrInvalidTransaction)
	}
	value, _, err := chrononaut.EncodeContext(ctx, pluginOf(tx).chronoConfig())
	if err != nil {
		return err
	}
	return setContext(ctx, current, dialect, value)
}
