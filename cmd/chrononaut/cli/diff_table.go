package cli

import (
	"context"
	"errors"

	"github.com/chrononaut-go/chrononaut"
)

// diffTable lists what became of the records of a table, or of some of them.
func (a *app) diffTable(ctx context.Context, name chrononaut.Table, keyArgs []string, from, to *point, format string) error {
	switch {
	case from == nil:
		return usagef("give the earlier time: --from -1d", "diff of several records: --from is missing")
	case from.version != nil, to != nil && to.version != nil:
		return usagef("versions are those of one record: give its KEY, or times.", "diff of several records: --from and --to must be times")
	}
	return a.withDatabase(ctx, false, func(db *database) error {
		entry, exists, err := db.requireTracked(ctx, name)
		if err != nil {
			return err
		}
		opts := &chrononaut.DiffAllOpts{}
		for _, arg := range keyArgs {
			key, err := db.key(ctx, entry, exists, arg)
			if err != nil {
				return err
			}
			opts.Keys = append(opts.Keys, key)
		}
		start, err := db.time(ctx, from.at)
		if err != nil {
			return err
		}
		end := &when{relative: true}
		if to != nil {
			end = to.at
		}
		until, err := db.time(ctx, end)
		if err != nil {
			return err
		}
		found := false
		history := chrononaut.NewHistory[struct{}](db.client, entry.Table, nil)
		for r, err := range history.DiffAll(ctx, start, until, opts) {
			if err != nil {
				return explainTableDiff(entry.KeyColumns, err)
			}
			found = true
			if !a.json {
				a.out.recordDiff(format, &r, entry.Table)
			} else if err := a.out.json(newRecordDiffJSON(&r, entry.Table)); err != nil {
				return err
			}
		}
		if !found {
			a.out.remark("no difference")
		}
		return nil
	})
}

func explainTableDiff(keyColumns []string, err error) error {
	switch {
	case errors.Is(err, chrononaut.ErrOrder):
		return usagef("give the earlier time to --from, the later one to --to.", "%v", err)
	case errors.Is(err, chrononaut.ErrKey):
		return hinted(err, keyHint(keyColumns))
	case errors.Is(err, chrononaut.ErrNotRecorded):
		return &noError{err: err, reason: "not_recorded", try: "--to must be a time at which the table was tracked."}
	}
	return err
}

// recordDiffJSON is what became of one record of a table.
type recordDiffJSON struct {
	Kind        chrononaut.DiffKind `json:"kind"`
	Table       tableJSON           `json:"table"`
	Key         chrononaut.Key      `json:"key"`
	PreviousKey chrononaut.Key      `json:"previous_key"`
	From        *changeJSON         `json:"from"`
	To          *changeJSON         `json:"to"`
	Diff        []columnPathsJSON   `json:"diff"`
}

func newRecordDiffJSON(r *chrononaut.RecordDiff, table chrononaut.Table) recordDiffJSON {
	shape := recordDiffJSON{
		Kind: r.Kind, Table: newTableJSON(table), Key: r.Key, PreviousKey: r.PreviousKey, Diff: newColumnPathsJSON(r.Columns),
	}
	if r.From != nil {
		from := newChangeJSON(r.From)
		shape.From = &from
	}
	if r.To != nil {
		to := newChangeJSON(r.To)
		shape.To = &to
	}
	return shape
}

// recordDiff prints what became of one record: in a line, or as the diff of one.
func (p *printer) recordDiff(format string, r *chrononaut.RecordDiff, table chrononaut.Table) {
	now, before := formatKey(r.Key), formatKey(r.Key)
	if r.PreviousKey != nil {
		before = formatKey(r.PreviousKey)
	}
	if format != formatTable {
		absent := didNotExist
		if r.Kind == chrononaut.DiffNotRecorded {
			absent = "not recorded"
		}
		p.differences(format, p.diffEnd(table.String()+" "+before, r.From, absent), p.diffEnd(table.String()+" "+now, r.To, didNotExist), r.Columns)
		return
	}
	tones := map[chrononaut.DiffKind]tone{
		chrononaut.DiffInserted: good, chrononaut.DiffDeleted: bad, chrononaut.DiffChanged: changed, chrononaut.DiffNotRecorded: faint,
	}
	line := p.paint(tones[r.Kind], string(r.Kind)) + " "
	if before != now {
		line += clean(before) + " → "
	}
	line += p.paint(strong, clean(now))
	if text := p.summary(r.Columns, r.Key); text != "" && r.Kind != chrononaut.DiffDeleted {
		line += "  " + text
	}
	p.line("%s", line)
}
