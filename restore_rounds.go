package chrononaut

import "slices"

// holding says whose unique values a record takes: it can be written only after
// that one.
type holding struct {
	holder *RestoreItem
	unique *uniqueKey
}

// restoreRounds puts the records of an UPDATE in an order in which no row takes a
// unique value that another one still has: the database checks row by row. Rows of
// one round wait for none of their own. Of a circle one row is moved aside first.
type restoreRounds struct {
	planner *planner
	table   *restoreTable
	// waits are whom a record waits for, waiting those who wait for it.
	waits   map[*RestoreItem][]holding
	waiting map[*RestoreItem][]*RestoreItem
	round   map[*RestoreItem]int
	aside   map[*RestoreItem][]string
}

// rounds orders the records of an update; nil when one statement does.
func (p *planner) rounds(t *restoreTable, items []*RestoreItem) *restoreRounds {
	r := &restoreRounds{
		planner: p, table: t, waits: map[*RestoreItem][]holding{}, waiting: map[*RestoreItem][]*RestoreItem{},
		round: map[*RestoreItem]int{}, aside: map[*RestoreItem][]string{},
	}
	for n := range t.uniques {
		if t.uniques[n].Immediate {
			r.take(&t.uniques[n], items)
		}
	}
	if len(r.waits) == 0 {
		return nil
	}
	for _, i := range items {
		for _, h := range r.waits[i] {
			r.waiting[h.holder] = append(r.waiting[h.holder], i)
		}
	}
	free := slices.DeleteFunc(slices.Clone(items), func(i *RestoreItem) bool { return len(r.waits[i]) > 0 })
	for round := 0; ; round++ {
		for _, i := range free {
			r.round[i] = round
		}
		// One round is done before the next, so that what it gives up is free.
		var next []*RestoreItem
		for _, i := range free {
			next = append(next, r.release(i, nil)...)
		}
		for len(next) == 0 && len(r.round) < len(items) {
			next = r.breakCircles(items)
		}
		if free = next; len(free) == 0 {
			return r
		}
	}
}

// asideColumns are those in which any record is moved aside.
func (r *restoreRounds) asideColumns() (columns []string) {
	if r != nil {
		for _, names := range r.aside {
			columns = union(columns, names)
		}
	}
	return columns
}

// parts are the records of a step as statements write them, at most so many at a
// time, in their order.
func (r *restoreRounds) parts(items []*RestoreItem, size int) [][]*RestoreItem {
	rounds := [][]*RestoreItem{items}
	if r != nil {
		rounds = nil
		for _, i := range items {
			for r.round[i] >= len(rounds) {
				rounds = append(rounds, nil)
			}
			rounds[r.round[i]] = append(rounds[r.round[i]], i)
		}
	}
	var parts [][]*RestoreItem
	for _, round := range rounds {
		parts = slices.AppendSeq(parts, slices.Chunk(round, max(size, 1)))
	}
	return parts
}

// take finds the records that take values of others.
func (r *restoreRounds) take(u *uniqueKey, items []*RestoreItem) {
	c := ofUnique(r.table, u)
	holders := map[string]*RestoreItem{}
	for _, i := range items {
		if values, ok := r.planner.parentValues(c, i.present); ok && sets(i, u.Columns) {
			holders[values] = i
		}
	}
	for _, i := range items {
		if !sets(i, u.Columns) {
			continue
		}
		values, ok := r.planner.parentValues(c, i.after())
		if holder := holders[values]; ok && holder != nil && holder != i {
			r.waits[i] = append(r.waits[i], holding{holder, u})
		}
	}
}

// release lets nobody wait for a record any more, or for its values of one unique
// index, and returns who waits for nothing then.
func (r *restoreRounds) release(holder *RestoreItem, of *uniqueKey) (free []*RestoreItem) {
	for _, i := range r.waiting[holder] {
		before := len(r.waits[i])
		r.waits[i] = slices.DeleteFunc(r.waits[i], func(h holding) bool { return h.holder == holder && (of == nil || h.unique == of) })
		if before > 0 && len(r.waits[i]) == 0 {
			free = append(free, i)
		}
	}
	return free
}

// breakCircles finds the circles that are left, breaks them and returns who waits for
// nothing then.
func (r *restoreRounds) breakCircles(items []*RestoreItem) (free []*RestoreItem) {
	seen := map[*RestoreItem]bool{}
	for _, from := range items {
		var held []holding
		place := map[*RestoreItem]int{}
		for i := from; len(r.waits[i]) > 0; i = r.waits[i][0].holder {
			if start, here := place[i]; here {
				free = append(free, r.breakCircle(held[start:])...)
				break
			}
			if seen[i] {
				break
			}
			seen[i], place[i] = true, len(held)
			held = append(held, r.waits[i][0])
		}
	}
	return free
}

// breakCircle moves a record of a circle aside, or names its records.
func (r *restoreRounds) breakCircle(circle []holding) []*RestoreItem {
	for _, h := range circle {
		if column := r.movable(h); column != "" {
			r.aside[h.holder] = union(r.aside[h.holder], []string{column})
			return r.release(h.holder, h.unique)
		}
	}
	for _, h := range circle {
		h.holder.Problems = append(h.holder.Problems, RestoreProblem{Kind: ProblemUnique, Blocking: true, Columns: h.unique.Columns, Constraint: h.unique.Name})
	}
	return r.release(circle[0].holder, circle[0].unique)
}

// movable is a column of a unique index that can have another value for a moment:
// NULL, or one that nobody has. The row gets its own value back, or its new one,
// because the plan writes the column.
func (r *restoreRounds) movable(h holding) string {
	t := r.table
	var other string
	for _, name := range h.unique.Columns {
		c := t.column(name)
		refersHere := func(fk foreignKey) bool { return slices.Contains(fk.ParentColumns, name) }
		if c == nil || c.Generated || !slices.Contains(h.holder.set, name) || slices.Contains(t.info.keyColumns, name) || slices.ContainsFunc(t.referred, refersHere) {
			continue
		}
		if t.asideValue(name) == "NULL" {
			return name
		}
		refers := slices.ContainsFunc(t.refers, func(fk foreignKey) bool { return slices.Contains(fk.Columns, name) })
		if c.Aside != "" && !refers && other == "" {
			other = name
		}
	}
	return other
}

// asideValue is SQL for the value of a column of a row that is moved aside.
func (t *restoreTable) asideValue(name string) string {
	if c := t.column(name); c.NotNull || slices.ContainsFunc(t.uniques, func(u uniqueKey) bool { return u.NullsEqual && slices.Contains(u.Columns, name) }) {
		return c.Aside
	}
	return "NULL"
}
