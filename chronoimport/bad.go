package chronoimport

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// dropBad takes the changes out of the chunk that the table's types cannot
// read. It returns the first of them if they are not to be left out.
func (i *importer) dropBad(ctx context.Context, state string) error {
	sql, err := postgres.Import(i.opts.Schema, "fits", i.target.args)
	if err != nil {
		return err
	}
	var bad []*BadChangeError
	err = i.inTx(ctx, false, func(tx chronodriver.Tx) error {
		var good []*pending
		for _, p := range i.chunk {
			fit, err := i.fits(ctx, tx, sql, p)
			if err != nil {
				return err
			}
			if fit == nil {
				good = append(good, p)
				continue
			}
			bad = append(bad, fit)
		}
		i.chunk = good
		return nil
	})
	if err != nil {
		return err
	}
	if len(bad) == 0 {
		return fmt.Errorf("the database refuses the changes (SQLSTATE %s)", state)
	}
	for _, b := range bad {
		if err := i.skip(b); err != nil {
			return err
		}
	}
	return nil
}

// fits returns nil if the table's types can read a change, and else what is
// wrong with it.
func (i *importer) fits(ctx context.Context, tx chronodriver.Tx, sql string, p *pending) (*BadChangeError, error) {
	try := func(state map[string]json.RawMessage) (refused string, err error) {
		if _, err := tx.Exec(ctx, "SAVEPOINT chrononaut_import"); err != nil {
			return "", fmt.Errorf("check a change: %w", err)
		}
		var key, image, changed bool
		one := pending{Changed: p.Changed, State: state}
		_, err = queryRow(ctx, tx, []any{&key, &image, &changed}, sql, string(encode(one)))
		if err != nil && !isData(err) {
			return "", fmt.Errorf("check a change: %w", err)
		}
		refused = chronodriver.State(err)
		if _, err := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT chrononaut_import"); err != nil {
			return "", fmt.Errorf("check a change: %w", err)
		}
		return refused, nil
	}
	refused, err := try(p.State)
	if err != nil {
		return nil, err
	}
	if refused == "" {
		// What is not about columns of the table is put into jsonb as it is.
		if !hasNUL(p) {
			return nil, nil
		}
		return &BadChangeError{p.id, "it holds the character NUL"}, nil
	}
	for _, name := range slices.Sorted(maps.Keys(p.State)) {
		state, err := try(map[string]json.RawMessage{name: p.State[name]})
		if err != nil {
			return nil, err
		}
		if state == refused {
			return &BadChangeError{p.id, fmt.Sprintf("column %s cannot hold the value that it has there (SQLSTATE %s)", chrononaut.Table{Name: name}, refused)}, nil
		}
	}
	return &BadChangeError{p.id, fmt.Sprintf("the table cannot hold it (SQLSTATE %s)", refused)}, nil
}

// hasNUL reports whether jsonb would refuse what comes with a change.
func hasNUL(p *pending) bool {
	found := false
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case string:
			for _, r := range v {
				found = found || r == 0
			}
		case []any:
			for _, e := range v {
				look(e)
			}
		case map[string]any:
			for k, e := range v {
				look(k)
				look(e)
			}
		}
	}
	var all any
	if err := json.Unmarshal(encode(p), &all); err != nil {
		panic("chronoimport: read JSON back: " + err.Error())
	}
	look(all)
	return found
}
