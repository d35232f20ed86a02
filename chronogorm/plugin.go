package chronogorm

import (
	"context"
	"database/sql"
	"errors"
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
	// UserInfo and ExtraInfo are those of [chrononaut.Config]: they return who
	// acts under ctx, and extra information for every change made under it. Over
	// a pool of package chronosql they belong into the configuration of that
	// pool, and are refused here. Default to none.
	UserInfo  func(ctx context.Context) map[string]any
	ExtraInfo func(ctx context.Context) map[string]any
	// Schema holds history. Defaults to that of the pool, if it is one of
	// package chronosql, or [chrononaut.DefaultSchema].
	Schema string
	// SkipAutoTrack leaves AutoMigrate as it is; call [Track]. Defaults to
	// false.
	SkipAutoTrack bool
	// SkipInstall leaves the history schema to the command chrononaut migrate
	// up, for a role that may not install it. AutoMigrate and Track then return
	// [chronomigrate.ErrNoHistory] when it is missing or older than this
	// program. Defaults to false.
	SkipInstall bool
	// SkipJoinTables leaves out the join tables of many-to-many relations.
	// Defaults to false: those of tracked models are tracked, unless they have
	// a model of their own, which then says so itself.
	SkipJoinTables bool
}

// Plugin attributes what GORM does, and makes AutoMigrate track models. Make
// it with [New] and hand it to [gorm.DB.Use], once for each database.
//
// Over a pool of package chronosql, also one that otelsql or the like wraps, it
// leaves the pool alone: attribution costs nothing. Over another *sql.DB for
// PostgreSQL it wraps the pool, in this way:
//
//   - Begin, Transaction and the implicit transactions of Create, Update and
//     Delete send the context as a statement of its own, one more round trip,
//     if there is something to say.
//   - Outside a transaction (SkipDefaultTransaction, Exec, Raw), statements that
//     write run in a short transaction if there is something to say: three more
//     round trips. A function that writes, called by SELECT, CALL and DO are
//     attributed only inside a transaction.
//   - A transaction that is begun explicitly inside [gorm.DB.Connection], or on
//     a source that dbresolver opened, is not attributed; use [SetContext].
//
// SQLite needs a pool of package chronosql.
//
// Inside a transaction the attribution is that of the context it began with;
// [SetContext] changes it.
//
// With dbresolver use this plugin first: then the pools of sources and
// replicas are looked at as well, each for itself.
//
// The plugin wraps db.Dialector, unless SkipAutoTrack: a type assertion on it,
// or on what db.Migrator returns, no longer finds the driver's own type.
type Plugin struct {
	config Config
	// pool is the configuration of the pool, if it attributes by itself.
	pool *chrononaut.Config

	models  sync.Map // *schema.Schema to *model
	mu      sync.Mutex
	clients map[gorm.ConnPool]*chrononaut.Client

	attributing sync.Map // *sql.DB to whether it attributes by itself

	borrowers sync.Map // *sql.DB to the driver.Connector that reads its past
	past      sync.Map // weak.Pointer[sql.Tx] of the transactions that read the past
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
	if err := p.initialize(db); err != nil {
		return fmt.Errorf("use chrononaut: %w", err)
	}
	return nil
}

func (p *Plugin) initialize(db *gorm.DB) error {
	dialect, err := dialectOf(db)
	if err != nil {
		return err
	}
	if err := checkResolver(db); err != nil {
		return err
	}
	if err := p.initializePool(db, dialect); err != nil {
		return err
	}
	if !p.config.SkipAutoTrack {
		db.Dialector = p.wrapDialector(db.Dialector)
	}
	return p.register(db)
}

