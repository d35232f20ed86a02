package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
)

func (a *app) blameCommand() *cobra.Command {
	var at string
	var version int
	cmd := &cobra.Command{
		Use:   "blame TABLE KEY",
		Short: "Show since when a record has its values, by whom and why",
		Long: `Blame prints each column of a record with its value and the change that gave it
that value: version, time, actor, operation and rationale. A value that was
changed and changed back counts from when it was changed back; a baseline found
the value there, so that it is older.

A hidden column has no value in history: its last change is shown, and nothing
when none was recorded. Untracked columns are left out. It exits with 1 when the
record did not exist then or history cannot say what it was.`,
		Example: `  chrononaut blame todos 42
  chrononaut blame todos 42 --version 3
  chrononaut blame todos 42 --at '2026-11-24 09:30' --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := parseTable(args[0])
			if err != nil {
				return err
			}
			p, err := a.pointFlags(cmd, at, version)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return a.withRecord(ctx, name, args[1], func(r *record) error {
				opts := &chrononaut.BlameOpts{Version: p.version}
				if p.version == nil {
					if err := r.ask(ctx, p.at); err != nil {
						return err
					}
					opts.At = r.at
				}
				b, err := r.history.Blame(ctx, r.key, opts)
				if err != nil {
					return r.explain(ctx, err)
				}
				if a.json {
					return a.out.json(newBlameJSON(b))
				}
				return a.out.blame(b)
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "the state at this time (default: now)")
	cmd.Flags().IntVar(&version, "version", 0, "the state with this version")
	return cmd
}

type blameJSON struct {
	Table   tableJSON         `json:"table"`
	Key     chrononaut.Key    `json:"key"`
	Version int               `json:"version"`
	Columns []columnBlameJSON `json:"columns"`
}

// columnBlameJSON is a column with its value, which a hidden one has not, and
// the change that it comes from.
type columnBlameJSON struct {
	Column string          `json:"column"`
	Value  json.RawMessage `json:"value,omitempty"`
	Hidden bool            `json:"hidden"`
	Since  *sinceJSON      `json:"since"`
}

type sinceJSON struct {
	ID            int64     `json:"id"`
	Version       int       `json:"version"`
	Operation     *string   `json:"operation"`
	Changed       time.Time `json:"changed"`
	Actor         *string   `json:"actor"`
	Rationale     *string   `json:"rationale"`
	TransactionID *uint64   `json:"transaction_id"`
}

func newBlameJSON(b *chrononaut.Blame) blameJSON {
	shape := blameJSON{Table: newTableJSON(b.State.Table), Key: b.State.Key, Version: b.State.Version, Columns: []columnBlameJSON{}}
	for _, c := range b.Columns {
		column := columnBlameJSON{Column: c.Column, Value: c.Value, Hidden: c.Hidden}
		if s := c.Since; s != nil {
			column.Since = &sinceJSON{
				ID: s.ID, Version: s.Version, Operation: orNull(string(s.Operation)), Changed: s.Changed.UTC(),
				Actor: orNull(s.Actor), Rationale: orNull(s.Rationale), TransactionID: orNull(s.TransactionID),
			}
		}
		shape.Columns = append(shape.Columns, column)
	}
	return shape
}

// blame prints the columns of a record, those of the key first.
func (p *printer) blame(b *chrononaut.Blame) error {
	p.line("%s  %s", p.paint(strong, clean(b.State.Table.String()+" "+formatKey(b.State.Key))), fmt.Sprintf("version %d", b.State.Version))
	p.line("")
	order := keyFirst(b.State.Key)
	columns := slices.SortedFunc(slices.Values(b.Columns), func(x, y chrononaut.ColumnBlame) int { return order(x.Column, y.Column) })
	var rows [][]cell
	for _, c := range columns {
		row := make([]cell, 7)
		row[0].text = clean(quoteColumn(c.Column))
		row[1].text = raw(c.Value)
		if c.Hidden {
			row[1] = cell{"(hidden)", faint}
		}
		if s := c.Since; s != nil {
			row[2] = cell{p.second(s.Changed), moment}
			row[3].text = strconv.Itoa(s.Version)
			row[4] = cell{clean(s.Actor), strong}
			row[5] = cell{string(s.Operation), operationTone(s.Operation)}
			row[6].text = clean(s.Rationale)
		}
		rows = append(rows, row)
	}
	return p.table([]string{"COLUMN", "VALUE", "SINCE", "VERSION", "ACTOR", "OPERATION", "RATIONALE"}, rows)
}
