package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// planner makes a plan, in a transaction that only reads.
type planner struct {
	client *Client
	tx     chronodriver.Tx
	engine restorer
	opts   RestoreOpts
	until  lifeUntil
	kind   RestoreKind
	tables map[Table]*restoreTable
	// order are the tables as they came.
	order []*restoreTable
	// same is what is known to be equal, by comparison.
	same     map[string]sameness
	problems []RestoreProblem
}

// restoreRecord is a record that a plan is about.
type restoreRecord struct {
	key string // the present one, or the last, as history has it
	// reverted are the changes that are to be undone, with the first and the last
	// of them; nil for a restore, which undoes all since a point.
	reverted    map[int64]bool
	first, last int64
	lastVersion int

	// target is the change that made the state that is brought back; nil when there
	// was no record, or, unless it is recorded, when that is not known.
	target   *Change
	recorded bool
	// paired says that the target was found by the key.
	paired  bool
	later   []*Change
	exists  bool
	version *int
	present Data
	misfits []string
	order   int
}

// table returns what is known of a table.
func (p *planner) table(ctx context.Context, name Table) (*restoreTable, error) {
	info, err := p.client.reader.load(ctx, p.tx, name)
	if err != nil {
		return nil, err
	}
	if t := p.tables[info.table]; t != nil {
		return t, nil
	}
	if len(info.columns) == 0 {
		return nil, fmt.Errorf("%w: %s is gone", ErrNotTracked, info.table)
	}
	t := &restoreTable{info: info, byKey: map[string]*restoreRecord{}}
	if err := p.engine.describe(ctx, p.tx, t); err != nil {
		return nil, err
	}
	p.tables[info.table] = t
	p.order = append(p.order, t)
	return t, nil
}

// record returns the record of a key, a new one if there was none.
func (t *restoreTable) record(key string) *restoreRecord {
	if r := t.byKey[key]; r != nil {
		return r
	}
	r := &restoreRecord{key: key, order: len(t.records)}
	t.byKey[key] = r
	t.records = append(t.records, r)
	return r
}

// text is a key as history has it, the same for the same key.
func (p *planner) text(ctx context.Context, t *restoreTable, key Key) (string, error) {
	if t.info.sqlite == nil {
		return key.canonical()
	}
	return p.client.reader.normalizeKey(ctx, p.tx, t.info, key)
}

// canonical is text for a key that the database wrote.
func (p *planner) canonical(t *restoreTable, text string) (string, error) {
	if t.info.sqlite != nil {
		return text, nil
	}
	var key Key
	if err := json.Unmarshal([]byte(text), &key); err != nil {
		return "", errors.New("malformed key in history")
	}
	return key.canonical()
}

// addTargets adds the records of a restore.
func (p *planner) addTargets(ctx context.Context, t *restoreTable, keys []Key, target RestoreTarget) error {
	p.kind = RestoreKindRestore
	p.until = lifeUntil{point: target.point, version: target.version}
	if target.version == nil {
		if target.point.IsZero() {
			return errors.New("neither a point nor a version is given")
		}
		if err := target.point.check(); err != nil {
			return err
		}
		if err := p.settle(ctx); err != nil {
			return err
		}
		if err := p.except(ctx); err != nil {
			return err
		}
	}
	if keys == nil {
		return p.addChanged(ctx, t)
	}
	for _, key := range keys {
		text, err := p.client.reader.normalizeKey(ctx, p.tx, t.info, key)
		if err != nil {
			return err
		}
		if text, err = p.canonical(t, text); err != nil {
			return err
		}
		t.record(text)
	}
	return nil
}

// settle makes the point a time.
func (p *planner) settle(ctx context.Context) error {
	if p.until.point.snapshot != "" {
		return fmt.Errorf("a snapshot as the target: %w", errors.ErrUnsupported)
	}
	if p.until.point.transaction == 0 {
		return nil
	}
	sql, args := p.engine.transactionEnd(p.until.point.transaction)
	var changed any
	found, err := queryOne(ctx, p.tx, []any{&changed}, sql, args...)
	if err != nil {
		return err
	}
	at, ok := changed.(time.Time)
	if !ok {
		text, isText := changed.(string)
		at, err = time.Parse(time.RFC3339Nano, text)
		ok = isText && err == nil
	}
	if !found || !ok {
		return fmt.Errorf("transaction %d: %w", p.until.point.transaction, ErrNotRecorded)
	}
	p.until.point = At(at)
	return nil
}

// except finds the transactions that the point does not see although they had
// written by then: what [AsOf] does not show is not brought back either.
func (p *planner) except(ctx context.Context) error {
	sql, args := p.engine.straddling(p.until.point)
	if sql == "" {
		return nil
	}
	var id string
	return p.each(ctx, []any{&id, &p.until.exceptedFrom}, func() error {
		p.until.excepted = append(p.until.excepted, id)
		return nil
	}, sql, args...)
}

