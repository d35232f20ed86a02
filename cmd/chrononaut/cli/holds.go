package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
)

func (a *app) holdsCommand() *cobra.Command {
	var all bool
	var limit int
	cmd := &cobra.Command{
		Use:   "holds [TABLE [KEY]]",
		Short: "List what is held, by whom, since when and why",
		Long: `Holds lists the holds that are in force, the newest first: of all tables, of one
table, or those that hold one record: those of the whole table too. With --all also
those that were released, with who released them, when and why.

An empty list is no error. In JSON it is an object with all of them.`,
		Example: `  chrononaut holds
  chrononaut holds todos 42
  chrononaut holds --all --json`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 0 {
				return usagef("", "--limit must not be negative")
			}
			return a.holds(cmd.Context(), args, &chrononaut.HoldsOpts{All: all, Limit: limit})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that were released")
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "the greatest number of holds; 0 is no limit")
	return cmd
}

func (a *app) holds(ctx context.Context, args []string, opts *chrononaut.HoldsOpts) error {
	limit := opts.Limit
	// One more, to know whether there are more.
	opts.Limit = -1
	if limit > 0 {
		opts.Limit = limit + 1
	}
	name, err := optionalTable(args)
	if err != nil {
		return err
	}
	return a.withDatabase(ctx, false, func(db *database) error {
		if opts.Table, opts.Key, err = db.optionalRecord(ctx, name, args); err != nil {
			return err
		}
		holds, err := db.client.Holds(ctx, opts)
		if err != nil {
			return err
		}
		more := limit > 0 && len(holds) > limit
		if more {
			holds = holds[:limit]
		}
		if err := a.out.holds(a, holds); err != nil {
			return err
		}
		switch {
		case more:
			a.out.remark("there are more: --limit 0 shows all")
		case len(holds) == 0:
			a.out.remark("no holds")
		}
		return nil
	})
}

// optionalTable reads the first of the arguments [TABLE [KEY]].
func optionalTable(args []string) (chrononaut.Table, error) {
	if len(args) == 0 {
		return chrononaut.Table{}, nil
	}
	return parseTable(args[0])
}

// optionalRecord finds what the arguments [TABLE [KEY]] name.
func (db *database) optionalRecord(ctx context.Context, name chrononaut.Table, args []string) (chrononaut.Table, chrononaut.Key, error) {
	if len(args) == 0 {
		return name, nil, nil
	}
	table, keys, err := db.keys(ctx, name, args[1:])
	if err != nil || len(keys) == 0 {
		return table, nil, err
	}
	return table, keys[0], nil
}

// parseNumber reads the number of a hold or a lease.
func parseNumber(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && n <= 0 {
		err = errors.New("it is not positive")
	}
	return n, err
}

func (p *printer) holds(a *app, holds []chrononaut.Hold) error {
	if a.json {
		shape := holdsJSON{Holds: make([]holdJSON, len(holds))}
		for i := range holds {
			shape.Holds[i] = newHoldJSON(&holds[i])
		}
		return p.json(shape)
	}
	if len(holds) == 0 {
		return nil
	}
	rows := make([][]cell, len(holds))
	for i := range holds {
		h := &holds[i]
		rows[i] = []cell{
			{strconv.FormatInt(h.ID, 10), plain},
			{p.second(h.Placed), moment},
			{clean(h.Actor), strong},
			{p.tableName(h.Table), plain},
			{clean(heldKeys(h)), plain},
			{clean(relationsText(h.Children)), faint},
			{clean(h.Reason), plain},
			{clean(p.holdState(h)), faint},
		}
	}
	headers := []string{"ID", "SINCE", "ACTOR", "TABLE", "KEYS", "CHILDREN", "REASON", "STATE"}
	if !p.tty {
		return p.table(headers, rows)
	}
	// On a terminal, what is long has lines of its own.
	const short = 5
	heads := make([][]cell, len(rows))
	for i, row := range rows {
		heads[i] = row[:short:short]
	}
	for i, line := range p.lines(headers[:short], heads) {
		p.line("%s", line)
		if i == 0 {
			continue
		}
		for _, c := range rows[i-1][short:] {
			if c.text != "" {
				p.line("    %s", p.paint(c.tone, c.text))
			}
		}
	}
	return nil
}