// initializePool replaces the pool, or the one under prepared statements.
func (p *Plugin) initializePool(db *gorm.DB, dialect chronodriver.Dialect) error {
	inner := unprepared(db.ConnPool)
	if _, ok := inner.(*pool); ok {
		// A session of a database that has the plugin already.
		return nil
	}
	if _, ok := inner.(gorm.TxCommitter); ok {
		return fmt.Errorf("%w: it is a transaction; use the plugin on the database it belongs to", ErrPool)
	}
	plain, err := poolOf(inner)
	if err != nil {
		return err
	}
	config, ours, err := chronosql.ConfigThrough(db.Statement.Context, plain)
	if err != nil {
		return err
	}
	if ours {
		return p.adopt(config)
	}
	base, ok := inner.(*sql.DB)
	switch {
	case !ok:
		return fmt.Errorf("%w: %T; open GORM over a pool of package chronosql", ErrPool, inner)
	case dialect == chronodriver.SQLite:
		return fmt.Errorf("%w: SQLite can only be attributed by the pool; open GORM over chronosql.Open(…)", ErrPool)
	}
	wrapped := &pool{base, dialect, p.chronoConfig(), p}
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

// poolOf returns the pool of connections behind a pool of GORM.
func poolOf(inner gorm.ConnPool) (*sql.DB, error) {
	if db, ok := inner.(*sql.DB); ok {
		return db, nil
	}
	if c, ok := inner.(gorm.GetDBConnector); ok {
		if db, err := c.GetDBConn(); err == nil && db != nil {
			return db, nil
		}
	}
	return nil, fmt.Errorf("%w: %T; open GORM over a pool of package chronosql", ErrPool, inner)
}

// adopt takes over the configuration of a pool that attributes by itself.
func (p *Plugin) adopt(config *chrononaut.Config) error {
	p.pool = config
	switch {
	case p.config.ExtraInfo != nil, p.config.UserInfo != nil:
		return fmt.Errorf("%w: UserInfo and ExtraInfo belong into the configuration of the pool, given to chronosql", ErrPool)
	case p.config.Schema != "" && config != nil && config.Schema != "" && config.Schema != p.config.Schema:
		return fmt.Errorf("%w: its history is in schema %s, that of the plugin in %s", ErrPool, config.Schema, p.config.Schema)
	}
	return nil
}

// chronoConfig is the configuration that counts.
func (p *Plugin) chronoConfig() *chrononaut.Config {
	config := &chrononaut.Config{UserInfo: p.config.UserInfo, ExtraInfo: p.config.ExtraInfo, Schema: p.config.Schema}
	if p.pool != nil {
		config.UserInfo, config.ExtraInfo = p.pool.UserInfo, p.pool.ExtraInfo
		if config.Schema == "" {
			config.Schema = p.pool.Schema
		}
	}
	return config
}

// register adds our callbacks. The first three run ahead of GORM's implicit
// transactions, and behind dbresolver.
func (p *Plugin) register(db *gorm.DB) error {
	callbacks := db.Callback()
	create, update, remove := callbacks.Create(), callbacks.Update(), callbacks.Delete()
	first := func(otherwise string) string {
		if db.SkipDefaultTransaction {
			return otherwise
		}
		return "gorm:begin_transaction"
	}
	return errors.Join(
		create.Before(first("gorm:before_create")).Register("chrononaut:begin", p.beginCreate),
		update.Before(first("gorm:setup_reflect_value")).Register("chrononaut:begin", p.beginUpdate),
		remove.Before(first("gorm:before_delete")).Register("chrononaut:begin", p.beginDelete),

		create.Before("gorm:create").Register("chrononaut:run", p.run),
		update.Before("gorm:update").Register("chrononaut:run", p.run),
		remove.Before("gorm:delete").Register("chrononaut:run", p.run),
		callbacks.Query().Before("gorm:query").Register("chrononaut:run", p.run),
		callbacks.Row().Before("gorm:row").Register("chrononaut:run", p.run),
		callbacks.Raw().Before("gorm:raw").Register("chrononaut:run", p.run),

		create.Before("gorm:create").Register("chrononaut:check", p.checkCreate),
		update.Before("gorm:update").Register("chrononaut:check", p.checkUpdate),
		remove.Before("gorm:delete").Register("chrononaut:check", p.checkDelete),

		// GORM sorts what is registered to run after a callback to the end.
		create.Before("gorm:save_after_associations").Register("chrononaut:checked", p.checked),
		update.Before("gorm:save_after_associations").Register("chrononaut:checked", p.checked),
		remove.Before("gorm:after_delete").Register("chrononaut:checked", p.checked),

		create.After("*").Register("chrononaut:end", p.end),
		update.After("*").Register("chrononaut:end", p.end),
		remove.After("*").Register("chrononaut:end", p.end),
		callbacks.Query().After("*").Register("chrononaut:end", typed),
		callbacks.Row().After("*").Register("chrononaut:end", typed),
		callbacks.Raw().After("*").Register("chrononaut:end", typed),
	)
}

// typed gives errors of the database their types.
func typed(tx *gorm.DB) { tx.Error = chrononaut.WrapError(tx.Error) }

// attribute wraps pools that were not there when the plugin was initialized:
// those of dbresolver, and the connection of [gorm.DB.Connection].
func (p *Plugin) attribute(tx *gorm.DB) {
	if tx.Error != nil || tx.DryRun {
		return
	}
	stmt := tx.Statement
	if prepared, ok := stmt.ConnPool.(*gorm.PreparedStmtDB); ok {
		base := unprepared(prepared)
		if wrapped := p.wrap(tx, base); wrapped != base {
			stmt.ConnPool = &gorm.PreparedStmtDB{ConnPool: wrapped, Mux: prepared.Mux, Stmts: prepared.Stmts}
		}
		return
	}
	stmt.ConnPool = p.wrap(tx, stmt.ConnPool)
}

// wrap returns a pool that attributes.
func (p *Plugin) wrap(tx *gorm.DB, inner gorm.ConnPool) gorm.ConnPool {
	switch inner := inner.(type) {
	case *sql.DB:
		if !p.attributes(tx, inner) {
			return &pool{inner, p.dialect(tx), p.chronoConfig(), p}
		}
	case *sql.Conn:
		// It comes from the pool that db was opened with.
		if _, ok := unprepared(tx.ConnPool).(*pool); ok {
			return &pool{inner, p.dialect(tx), p.chronoConfig(), p}
		}
	}
	return inner
}

// attributes reports whether a pool does so by itself.
func (p *Plugin) attributes(tx *gorm.DB, db *sql.DB) bool {
	if known, ok := p.attributing.Load(db); ok {
		return known.(bool)
	}
	_, ours, err := chronosql.ConfigThrough(tx.Statement.Context, db)
	if err != nil {
		_ = tx.AddError(err)
		return false
	}
	p.attributing.Store(db, ours)
	return ours
}

// dialect is that of a database that the plugin was initialized with.
func (p *Plugin) dialect(tx *gorm.DB) chronodriver.Dialect {
	dialect, err := dialectOf(tx)
	if err != nil {
		_ = tx.AddError(err)
	}
	return dialect
}

// run looks after the pool that a statement runs on. A prepared statement
// outside a transaction reaches the database past the pool's methods, so one
// that has to be attributed is not prepared.
func (p *Plugin) run(tx *gorm.DB) {
	p.attribute(tx)
	p.look(tx)
	stmt := tx.Statement
	prepared, ok := stmt.ConnPool.(*gorm.PreparedStmtDB)
	if !ok || tx.Error != nil || tx.DryRun {
		return
	}
	inner, ok := unprepared(prepared).(*pool)
	if !ok {
		return
	}
	query := stmt.SQL.String()
	if query == "" {
		// GORM has yet to build it. In a query it will be a SELECT.
		query = stmt.BuildClauses[0]
	}
	if inner.short(stmt.Context, query) {
		stmt.ConnPool = inner
	}
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
	config := pluginOf(tx).chronoConfig()
	if sqlTx, ok := current.(*sql.Tx); ok && dialect == chronodriver.SQLite {
		return chronosql.SetContext(ctx, sqlTx, config)
	}
	value, ok, err := chrononaut.EncodeContext(ctx, config)
	if err != nil {
		return err
	}
	if !ok {
		value = "{}"
	}
	return setContext(ctx, current, dialect, value)
}
