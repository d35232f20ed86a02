package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
)

func (a *app) diffCommand() *cobra.Command {
	var from, to, format string
	cmd := &cobra.Command{
		Use:   "diff TABLE [KEY...]",
		Short: "Show what became of a record, or of a table, between two points",
		Long: `Diff compares two states of a record, column by column. --from and --to are
versions (3) or times. Without --to it compares with the newest version, without
--from with the version before --to: without both, it shows the last change.

A record that did not exist at --from, or was deleted by --to, has every column
new or gone. So has one that was not recorded yet, because history begins with a
baseline; it says which of the two. A hidden column that changed in between is listed without its
values. It exits with 0 also when there is no difference, and with 1 when the
record has no such version or history cannot say what its state was.

Without KEY, or with several, it lists the records of the table that were
inserted, deleted or changed between two times; --from is needed then, and --to
defaults to now. A record whose key changed is one difference.

--format unified and side-by-side go into JSON documents and arrays and name
places in them as JSON Pointer does (RFC 6901): settings/tags/0.`,
		Example: `  chrononaut diff todos 42
  chrononaut diff todos 42 --from 1 --to 3
  chrononaut diff todos 42 --from '2026-11-23' --to now --json
  chrononaut diff todos 42 --format side-by-side
  chrononaut diff todos --from -1d --format unified`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := parseTable(args[0])
			if err != nil {
				return err
			}
			start, err := a.parsePoint("from", from)
			if err != nil {
				return err
			}
			end, err := a.parsePoint("to", to)
			if err != nil {
				return err
			}
			if format != formatTable && format != formatUnified && format != formatSideBySide {
				return usagef("", "--format %s: it is text, unified or side-by-side", quoteArg(format))
			}
			ctx := cmd.Context()
			if keys := args[1:]; len(keys) != 1 {
				return a.diffTable(ctx, name, keys, start, end, format)
			}
			return a.withRecord(ctx, name, args[1], func(r *record) error {
				d, err := r.diff(ctx, start, end)
				if err != nil {
					return r.explain(ctx, err)
				}
				if a.json {
					return a.out.json(d.shape(r))
				}
				if format == formatTable {
					return a.out.diff(r, d)
				}
				if len(d.columns) == 0 {
					a.out.line("no difference")
					return nil
				}
				name := func(c *chrononaut.Change) string {
					key := r.key
					if c != nil {
						key = c.Key
					}
					return r.entry.Table.String() + " " + formatKey(key)
				}
				a.out.differences(format, a.out.diffEnd(name(d.from), d.from, d.absence()), a.out.diffEnd(name(d.to), d.to, didNotExist), d.columns)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the earlier version or time (default: the version before --to)")
	cmd.Flags().StringVar(&to, "to", "", "the later version or time (default: the newest version)")
	cmd.Flags().StringVar(&format, "format", formatTable, "how a person reads it: text, unified or side-by-side")
	return cmd
}

// parsePoint reads a version or a time; nil for the empty value.
func (a *app) parsePoint(flag, value string) (*point, error) {
	if value == "" {
		return nil, nil
	}
	if strings.Trim(value, "0123456789") == "" {
		version, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return nil, usagef("", "--%s: the version is too great", flag)
		}
		n := int(version)
		return &point{version: &n}, nil
	}
	at, err := a.parseTimeFlag(flag, value)
	if err != nil {
		return nil, err
	}
	return &point{at: at}, nil
}

// difference is what became of a record. The changes are those that made its
// two states; from is nil when the record did not exist, or with unrecorded when
// history does not know, because it begins with to.
type difference struct {
	from, to   *chrononaut.Change
	unrecorded bool
	columns    chrononaut.Diff
}

const didNotExist = "the record did not exist"

// absence says why there is no earlier state.
func (d *difference) absence() string {
	if !d.unrecorded {
		return didNotExist
	}
	text := fmt.Sprintf("not recorded before version %d", d.to.Version)
	if d.to.Operation == chrononaut.OperationBaseline {
		text += " (baseline)"
	}
	return text
}

type differenceJSON struct {
	Table tableJSON      `json:"table"`
	Key   chrononaut.Key `json:"key"`
	From  *changeJSON    `json:"from"`
	// FromReason says why there is no From.
	FromReason string            `json:"from_reason,omitempty"`
	To         *changeJSON       `json:"to"`
	Diff       []columnPathsJSON `json:"diff"`
}

func (d *difference) shape(r *record) differenceJSON {
	shape := differenceJSON{Table: newTableJSON(r.entry.Table), Key: r.key, Diff: newColumnPathsJSON(d.columns)}
	switch {
	case d.from != nil:
		from := newChangeJSON(d.from)
		shape.From = &from
	case d.unrecorded:
		shape.FromReason = "not_recorded"
	default:
		shape.FromReason = "not_found"
	}
	if d.to != nil {
		to := newChangeJSON(d.to)
		shape.To, shape.Key = &to, to.Key
	}
	return shape
}

func (r *record) diff(ctx context.Context, from, to *point) (*difference, error) {
	d := &difference{}
	err := r.ordered(ctx, from, to)
	if err != nil {
		return nil, err
	}
	if to != nil {
		d.to, err = r.change(ctx, to)
	} else {
		d.to, err = r.newest(ctx, nil)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case from != nil:
		d.from, err = r.change(ctx, from)
	case d.to != nil && d.to.Version > 0:
		before := d.to.Version - 1
		d.from, err = r.newest(ctx, &before)
	}
	// The first that is known need not be the first that there was.
	d.unrecorded = from == nil && d.from == nil && d.to != nil && !d.to.Began()
	switch {
	case err != nil:
		return nil, err
	case d.from == nil && d.to == nil:
		return nil, fmt.Errorf("diff of %s: %w", r.entry.Table, chrononaut.ErrNotFound)
	case d.from != nil && d.to != nil && d.from.Version > d.to.Version, d.to == nil:
		return nil, r.backwards()
	}
	d.columns, err = r.compare(ctx, d.from, d.to)
	return d, err
}

func (r *record) backwards() error {
	return usagef("give the earlier version or time to --from, the later one to --to.", "diff of %s: %v", r.entry.Table, chrononaut.ErrOrder)
}

// ordered makes times absolute, and refuses them when they are in the wrong
// order.
func (r *record) ordered(ctx context.Context, from, to *point) error {
	if from == nil || to == nil || from.at == nil || to.at == nil {
		return nil
	}
	for _, p := range []*point{from, to} {
		t, err := r.db.time(ctx, p.at)
		if err != nil {
			return err
		}
		p.at = &when{at: t}
	}
	if from.at.at.After(to.at.at) {
		return r.backwards()
	}
	return nil
}

// change returns the change that made the state at a point; nil when the record
// did not exist yet.
func (r *record) change(ctx context.Context, p *point) (*chrononaut.Change, error) {
	s, err := r.state(ctx, p)
	var deleted *chrononaut.DeletedError
	switch {
	case err == nil:
		return &s.Change, nil
	case errors.As(err, &deleted):
		return &deleted.Last, nil
	case p.version == nil && errors.Is(err, chrononaut.ErrNotFound):
		return nil, nil
	}
	return nil, err
}

// newest returns the newest change, up to a version if one is given; nil when
// there is none.
func (r *record) newest(ctx context.Context, upTo *int) (*chrononaut.Change, error) {
	found, err := r.history.Versions(ctx, r.key, &chrononaut.VersionsOpts{ToVersion: upTo, NewestFirst: true, Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0].Change, nil
}

// compare compares the states that two changes made. As one change, they took
// the record from the one to the other.
func (r *record) compare(ctx context.Context, from, to *chrononaut.Change) (chrononaut.Diff, error) {
	whole := chrononaut.Change{Table: r.entry.Table, Operation: to.Operation, Data: to.Data}
	opts := &chrononaut.VersionsOpts{ToVersion: &to.Version}
	if from != nil {
		next := from.Version + 1
		opts.FromVersion = &next
		if !from.Operation.Gone() {
			whole.Before = from.Data
		}
	}
	if whole.Before == nil && to.Operation.Gone() {
		return chrononaut.Diff{}, nil
	}
	for s, err := range r.history.All(ctx, r.key, opts) {
		if err != nil {
			return nil, err
		}
		whole.HiddenChanged = append(whole.HiddenChanged, s.HiddenChanged...)
	}
	return r.db.client.Diff(ctx, &whole)
}

func (p *printer) diff(r *record, d *difference) error {
	key := r.key
	if d.to != nil {
		key = d.to.Key
	}
	p.line("%s", p.paint(strong, clean(r.entry.Table.String()+" "+formatKey(key))))
	if err := p.fields([][]cell{{{"from", faint}, p.end(d.from, d.absence())}, {{"to", faint}, p.end(d.to, didNotExist)}}); err != nil {
		return err
	}
	p.line("")
	if len(d.columns) == 0 {
		p.line("no difference")
		return nil
	}
	var rows [][]cell
	for _, c := range d.columns {
		row := []cell{{clean(quoteColumn(c.Column)), plain}, {raw(c.From), bad}, {raw(c.To), good}}
		if c.Hidden {
			row[1], row[2] = cell{"(hidden)", faint}, cell{"(hidden)", faint}
		}
		rows = append(rows, row)
	}
	return p.table([]string{"COLUMN", "FROM", "TO"}, rows)
}

// end says which state one end of a diff is; absent where there is none.
func (p *printer) end(c *chrononaut.Change, absent string) cell {
	if c == nil {
		return cell{absent, plain}
	}
	text := fmt.Sprintf("version %d, %s %s", c.Version, c.Operation, p.time(c.Changed))
	if c.Actor != "" {
		text += " by " + c.Actor
	}
	if c.Rationale != "" {
		text += ": " + c.Rationale
	}
	return cell{clean(text), plain}
}
