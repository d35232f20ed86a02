package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

func (a *app) showCommand() *cobra.Command {
	var at string
	var version int
	cmd := &cobra.Command{
		Use:   "show TABLE KEY",
		Short: "Show a record as it is or was",
		Long: `Show prints the state of a record and the change that made it: as it is now, as
it was at a time (--at), or with a version (--version). Hidden and untracked
columns are not in it. A version that is a deletion shows the last state. As the
record is now, it also says who holds or leases it, and why.

It exits with 1 when the record did not exist then, when it has no such version,
or when history cannot say, because the time lies before tracking began. The
versions of a record are what chrononaut log TABLE KEY lists.`,
		Example: `  chrononaut show todos 42
  chrononaut show todos 42 --at '2026-11-24 09:30'
  chrononaut show todos 42 --at -2h --json
  chrononaut show order_lines order_id=7,line=2 --version 3`,
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
				s, err := r.state(ctx, p)
				if err != nil {
					return r.explain(ctx, err)
				}
				var now locks
				if p.present() {
					if now, err = r.locks(ctx); err != nil {
						return err
					}
				}
				if a.json {
					return a.out.json(newStateJSON(&s.Change, now))
				}
				return a.out.state(&s.Change, now)
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "the state at this time")
	cmd.Flags().IntVar(&version, "version", 0, "the state with this version")
	return cmd
}

// record is a record in the history of a database.
type record struct {
	db      *database
	entry   *chronomigrate.TrackedTable
	history *chrononaut.History[struct{}]
	key     chrononaut.Key
	args    string // TABLE KEY as a shell reads it
	exists  bool   // the table does
	out     *printer
	// at is the time that was last asked about.
	at time.Time
}

// withRecord opens the database and runs f for a record of a table.
func (a *app) withRecord(ctx context.Context, name chrononaut.Table, keyArg string, f func(*record) error) error {
	return a.withDatabase(ctx, false, func(db *database) error {
		entry, exists, err := db.requireTracked(ctx, name)
		if err != nil {
			return err
		}
		key, err := db.key(ctx, entry, exists, keyArg)
		if err != nil {
			return err
		}
		return f(&record{
			db: db, entry: entry, key: key, history: chrononaut.NewHistory[struct{}](db.client, entry.Table, nil),
			args: shellArg(entry.Table.String()) + " " + shellArg(keyArg), exists: exists, out: a.out,
		})
	})
}

// point is a point in the life of a record: a version, a time, or now.
type point struct {
	version *int
	at      *when
}

// pointFlags reads the flags --at and --version.
func (a *app) pointFlags(cmd *cobra.Command, at string, version int) (*point, error) {
	byVersion := cmd.Flags().Changed("version")
	switch {
	case version < 0:
		return nil, usagef("", "--version must not be negative")
	case at != "" && byVersion:
		return nil, usagef("", "give --at or --version, not both")
	}
	moment, err := a.parseTimeFlag("at", at)
	if err != nil {
		return nil, err
	}
	p := &point{at: moment}
	if byVersion {
		p.version = &version
	}
	return p, nil
}

func (p *point) present() bool { return p.version == nil && p.at == nil }

func (r *record) state(ctx context.Context, p *point) (*chrononaut.Snapshot[struct{}], error) {
	if p.version != nil {
		return r.history.Version(ctx, r.key, *p.version)
	}
	if err := r.ask(ctx, p.at); err != nil {
		return nil, err
	}
	return r.history.At(ctx, r.key, r.at)
}

// ask notes the time that is asked about, now when w is nil. Of the future nothing is
// known.
func (r *record) ask(ctx context.Context, w *when) (err error) {
	if w == nil {
		w = &when{relative: true}
	}
	if r.at, err = r.db.time(ctx, w); err != nil || w.relative {
		return err
	}
	now, err := r.db.now(ctx)
	if err == nil && r.at.After(now) {
		err = usagef("a time that has been, or now.", "%s is in the future", r.out.time(r.at))
	}
	return err
}

// holdsOf are those of a record. A role that may read history need not be allowed
// to read them; to that one there are none.
func (db *database) holdsOf(ctx context.Context, opts *chrononaut.HoldsOpts) ([]chrononaut.Hold, error) {
	holds, err := db.client.Holds(ctx, opts)
	if chronodriver.State(err) == insufficientPrivilege {
		return nil, nil
	}
	return holds, err
}

// locks are the holds and the lease of a record as it is now.
type locks struct {
	holds []chrononaut.Hold
	lease *chrononaut.Lease
}

func (r *record) locks(ctx context.Context) (l locks, err error) {
	if l.holds, err = r.db.holdsOf(ctx, &chrononaut.HoldsOpts{Table: r.entry.Table, Key: r.key}); err != nil {
		return l, err
	}
	l.lease, err = r.db.client.LeaseOf(ctx, r.entry.Table, r.key)
	if chronodriver.State(err) == insufficientPrivilege {
		return l, nil
	}
	return l, err
}