// holdState says what else there is to know of a hold: nothing of one that is
// in force and that anybody may release.
func (p *printer) holdState(h *chrononaut.Hold) string {
	switch {
	case h.Released != nil && h.Requested != nil:
		return "released " + p.approval(h.Released) + "; asked for " + p.approval(h.Requested)
	case h.Released != nil:
		return "released " + p.approval(h.Released)
	case h.Requested != nil:
		return "release asked for " + p.approval(h.Requested)
	case h.TwoPeople:
		return "two people release it"
	}
	return ""
}

func (p *printer) approval(by *chrononaut.Approval) string {
	return fmt.Sprintf("by %s at %s: %s", person(by.Actor, by.DatabaseUser), p.second(by.At), by.Rationale)
}

// person is who did something: the actor, or where none is known the role that
// was logged in.
func person(actor, databaseUser string) string {
	switch {
	case actor != "":
		return actor
	case databaseUser != "":
		return databaseUser
	}
	return "nobody that is known"
}

// holdText is what a hold is about, in one line.
func holdText(h *chrononaut.Hold) string {
	text := h.Table.String() + " " + heldKeys(h)
	if len(h.Children) > 0 {
		text += ", with " + relationsText(h.Children)
	}
	return text
}

// heldKeys are the keys of a hold: the first of many.
func heldKeys(h *chrononaut.Hold) string {
	if h.Keys == nil {
		if h.AllowInsert {
			return "(whole table, but for insertions)"
		}
		return "(whole table)"
	}
	const most = 10
	var texts []string
	for n, key := range h.Keys {
		if n == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(h.Keys)-most))
			break
		}
		texts = append(texts, formatKey(key))
	}
	return strings.Join(texts, " ")
}

// relationsText writes relations as --child reads them.
func relationsText(relations []chrononaut.Relation) string {
	var texts []string
	for i := range relations {
		texts = append(texts, relationTexts(&relations[i])...)
	}
	return strings.Join(texts, " ")
}

func relationTexts(r *chrononaut.Relation) []string {
	text := r.Table.String()
	for n, child := range slices.Sorted(maps.Keys(r.Columns)) {
		separator := ","
		if n == 0 {
			separator = ":"
		}
		text += separator + quoteColumn(child) + "=" + quoteColumn(r.Columns[child])
	}
	if len(r.Children) == 0 {
		return []string{text}
	}
	var texts []string
	for i := range r.Children {
		for _, below := range relationTexts(&r.Children[i]) {
			texts = append(texts, text+">"+below)
		}
	}
	return texts
}

type holdsJSON struct {
	Holds []holdJSON `json:"holds"`
}

type holdJSON struct {
	ID           int64            `json:"id"`
	Table        tableJSON        `json:"table"`
	Keys         []chrononaut.Key `json:"keys"`
	Children     []relationJSON   `json:"children"`
	Reason       string           `json:"reason"`
	Actor        *string          `json:"actor"`
	DatabaseUser *string          `json:"database_user"`
	Placed       time.Time        `json:"placed"`
	TwoPeople    bool             `json:"two_people"`
	AllowInsert  bool             `json:"allow_insert"`
	Requested    *approvalJSON    `json:"requested"`
	Released     *approvalJSON    `json:"released"`
}

type relationJSON struct {
	Table    tableJSON         `json:"table"`
	Columns  map[string]string `json:"columns"`
	Children []relationJSON    `json:"children"`
}

type approvalJSON struct {
	Actor        *string   `json:"actor"`
	DatabaseUser *string   `json:"database_user"`
	At           time.Time `json:"at"`
	Rationale    string    `json:"rationale"`
}

func newHoldJSON(h *chrononaut.Hold) holdJSON {
	return holdJSON{
		ID: h.ID, Table: newTableJSON(h.Table), Keys: h.Keys, Children: newRelationsJSON(h.Children),
		Reason: h.Reason, Actor: orNull(h.Actor), DatabaseUser: orNull(h.DatabaseUser), Placed: h.Placed.UTC(),
		TwoPeople: h.TwoPeople, AllowInsert: h.AllowInsert,
		Requested: newApprovalJSON(h.Requested), Released: newApprovalJSON(h.Released),
	}
}

func newRelationsJSON(relations []chrononaut.Relation) []relationJSON {
	shape := make([]relationJSON, len(relations))
	for i, r := range relations {
		shape[i] = relationJSON{newTableJSON(r.Table), r.Columns, newRelationsJSON(r.Children)}
	}
	return shape
}

func newApprovalJSON(by *chrononaut.Approval) *approvalJSON {
	if by == nil {
		return nil
	}
	return &approvalJSON{orNull(by.Actor), orNull(by.DatabaseUser), by.At.UTC(), by.Rationale}
}
