package chrononaut

import (
	"encoding/json"
	"slices"
	"time"
)

// evaluate says what is to be done with a record; nil when nothing is.
func (p *planner) evaluate(t *restoreTable, r *restoreRecord) (*RestoreItem, error) {
	item := &RestoreItem{Table: t.info.table, Action: RestoreNone, key: r.key, newKey: r.key, exists: r.exists, Version: r.version, present: r.present}
	if err := json.Unmarshal([]byte(r.key), &item.Key); err != nil {
		return nil, err
	}
	if newest := r.newest(); newest != nil {
		item.known, item.knownVersion = newest.ID, newest.Version
	}
	walk := newRestoreWalk(t, r)
	walk.run()
	item.Later, item.Conflict = walk.later, walk.conflict
	if !r.recorded {
		item.Problems = append(item.Problems, RestoreProblem{Kind: ProblemNotRecorded, Blocking: true})
		return item, nil
	}
	if r.target != nil && !r.target.Operation.Gone() {
		item.to = r.target
		version := item.to.Version
		item.ToVersion, item.ToChange = &version, item.to.ID
	}
	p.act(t, r, item, walk)
	if item.Action == RestoreNone && len(item.Problems) == 0 {
		return nil, nil
	}
	p.describeColumns(t, item)
	return item, nil
}

// settleTarget decides what the state at the target is, and reports whether
// history knows it. A target of nil then means that there was no record.
func (p *planner) settleTarget(t *restoreTable, r *restoreRecord) bool {
	at, isTime := p.until.point.Time()
	if r.target != nil && !r.paired && len(r.later) > 0 && r.later[0].Began() {
		// The record that had the key went on under another one, this is a new one.
		r.target = nil
	}
	if r.target != nil {
		switch {
		case p.until.version != nil:
			return r.target.Version == *p.until.version
		case isTime:
			return !t.info.inGap(r.target.Changed, at)
		}
		return true
	}
	if r.paired {
		return !at.Before(t.info.since) && !t.info.inGap(time.Time{}, at)
	}
	if len(r.later) == 0 || p.until.version != nil {
		return false
	}
	first := r.later[0]
	switch {
	case isTime && (at.Before(t.info.since) || t.info.inGap(time.Time{}, at)):
		return false
	case first.Operation == OperationBaseline && isTime:
		// What a baseline found was there before it.
		r.target, r.later = first, r.later[1:]
		return true
	}
	return first.Began()
}

// act decides the action and the columns.
func (p *planner) act(t *restoreTable, r *restoreRecord, item *RestoreItem, walk *restoreWalk) {
	writable := t.writable()
	if len(p.opts.Columns) > 0 && r.exists {
		writable = slices.DeleteFunc(writable, func(name string) bool { return !slices.Contains(p.opts.Columns, name) })
	}
	switch {
	case item.to == nil && !r.exists:
		item.Conflict = false
	case item.to == nil:
		if p.kind == RestoreKindRestore && !p.opts.DeleteNew {
			item.Problems = append(item.Problems, RestoreProblem{Kind: ProblemNew})
			return
		}
		item.Action = RestoreDelete
	case !r.exists:
		item.Action = RestoreInsert
		item.all = p.settable(t, r, item, writable)
		item.set = item.all
		t.nameMissing(item)
	default:
		if r.reverted != nil && !walk.life {
			writable = slices.DeleteFunc(writable, func(name string) bool { return !slices.Contains(walk.undone, name) })
		}
		item.all = p.settable(t, r, item, writable)
		for _, name := range item.all {
			if !t.same(name, item.to.Data[name], r.present[name]) {
				item.set = append(item.set, name)
			}
		}
		// Hidden columns that were set since keep what they have.
		item.name(RestoreProblem{Kind: ProblemHidden, Columns: walk.hidden})
		if len(item.set) > 0 {
			item.Action = RestoreUpdate
		}
	}
}

// settable are the columns that the recorded state has a value for that can be
// written; it names the others.
func (p *planner) settable(t *restoreTable, r *restoreRecord, item *RestoreItem, writable []string) []string {
	var set, added, misfits, identity, required []string
	for _, name := range writable {
		value, has := item.to.Data[name]
		c := t.column(name)
		switch {
		case !has:
			added = append(added, name)
		case slices.Contains(r.misfits, name):
			misfits = append(misfits, name)
		case r.exists && c.Identity == "a":
			if !t.same(name, value, r.present[name]) {
				identity = append(identity, name)
			}
		case c.NotNull && string(value) == "null":
			if r.exists {
				required = append(required, name)
			}
		default:
			set = append(set, name)
		}
	}
	item.name(RestoreProblem{Kind: ProblemAdded, Columns: added})
	item.name(RestoreProblem{Kind: ProblemType, Columns: misfits})
	item.name(RestoreProblem{Kind: ProblemIdentity, Columns: identity})
	item.name(RestoreProblem{Kind: ProblemRequired, Columns: required})
	var dropped []string
	for name := range item.to.Data {
		if t.column(name) == nil && !slices.Contains(t.info.versionColumns(), name) && len(p.opts.Columns) == 0 {
			dropped = append(dropped, name)
		}
	}
	slices.Sort(dropped)
	item.name(RestoreProblem{Kind: ProblemDropped, Columns: dropped})
	return set
}

