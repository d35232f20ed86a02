package chronogorm

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
)

// sets are the fields that an update of one record sets. Those of a map are set on
// purpose; of those of a struct only some have changed.
func (w *write) sets(tx *gorm.DB) (fields []*schema.Field, purpose bool) {
	stmt := tx.Statement
	chosen, only := stmt.SelectAndOmitColumns(false, true)
	value := structs(stmt.Dest)
	if value.Kind() == reflect.Map {
		values, _ := valuesOf(stmt)
		for name := range values {
			if f := w.model.schema.LookUpField(name); f != nil && f.Updatable {
				fields = append(fields, f)
			}
		}
		return fields, true
	}
	if value.Kind() != reflect.Struct {
		return nil, false
	}
	if value.Type() != w.model.schema.ModelType {
		other := &gorm.Statement{DB: stmt.DB}
		if err := other.Parse(stmt.Dest); err != nil {
			return nil, false
		}
		for name, f := range w.model.schema.FieldsByDBName {
			if from := other.Schema.LookUpField(name); from != nil && f.Updatable && !f.PrimaryKey {
				if _, zero := from.ValueOf(stmt.Context, value); !zero {
					fields = append(fields, f)
				}
			}
		}
		return fields, true
	}
	for name, f := range w.model.schema.FieldsByDBName {
		wanted, named := chosen[name]
		if f.PrimaryKey || f.AutoUpdateTime > 0 || named && !wanted || !named && only {
			continue
		}
		if _, zero := f.ValueOf(stmt.Context, value); zero && !named {
			continue
		}
		fields = append(fields, f)
	}
	return fields, false
}

// tellMine says which columns a stale update would have changed, and which of them
// others have changed too.
func (w *write) tellMine(tx *gorm.DB, client *chrononaut.Client, table chrononaut.Table, err error) error {
	e := (*chrononaut.StaleError)(nil)
	if w.many || !errors.As(err, &e) || e.Expected == nil || e.Deleted || !e.Based || !w.update {
		return err
	}
	setting, purpose := w.sets(tx)
	base := reflect.Value{}
	if !purpose {
		var failed error
		if base, failed = w.state(tx.Statement.Context, client, table, e); failed != nil {
			return errors.Join(err, failed)
		}
	}
	now := structs(tx.Statement.Dest)
	for _, f := range setting {
		switch {
		case slices.Contains(w.model.untracked, f.DBName):
			continue
		case purpose:
		case slices.Contains(w.model.hidden, f.DBName):
			// What it was is not in history.
			if !slices.Contains(e.Since, f.DBName) {
				continue
			}
		case equal(tx.Statement.Context, f, base, now):
			continue
		}
		e.Mine = append(e.Mine, f.DBName)
	}
	slices.Sort(e.Mine)
	e.Overlap = e.Overlapping(e.Mine...)
	return err
}

// state reads the record as it was at the version that a write is based on.
func (w *write) state(ctx context.Context, client *chrononaut.Client, table chrononaut.Table, e *chrononaut.StaleError) (reflect.Value, error) {
	type state struct{ value reflect.Value }
	history := chrononaut.NewHistory(client, table, &chrononaut.HistoryOpts[state]{
		Bind: func(ctx context.Context, s *state, columns []string) ([]any, func() error, error) {
			s.value = reflect.New(w.model.schema.ModelType).Elem()
			return bind(ctx, w.model.schema, s.value, columns)
		},
	})
	snapshot, err := history.Version(ctx, e.Key, *e.Expected)
	if err != nil {
		return reflect.Value{}, err
	}
	return snapshot.Record.value, nil
}

// equal compares a field of two records. In doubt they differ.
func equal(ctx context.Context, f *schema.Field, a, b reflect.Value) bool {
	x, _ := f.ValueOf(ctx, a)
	y, _ := f.ValueOf(ctx, b)
	if _, ok := y.(clause.Expression); ok {
		return false
	}
	return keyName([]any{instant(x)}) == keyName([]any{instant(y)})
}

// instant writes times in one way, as precisely as the database keeps them.
func instant(v any) any {
	at := reflect.Indirect(reflect.ValueOf(v))
	if !at.IsValid() {
		return nil
	}
	if t, ok := at.Interface().(time.Time); ok {
		return t.UTC().Round(time.Microsecond).Format(time.RFC3339Nano)
	}
	return v
}
