package chrononaut

import (
	"context"
	"encoding/json"
	"slices"
)

// check looks for what the statements would stumble over: rows that are gone,
// rows that would go too, and values that are taken.
func (p *planner) check(ctx context.Context, plan *RestorePlan) error {
	byTable := map[Table][]*RestoreItem{}
	for _, i := range plan.Items {
		if i.Action != RestoreNone {
			byTable[i.Table] = append(byTable[i.Table], i)
		}
	}
	for _, t := range p.order {
		items := byTable[t.info.table]
		if len(items) == 0 {
			continue
		}
		if err := p.checkHolds(ctx, t, items); err != nil {
			return err
		}
		for n := range t.refers {
			if err := p.checkParents(ctx, t, &t.refers[n], items, byTable); err != nil {
				return err
			}
		}
		for n := range t.referred {
			if err := p.checkReferences(ctx, t, &t.referred[n], items, byTable); err != nil {
				return err
			}
		}
		for n := range t.uniques {
			if err := p.checkClashes(ctx, t, &t.uniques[n], items); err != nil {
				return err
			}
		}
	}
	return nil
}

// written are the items that write any of the columns, and their arguments.
func written(items []*RestoreItem, columns []string) (found []*RestoreItem, args []restoreArg) {
	for _, i := range items {
		sets := slices.ContainsFunc(columns, func(name string) bool { return slices.Contains(i.set, name) })
		if sets && i.Action != RestoreDelete {
			args = append(args, restoreArg{N: len(found), Key: i.key, ID: i.ToChange})
			found = append(found, i)
		}
	}
	return found, args
}

func (p *planner) checkParents(ctx context.Context, t *restoreTable, fk *foreignKey, items []*RestoreItem, byTable map[Table][]*RestoreItem) error {
	found, args := written(items, fk.Columns)
	if len(found) == 0 {
		return nil
	}
	coming := map[string][]*RestoreItem{}
	key := p.ofKey(fk)
	for _, i := range byTable[fk.Parent] {
		if i.to != nil && (i.Action == RestoreInsert || len(i.set) > 0) {
			if values, ok := p.parentValues(key, i.to.Data); ok {
				coming[values] = append(coming[values], i)
			}
		}
	}
	sql, err := p.engine.parents(t, fk)
	if err != nil {
		return err
	}
	var n int
	return p.each(ctx, []any{&n}, func() error {
		i := found[n]
		if key != nil {
			values, ok := p.childValues(key, i.to.Data)
			if parents := coming[values]; !ok || len(parents) > 0 {
				i.needs = append(i.needs, parents...)
				return nil
			}
		}
		parent := fk.Parent
		i.Problems = append(i.Problems, RestoreProblem{Kind: ProblemParent, Blocking: !fk.unenforced, Columns: fk.Columns, Constraint: fk.Name, Table: &parent})
		return nil
	}, sql, encodeArgs(args))
}

func (p *planner) checkReferences(ctx context.Context, t *restoreTable, fk *foreignKey, items []*RestoreItem, byTable map[Table][]*RestoreItem) error {
	var found []*RestoreItem
	var args []restoreArg
	for _, i := range items {
		if i.Action == RestoreDelete {
			args = append(args, restoreArg{N: len(found), Key: i.key})
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		return nil
	}
	// Rows that the plan takes away from it.
	leaving := map[string][]*RestoreItem{}
	key := p.ofKey(fk)
	for _, i := range byTable[fk.Table] {
		if i.Action == RestoreDelete || i.Action == RestoreUpdate && sets(i, fk.Columns) {
			if values, ok := p.childValues(key, i.present); ok {
				leaving[values] = append(leaving[values], i)
			}
		}
	}
	sql, err := p.engine.references(t, fk)
	if err != nil {
		return err
	}
	var n, count int
	return p.each(ctx, []any{&n, &count}, func() error {
		var gone []*RestoreItem
		if key != nil {
			values, _ := p.parentValues(key, found[n].present)
			gone = leaving[values]
		}
		found[n].needs = append(found[n].needs, gone...)
		if left := count - len(gone); left > 0 {
			child := fk.Table
			found[n].Problems = append(found[n].Problems, RestoreProblem{Kind: ProblemReferenced, Blocking: !fk.unenforced, Columns: fk.Columns, Constraint: fk.Name, Table: &child, Rows: left})
		}
		return nil
	}, sql, encodeArgs(args))
}

func (p *planner) checkClashes(ctx context.Context, t *restoreTable, u *uniqueKey, items []*RestoreItem) error {
	found, args := written(items, u.Columns)
	if len(found) == 0 {
		return nil
	}
	// Rows that give the values up.
	leaving := map[string]*RestoreItem{}
	for _, i := range items {
		if i.Action == RestoreDelete || sets(i, u.Columns) {
			leaving[i.key] = i
		}
	}
	sql, err := p.engine.clashes(t, u)
	if err != nil {
		return err
	}
	var n int
	var key string
	return p.each(ctx, []any{&n, &key}, func() error {
		text, err := p.canonical(t, key)
		if err != nil {
			return err
		}
		if holder := leaving[text]; holder != nil {
			found[n].needs = append(found[n].needs, holder)
			return nil
		}
		found[n].Problems = append(found[n].Problems, RestoreProblem{Kind: ProblemUnique, Blocking: true, Columns: u.Columns, Constraint: u.Name})
		return nil
	}, sql, encodeArgs(args))
}

// checkHolds names the records that are held, and those that would get into a hold.
func (p *planner) checkHolds(ctx context.Context, t *restoreTable, items []*RestoreItem) error {
	engine, ok := p.client.reader.(holder)
	if !ok {
		return nil
	}
	columns, err := engine.holdColumns(ctx, p.tx, t.info)
	if err != nil || len(columns) == 0 {
		return err
	}
	var states []heldState
	for n, i := range items {
		if i.exists {
			state, err := heldStateOf(i.present, i.key, columns)
			if err != nil {
				return err
			}
			states = append(states, heldState{N: n, State: state})
		}
		if i.to != nil && i.Action != RestoreDelete {
			key := i.newKey
			if key == "" {
				key = i.key
			}
			// Columns that the plan does not write stay as they are.
			after := Data{}
			for _, name := range columns {
				from := i.to.Data
				if i.exists && !slices.Contains(i.set, name) {
					from = i.present
				}
				if raw, ok := from[name]; ok {
					after[name] = raw
				}
			}
			state, err := heldStateOf(after, key, columns)
			if err != nil {
				return err
			}
			states = append(states, heldState{N: n, State: state, Inserted: i.Action == RestoreInsert})
		}
	}
	found := map[int]bool{}
	for batch := range slices.Chunk(states, restoreBatch) {
		encoded, err := json.Marshal(batch)
		if err != nil {
			return err
		}
		err = engine.heldStates(ctx, p.tx, t.info, string(encoded), func(n int, document string) error {
			hold, err := parseHold(document)
			if err == nil && !found[n] {
				found[n] = true
				items[n].Problems = append(items[n].Problems, RestoreProblem{Kind: ProblemHeld, Blocking: true, Held: hold.heldError(t.info.table)})
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// heldStateOf are some columns of a state; those of the key are as history has them.
func heldStateOf(data Data, key string, columns []string) (map[string]json.RawMessage, error) {
	state := map[string]json.RawMessage{}
	for _, name := range columns {
		if raw, ok := data[name]; ok {
			state[name] = raw
		}
	}
	return state, decodeJSON(key, &state)
}