// addChanged adds the records of a table that have changed since the point.
func (p *planner) addChanged(ctx context.Context, t *restoreTable) error {
	if p.until.version != nil {
		return fmt.Errorf("%w: all records have no version in common, give keys", ErrKey)
	}
	t.all = true
	at := p.until.point.at.Truncate(time.Microsecond)
	if t.info.sqlite != nil {
		at = at.Truncate(time.Millisecond).Add(time.Millisecond - time.Microsecond)
	}
	transactions := map[uint64]bool{}
	for _, text := range p.until.excepted {
		if id, err := strconv.ParseUint(text, 10, 64); err == nil {
			transactions[id] = true
		}
	}
	o := &ActivityOpts{Table: t.info.table, Since: at.Add(time.Microsecond), OldestFirst: true, Limit: -1}
	for change, err := range p.client.With(p.tx).ActivityAll(ctx, o) {
		if err != nil {
			return err
		}
		if len(change.Key) == 0 {
			continue
		}
		text, err := p.text(ctx, t, change.Key)
		if err != nil {
			return err
		}
		t.record(text)
		if change.PreviousKey != nil {
			if text, err = p.text(ctx, t, change.PreviousKey); err != nil {
				return err
			}
			t.record(text)
		}
		if change.TransactionID != 0 {
			transactions[change.TransactionID] = true
		}
	}
	return p.addStraddlers(ctx, t, transactions)
}

// addStraddlers adds what transactions that ended after the point had changed
// before it.
func (p *planner) addStraddlers(ctx context.Context, t *restoreTable, transactions map[uint64]bool) error {
	if len(transactions) == 0 {
		return nil
	}
	var ids []string
	for id := range transactions {
		ids = append(ids, strconv.FormatUint(id, 10))
	}
	encoded, _ := json.Marshal(ids) // texts
	sql, err := p.engine.straddlers(t)
	if err != nil {
		return err
	}
	var key string
	return p.each(ctx, []any{&key}, func() error {
		text, err := p.canonical(t, key)
		if err == nil {
			t.record(text)
		}
		return err
	}, sql, string(encoded), p.engine.time(p.until.point))
}

// each calls back for each row of a query.
func (p *planner) each(ctx context.Context, dest []any, visit func() error, sql string, args ...any) (err error) {
	return eachRow(ctx, p.tx, dest, visit, sql, args...)
}

