package chronomigrate

import (
	"context"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// sqliteLife says what a plan has to find out about the rows of a table, so
// that the past knows which of their states are recorded.
type sqliteLife struct {
	// unknown: nothing may be known of rows that are there.
	unknown bool
	// again: there may be history from before a time in which nothing captured
	// changes.
	again bool
}

// planKeys plans the table of keys by which the past finds rows.
func (e *sqliteEngine) planKeys(ctx context.Context, q chronodriver.Queryer, p *sqlitePlanner, registered *sqliteTable) (life sqliteLife, err error) {
	if !p.table.History() {
		return life, nil
	}
	existing, err := e.keyTable(ctx, q, p.table)
	if err != nil {
		return life, err
	}
	fresh := existing != p.table.KeyTableSQL()
	if fresh {
		if existing != "" {
			p.addKeys("The primary key has changed.", "drop", "")
		}
		p.addKeys("All keys that the table has had, for queries of the past.", "create", "drop")
		if p.table.KeyIndex() != "" {
			p.addKeys("Queries look keys up by their columns.", "index", "")
		}
	}
	interrupted := registered == nil || !registered.Tracked || registered.Options.NoHistory || len(p.found.Ours()) == 0
	life.unknown = fresh || interrupted
	life.again = life.unknown && registered != nil
	return life, nil
}

// planLives follows the steps after which changes are captured.
func (p *sqlitePlanner) planLives(life sqliteLife) {
	if !life.unknown {
		return
	}
	p.addKeys("The keys of the rows that are there.", "add_rows", "")
	if life.again {
		p.addKeys("The keys that history knows.", "add_history", "")
		p.addKeys("Keys with other columns are of another life of the table.", "other_keys", "")
	}
	p.addKeys("Of rows that history does not know, the state is not recorded.", "unknown", "")
	if life.again {
		p.addKeys("Nor of rows that have changed while nothing captured it.", "changed", "")
		p.addKeys("Rows may have gone in that time.", "gone", "")
	}
}

func (p *sqlitePlanner) addKeys(comment, statement, reverse string) {
	if p.err != nil {
		return
	}
	step := Step{Comment: comment}
	if step.SQL, p.err = sqlite.KeysSQL(statement, p.table); p.err != nil {
		return
	}
	if reverse != "" {
		if step.Reverse, p.err = sqlite.KeysSQL(reverse, p.table); p.err != nil {
			return
		}
	}
	p.plan.Steps = append(p.plan.Steps, step)
}

// keyTable returns the statement that made the table of keys, empty when there
// is none.
func (e *sqliteEngine) keyTable(ctx context.Context, q chronodriver.Queryer, table *sqlite.Table) (string, error) {
	found, err := queryStrings(ctx, q, `SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1`, table.KeyTable())
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// planDropKeys plans the end of the table of keys. History has the keys of its
// own.
func (e *sqliteEngine) planDropKeys(ctx context.Context, q chronodriver.Queryer, p *sqlitePlanner) error {
	p.table.Name, p.table.HistoryName = p.plan.Table.Name, p.plan.Table.Name
	existing, err := e.keyTable(ctx, q, p.table)
	if err == nil && existing != "" {
		p.addKeys("The past of the table cannot be queried any more.", "drop", "")
	}
	return err
}