func (i *RestoreItem) name(p RestoreProblem) {
	if len(p.Columns) > 0 {
		i.Problems = append(i.Problems, p)
	}
}

// nameMissing names the columns of a row to be inserted that history has no value
// of.
func (t *restoreTable) nameMissing(item *RestoreItem) {
	var required, hidden, untracked []string
	for _, c := range t.columns {
		if slices.Contains(item.set, c.Name) || c.Generated || c.Name == t.info.versionColumn {
			continue
		}
		switch {
		case slices.Contains(t.info.hidden, c.Name):
			hidden = append(hidden, c.Name)
		case slices.Contains(t.info.untracked, c.Name):
			untracked = append(untracked, c.Name)
		}
		if c.NotNull && c.Default == nil && !c.TypeDefault && c.Identity == "" && !slices.Contains(t.own, c.Name) {
			required = append(required, c.Name)
		}
	}
	item.name(RestoreProblem{Kind: ProblemHidden, Columns: hidden})
	item.name(RestoreProblem{Kind: ProblemUntracked, Columns: untracked})
	item.name(RestoreProblem{Kind: ProblemRequired, Columns: required, Blocking: true})
}

// describeColumns says what becomes of the columns.
func (p *planner) describeColumns(t *restoreTable, item *RestoreItem) {
	switch item.Action {
	case RestoreDelete:
		for _, name := range t.info.columns {
			if value, ok := item.present[name]; ok && name != t.info.versionColumn {
				item.Columns = append(item.Columns, RestoreColumn{Column: name, From: value})
			}
		}
	case RestoreInsert, RestoreUpdate:
		for _, name := range item.set {
			item.Columns = append(item.Columns, RestoreColumn{Column: name, From: item.present[name], To: item.to.Data[name]})
		}
		item.rekey(t)
	}
}

// rekey finds out which key the record will have.
func (i *RestoreItem) rekey(t *restoreTable) {
	key := Key{}
	for _, name := range t.info.keyColumns {
		key[name] = i.Key[name]
		if raw, ok := i.to.Data[name]; ok && slices.Contains(i.set, name) {
			key[name] = jsonValue(raw)
		}
	}
	if text, err := key.JSON(); err == nil && !keyIs(key, i.key) {
		i.newKey, i.RestoredKey = text, key
	}
}

// restoreWalk goes through the changes of a record since the target.
type restoreWalk struct {
	table  *restoreTable
	record *restoreRecord
	later  []RestoreLater
	// undone are the columns that the changes that are undone set, hidden the hidden
	// ones. life says that one of them began or ended the record.
	undone, hidden []string
	life           bool
	conflict       bool
}

func newRestoreWalk(t *restoreTable, r *restoreRecord) *restoreWalk {
	return &restoreWalk{table: t, record: r}
}

func (w *restoreWalk) run() {
	without := w.table.info.versionColumns()
	var state Data
	if w.record.target != nil {
		state = w.record.target.after()
	}
	known := w.record.target != nil
	seen := 0
	// other are the columns that changes set which are not undone.
	var others []string
	otherLife, begun := false, false
	for _, c := range w.record.later {
		after := c.after()
		if c.Began() {
			state = nil
		}
		var columns []string
		// A baseline sets nothing.
		if c.Operation != OperationBaseline || known {
			for _, d := range compareData(state, after, without) {
				columns = append(columns, d.Column)
			}
			for _, c := range w.table.columns {
				if c.Scaled && equalJSON(state[c.Name], after[c.Name]) && !w.table.same(c.Name, state[c.Name], after[c.Name]) {
					columns = append(columns, c.Name)
				}
			}
		}
		columns = append(columns, c.HiddenChanged...)
		slices.Sort(columns)
		life := (state == nil) != (after == nil) && c.Operation != OperationBaseline
		undone := w.record.reverted == nil || w.record.reverted[c.ID]
		switch {
		case undone:
			begun = true
			seen++
			w.life = w.life || life
			w.undone = union(w.undone, columns)
			w.hidden = union(w.hidden, c.HiddenChanged)
		case begun:
			otherLife = otherLife || life
			others = union(others, columns)
		}
		if undone || begun {
			without := *c
			without.Data, without.Before = nil, nil
			w.later = append(w.later, RestoreLater{Change: without, Columns: slices.Compact(columns), Undone: undone})
		}
		state, known = after, true
	}
	w.hidden = slices.DeleteFunc(w.hidden, func(name string) bool { return !slices.Contains(w.table.info.hidden, name) })
	if w.record.reverted == nil {
		return
	}
	overlap := slices.ContainsFunc(others, func(name string) bool { return slices.Contains(w.undone, name) })
	w.conflict = otherLife || overlap || w.life && len(others) > 0 || seen < len(w.record.reverted)
}

// union adds what is new, in order.
func union(to, names []string) []string {
	for _, name := range names {
		if at, found := slices.BinarySearch(to, name); !found {
			to = slices.Insert(to, at, name)
		}
	}
	return to
}