// explain makes an answer that is no of the errors that mean one.
func (r *record) explain(ctx context.Context, err error) error {
	var deleted *chrononaut.DeletedError
	switch {
	case errors.As(err, &deleted):
		return &noError{err: err, reason: "deleted", try: "chrononaut show " + r.args + " --version " + strconv.Itoa(deleted.Last.Version) + " shows its last state."}
	case errors.Is(err, chrononaut.ErrNotFound):
		last, failed := r.end(ctx, true)
		switch {
		case failed != nil:
			return failed
		case last == nil:
			return noHistory(err, r.entry.Table)
		}
		return &noError{err: err, reason: "not_found", try: "chrononaut log " + r.args + " lists its versions."}
	case errors.Is(err, chrononaut.ErrKey):
		return hinted(err, keyHint(r.entry.KeyColumns))
	case deniedTable(err, r.entry.Table):
		// It is read to find out whether there is such a record at all.
		return noHistory(fmt.Errorf("history of %s: %w, and the role may not read the table to say whether there is one without a history", r.entry.Table, chrononaut.ErrNotFound), r.entry.Table)
	case errors.Is(err, chrononaut.ErrNotRecorded):
		return r.unrecorded(ctx, err)
	}
	return err
}

// stateJSON is the shape of show.
type stateJSON struct {
	changeJSON
	// Holds and Lease are of the record as it is now.
	Holds []holdJSON `json:"holds,omitempty"`
	Lease *leaseJSON `json:"lease,omitempty"`
}

func newStateJSON(c *chrononaut.Change, now locks) stateJSON {
	shape := stateJSON{changeJSON: newChangeJSON(c)}
	for i := range now.holds {
		shape.Holds = append(shape.Holds, newHoldJSON(&now.holds[i]))
	}
	if now.lease != nil {
		lease := newLeaseJSON(now.lease)
		shape.Lease = &lease
	}
	return shape
}

// state prints a change, the state after it, and who holds or leases the record.
func (p *printer) state(c *chrononaut.Change, now locks) error {
	operation := string(c.Operation)
	if operation == "" {
		operation = "unknown" // Python chrononaut does not say.
	}
	version := "version " + strconv.Itoa(c.Version)
	if c.Operation.Gone() {
		version += ", the last state before it was deleted"
	}
	p.line("%s  %s", p.paint(strong, clean(c.Table.String()+" "+formatKey(c.Key))), version)
	rows := [][]cell{
		{{"operation", faint}, {operation, operationTone(c.Operation)}},
		{{"time", faint}, {p.time(c.Changed), plain}},
	}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []cell{{name, faint}, {clean(value), plain}})
		}
	}
	add("actor", c.Actor)
	add("address", c.RemoteAddr)
	add("rationale", c.Rationale)
	if extra := extraInfo(c); len(extra) > 0 {
		text, err := json.Marshal(extra)
		if err != nil {
			return fmt.Errorf("print extra information: %w", err)
		}
		add("extra", string(text))
	}
	if c.PreviousKey != nil {
		add("previous key", formatKey(c.PreviousKey))
	}
	add("hidden columns changed", strings.Join(c.HiddenChanged, ", "))
	if c.TransactionID != 0 {
		add("transaction", strconv.FormatUint(c.TransactionID, 10))
	}
	add("database user", c.DatabaseUser)
	for i := range now.holds {
		h := &now.holds[i]
		add("held", fmt.Sprintf("by %s since %s: %s (hold %d)", person(h.Actor, h.DatabaseUser), p.second(h.Placed), h.Reason, h.ID))
	}
	if l := now.lease; l != nil {
		text := fmt.Sprintf("by %s until %s", person(l.Holder, ""), p.second(l.Expires))
		if l.Rationale != "" {
			text += ": " + l.Rationale
		}
		add("leased", fmt.Sprintf("%s (lease %d)", text, l.ID))
	}
	if err := p.fields(rows); err != nil {
		return err
	}
	p.line("")
	rows = nil
	for _, column := range slices.SortedFunc(maps.Keys(c.Data), keyFirst(c.Key)) {
		rows = append(rows, cells(clean(quoteColumn(column)), value(c.Data, column)))
	}
	return p.table([]string{"COLUMN", "VALUE"}, rows)
}

// extraInfo is extra information without what is printed otherwise.
func extraInfo(c *chrononaut.Change) map[string]any {
	extra := maps.Clone(c.ExtraInfo)
	if c.Rationale != "" {
		delete(extra, "rationale")
	}
	delete(extra, "hidden_cols_changed")
	return extra
}
