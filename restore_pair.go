package chrononaut

import "context"

// pair decides, for a whole table, which record of the present is brought back to
// which state of then. Keys are taken and given up over time: a row gets the state
// that its key had. Where the key had no record, the row goes back to the key that
// its record had, if that is free now and nobody else's.
func (p *planner) pair(ctx context.Context, t *restoreTable) error {
	then, err := p.statesOf(ctx, t)
	if err != nil {
		return err
	}
	// The records whose key changes back to one, by that key.
	returning := map[string]*restoreRecord{}
	for _, r := range t.records {
		own := then[r.key]
		if !r.exists || own != nil || r.target == nil {
			continue
		}
		key, err := p.text(ctx, t, r.target.Key)
		if err != nil {
			return err
		}
		home := t.byKey[key]
		state := then[key]
		if home != nil && !home.exists && state != nil && state.ID == r.target.ID && returning[key] == nil {
			returning[key] = r
			own = state
			then[r.key] = own
		}
	}
	records := t.records
	t.records = nil
	for _, r := range records {
		r.paired, r.target = true, then[r.key]
		if len(r.later) > 0 && r.later[0] == r.target {
			r.later = r.later[1:]
		}
		if r.exists || r.target != nil && returning[r.key] == nil {
			t.records = append(t.records, r)
		}
	}
	return nil
}

// statesOf reads the states that the keys had, by the key now.
func (p *planner) statesOf(ctx context.Context, t *restoreTable) (map[string]*Change, error) {
	then := map[string]*Change{}
	sql, more, err := p.engine.states(t, p.until)
	if err != nil {
		return nil, err
	}
	err = inBatches(t.records, func(records []*restoreRecord) error {
		args := make([]restoreArg, len(records))
		for n, r := range records {
			args[n] = restoreArg{N: n, Key: r.key}
		}
		var n int
		return p.changes(ctx, t, []any{&n}, func(c *Change) { then[records[n].key] = c }, sql, append([]any{encodeArgs(args)}, more...)...)
	})
	if err != nil {
		return nil, err
	}
	for _, r := range t.records {
		// What a baseline found was there before it.
		if then[r.key] == nil && r.target == nil && len(r.later) > 0 && r.later[0].Operation == OperationBaseline && keyIs(r.later[0].Key, r.key) {
			then[r.key] = r.later[0]
		}
	}
	return then, nil
}
