package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// diffPage is how many changes [History.DiffAll] reads at once.
const diffPage = 500

// changedRow is a change that was the last of its key, or took a key away, or
// ends a page.
type changedRow struct {
	ends
	id          int64
	isLast      bool
	previousKey string // as history has it
}

// begin finds the changes between the two times, and makes sure that what is
// known of the table is so still.
func (d *tableDiffer) begin(ctx context.Context) error {
	return d.fresh(ctx, func() error {
		selected := *d.info
		selected.postgres = nil
		sql, args, err := d.history.client.reader.changedIDs(&selected, d.from, d.to)
		if err != nil {
			return err
		}
		var stamp *string
		if _, err := queryOne(ctx, d.history.client.queryer, []any{&d.firstID, &d.lastID, &stamp}, sql, args...); err != nil {
			return err
		}
		switch {
		case stamp == nil || *stamp != d.info.stamp:
			return errStale
		case d.info.inGap(time.Time{}, d.to):
			return ErrNotRecorded
		}
		return nil
	})
}

// fresh reads, and reads again when the table has changed since the catalog was
// read.
func (d *tableDiffer) fresh(ctx context.Context, read func() error) error {
	h := d.history
	err := read()
	const attempts = 10
	for i := 1; i < attempts && schemaChanged(err); i++ {
		h.client.forget(h.table, d.info)
		info, loadErr := h.client.table(ctx, h.table)
		if loadErr != nil {
			return errors.Join(err, loadErr)
		}
		d.info = info
		err = read()
	}
	return err
}

// all compares the keys that have changes between the two times. It ends when
// yield returns false.
func (d *tableDiffer) all(ctx context.Context, yield func(*RecordDiff) bool) error {
	switch {
	case len(d.info.python) > 0:
		return fmt.Errorf("%w: history of %s has rows of Python chrononaut, give the keys", errors.ErrUnsupported, d.info.table)
	case len(d.info.aliases.Renames) > 0 || d.info.aliases.After > 0:
		return d.renamedTable(ctx, yield)
	}
	return d.table(ctx, yield)
}

// renamedTable is table for one with older names: the log reads them, and each
// key is looked up by itself.
func (d *tableDiffer) renamedTable(ctx context.Context, yield func(*RecordDiff) bool) error {
	opts := &ActivityOpts{
		Table: d.info.table, Since: d.from.Truncate(time.Microsecond).Add(time.Microsecond), Until: d.to,
		OldestFirst: true, Limit: diffPage,
	}
	for {
		page, err := d.history.client.Activity(ctx, opts)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			found, err := d.change(ctx, &page[i])
			if err != nil {
				return err
			}
			for _, r := range found {
				if !yield(r) {
					return nil
				}
			}
			opts.AfterID = page[i].ID
		}
	}
}

// change compares the keys of a change, where it was the last of one.
func (d *tableDiffer) change(ctx context.Context, c *Change) ([]*RecordDiff, error) {
	if len(c.Key) == 0 {
		return nil, nil // It is about the table.
	}
	row := &changedRow{id: c.ID}
	key, err := d.text(ctx, c.Key)
	if err != nil {
		return nil, err
	}
	e, err := d.read(ctx, key)
	if err != nil {
		return nil, err
	}
	if e != nil && e.last.ID == c.ID {
		row.ends, row.isLast = *e, true
	}
	if c.PreviousKey != nil {
		if row.previousKey, err = d.text(ctx, c.PreviousKey); err != nil {
			return nil, err
		}
	}
	return d.row(ctx, row)
}

// table goes along the log in pages.
func (d *tableDiffer) table(ctx context.Context, yield func(*RecordDiff) bool) error {
	f := changedFilter{from: d.from, to: d.to, afterID: d.firstID - 1, upToID: d.lastID, limit: diffPage}
	for f.afterID < f.upToID {
		page, err := d.page(ctx, f)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, row := range page {
			found, err := d.row(ctx, row)
			if err != nil {
				return err
			}
			for _, r := range found {
				if !yield(r) {
					return nil
				}
			}
			f.afterID = row.id
		}
	}
	return nil
}

// row compares the key of a change, and the one that it took away.
func (d *tableDiffer) row(ctx context.Context, row *changedRow) ([]*RecordDiff, error) {
	var found []*RecordDiff
	if row.previousKey != "" {
		e, err := d.read(ctx, row.previousKey)
		if err != nil {
			return nil, err
		}
		// Else another change of that key was its last.
		if e != nil && e.last.ID == row.id {
			r, err := d.compare(ctx, e)
			if err != nil {
				return nil, err
			}
			if r != nil {
				found = append(found, r)
			}
		}
	}
	if row.isLast {
		r, err := d.compare(ctx, &row.ends)
		if err != nil {
			return nil, err
		}
		if r != nil {
			found = append(found, r)
		}
	}
	return found, nil
}

func (d *tableDiffer) page(ctx context.Context, f changedFilter) (page []*changedRow, err error) {
	err = d.fresh(ctx, func() (err error) {
		page, err = d.rows(ctx, f)
		return err
	})
	return page, err
}

func (d *tableDiffer) rows(ctx context.Context, f changedFilter) (page []*changedRow, err error) {
	// No typed record is read.
	selected := *d.info
	selected.postgres = nil
	sql, args, err := d.history.client.reader.changed(&selected, f)
	if err != nil {
		return nil, err
	}
	rows, err := d.history.client.queryer.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if page, err = d.scan(rows, page); err != nil {
			return nil, err
		}
	}
	return page, rows.Err()
}

// scan reads one end of a key: the earlier one first, if there is one, then the
// later one.
func (d *tableDiffer) scan(rows chronodriver.Rows, page []*changedRow) ([]*changedRow, error) {
	change, row := &Change{}, &changedRow{}
	var stamp *string
	var role int
	var hidden string
	dest, finish := d.history.client.reader.scanChange(change, false)
	dest = append(dest, &stamp, &row.id, &role, &row.isLast, &row.key, &row.previousKey, &row.arrived, &row.departed, &hidden)
	if err := rows.Scan(dest...); err != nil {
		return nil, err
	}
	if stamp == nil || *stamp != d.info.stamp {
		return nil, errStale
	}
	if err := finish(); err != nil {
		return nil, err
	}
	for _, name := range d.info.hidden {
		delete(change.Data, name)
	}
	if n := len(page); n > 0 && page[n-1].id == row.id {
		row = page[n-1]
	} else {
		page = append(page, row)
	}
	const later = 1
	if role != later {
		row.before = change
		return page, nil
	}
	row.last = change
	if err := json.Unmarshal([]byte(hidden), &row.hidden); err != nil {
		return nil, errors.New("read hidden changes: malformed names")
	}
	return page, nil
}
