package sqlite

import (
	"context"
	"sync"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// KnownTables remembers what the catalog says of tables. It is safe for
// concurrent use; the zero value is empty, nil remembers nothing.
type KnownTables struct {
	mu     sync.Mutex
	tables map[string]knownTable
}

// knownTable is a table with what it was read from.
type knownTable struct {
	definition, options string
	table               *Table
}

// table describes a table, nil when it is gone or has no primary key any more.
func (k *KnownTables) table(ctx context.Context, q chronodriver.Queryer, r *Relation) (*Table, error) {
	if k != nil {
		k.mu.Lock()
		known, ok := k.tables[r.Name]
		k.mu.Unlock()
		if ok && known.definition == r.Definition && known.options == r.options {
			return known.table, nil
		}
	}
	found, err := Inspect(ctx, q, r.Name)
	if err != nil {
		return nil, err
	}
	options, err := DecodeOptions(r.options)
	if err != nil {
		return nil, err
	}
	var table *Table
	if found != nil && len(found.Key()) > 0 {
		table = found.Describe(options)
	}
	if k != nil {
		k.mu.Lock()
		if k.tables == nil {
			k.tables = map[string]knownTable{}
		}
		k.tables[r.Name] = knownTable{r.Definition, r.options, table}
		k.mu.Unlock()
	}
	return table, nil
}