func eachRow(ctx context.Context, q chronodriver.Queryer, dest []any, visit func() error, sql string, args ...any) (err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if err := visit(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// read reads everything that is to be known of a table's records.
func (p *planner) read(ctx context.Context, t *restoreTable) error {
	if p.until.before {
		if err := p.follow(ctx, t, t.records); err != nil {
			return err
		}
	}
	if err := p.readLives(ctx, t, t.records); err != nil {
		return err
	}
	if err := p.readPresent(ctx, t, t.records); err != nil {
		return err
	}
	if p.until.before {
		return nil
	}
	if t.all {
		return p.pair(ctx, t)
	}
	// A key that is not there may have been given up for another one.
	var moved []*restoreRecord
	for _, r := range t.records {
		if last := r.newest(); !r.exists && last != nil && !last.Operation.Gone() {
			r.last, r.lastVersion = last.ID, last.Version
			moved = append(moved, r)
		}
	}
	if len(moved) == 0 {
		return nil
	}
	if err := p.follow(ctx, t, moved); err != nil {
		return err
	}
	moved = slices.DeleteFunc(moved, func(r *restoreRecord) bool { return r.exists || !slices.Contains(t.records, r) })
	for _, r := range moved {
		r.target, r.later = nil, nil
	}
	if err := p.readLives(ctx, t, moved); err != nil {
		return err
	}
	return p.readPresent(ctx, t, moved)
}

func (r *restoreRecord) newest() *Change {
	if len(r.later) > 0 {
		return r.later[len(r.later)-1]
	}
	return r.target
}

// follow finds the keys under which records went on, and merges those that turn
// out to be the same.
func (p *planner) follow(ctx context.Context, t *restoreTable, records []*restoreRecord) error {
	moved, err := p.departed(ctx, t, records)
	if err == nil && moved {
		t.merge()
	}
	return err
}

// departed gives records the keys under which they went on, and reports whether any
// did.
func (p *planner) departed(ctx context.Context, t *restoreTable, records []*restoreRecord) (moved bool, err error) {
	sql, more, err := p.engine.departures(t)
	if err != nil {
		return false, err
	}
	open := records
	const longest = 10000 // changes of one record's key, so that a defect cannot make it endless
	for range longest {
		if len(open) == 0 {
			break
		}
		args := make([]restoreArg, len(open))
		for n, r := range open {
			args[n] = restoreArg{N: n, Key: r.key, After: r.last, Version: r.lastVersion}
		}
		var next []*restoreRecord
		var n, version int
		var id int64
		var key string
		err := p.each(ctx, []any{&n, &id, &version, &key}, func() error {
			text, err := p.canonical(t, key)
			r := open[n]
			r.key, r.last, r.lastVersion, moved = text, id, version, true
			next = append(next, r)
			return err
		}, sql, append([]any{encodeArgs(args)}, more...)...)
		if err != nil {
			return moved, err
		}
		open = next
	}
	return moved, nil
}

// merge makes one of records that have the same key by now.
func (t *restoreTable) merge() {
	all := t.records
	t.records, t.byKey = nil, map[string]*restoreRecord{}
	for _, r := range all {
		known := t.byKey[r.key]
		if known == nil {
			t.byKey[r.key] = r
			t.records = append(t.records, r)
			continue
		}
		for id := range r.reverted {
			known.reverted[id] = true
		}
		known.first, known.last = min(known.first, r.first), max(known.last, r.last)
	}
}

// restoreBatch is how many records one query reads. The server does not know how
// many there are in its argument, and plans for few: many would take the square of
// the time.
const restoreBatch = 2000

// inBatches calls back with some records at a time.
func inBatches(records []*restoreRecord, read func([]*restoreRecord) error) error {
	for batch := range slices.Chunk(records, restoreBatch) {
		if err := read(batch); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) readLives(ctx context.Context, t *restoreTable, records []*restoreRecord) error {
	return inBatches(records, func(batch []*restoreRecord) error { return p.readSomeLives(ctx, t, batch) })
}

func (p *planner) readSomeLives(ctx context.Context, t *restoreTable, records []*restoreRecord) error {
	args := make([]restoreArg, len(records))
	for n, r := range records {
		args[n] = restoreArg{N: n, Key: r.key, Before: r.first}
	}
	sql, more, err := p.engine.lives(t, p.until)
	if err != nil {
		return err
	}
	var n int
	var isTarget bool
	return p.changes(ctx, t, []any{&n, &isTarget}, func(c *Change) {
		if isTarget {
			records[n].target = c
		} else {
			records[n].later = append(records[n].later, c)
		}
	}, sql, append([]any{encodeArgs(args)}, more...)...)
}

// changes calls back for each change that a query selects after other columns.
func (p *planner) changes(ctx context.Context, t *restoreTable, first []any, visit func(*Change), sql string, args ...any) error {
	rows, err := p.tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		c := &Change{}
		dest, finish := p.client.reader.scanChange(c, false)
		if err := rows.Scan(slices.Concat(first, dest)...); err != nil {
			return err
		}
		if err := finish(); err != nil {
			return err
		}
		for _, name := range t.info.hidden {
			delete(c.Data, name)
		}
		visit(c)
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (p *planner) readPresent(ctx context.Context, t *restoreTable, records []*restoreRecord) error {
	return inBatches(records, func(batch []*restoreRecord) error { return p.readSomePresent(ctx, t, batch) })
}

func (p *planner) readSomePresent(ctx context.Context, t *restoreTable, records []*restoreRecord) error {
	args := make([]restoreArg, len(records))
	for n, r := range records {
		args[n] = restoreArg{N: n, Key: r.key}
	}
	sql, err := p.engine.present(t, false)
	if err != nil {
		return err
	}
	var n int
	var version *int
	var image string
	return p.each(ctx, []any{&n, &version, &image}, func() error {
		r := records[n]
		r.exists, r.version = true, version
		version = nil
		return decodeJSON(image, &r.present)
	}, sql, encodeArgs(args))
}

// readMisfits finds recorded values that the columns do not take.
func (p *planner) readMisfits(ctx context.Context, t *restoreTable) error {
	sql, err := p.engine.misfits(t)
	if err != nil || sql == "" {
		return err
	}
	var args []restoreArg
	for n, r := range t.records {
		if r.target != nil {
			args = append(args, restoreArg{N: n, Key: r.key, ID: r.target.ID})
		}
	}
	if len(args) == 0 {
		return nil
	}
	var n int
	var list string
	return p.each(ctx, []any{&n, &list}, func() error {
		for index := range strings.SplitSeq(list, ",") {
			if i, err := strconv.Atoi(index); err == nil && i < len(t.info.columns) {
				t.records[n].misfits = append(t.records[n].misfits, t.info.columns[i])
			}
		}
		return nil
	}, sql, encodeArgs(args))
}
