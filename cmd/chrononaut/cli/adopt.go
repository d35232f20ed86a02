package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// adoptFlags are the flags of adopt.
type adoptFlags struct {
	rows, attributes, enums []string
	timezone                string
	apply                   applyFlags
}

type adoptJSON struct {
	DryRun bool            `json:"dry_run"`
	Steps  []adoptStepJSON `json:"steps"`
	Rows   []adoptRowsJSON `json:"rows"`
}

type adoptStepJSON struct {
	Comment     string `json:"comment"`
	Lock        string `json:"lock"`
	Transaction bool   `json:"transaction"`
	SQL         string `json:"sql"`
}

type adoptRowsJSON struct {
	Name   string      `json:"name"`
	Tables []tableJSON `json:"tables"`
	Notes  []string    `json:"notes"`
}

func (a *app) adoptCommand() *cobra.Command {
	f := &adoptFlags{}
	var w *write
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Take over the history table of Python chrononaut",
		Long: `Adopt makes the table chrononaut_activity of Python chrononaut 0.3 to 0.5 the
history table, as it is, in the schema that it is in: give it with --schema, to
this command and to all others. Rows and indexes stay, and Python may go on
reading and writing. Columns are added without rewriting the table, indexes are
built while it is in use, triggers come last. --dry-run prints the steps and
the lock that each takes. After an interruption, run it again: it goes on.

Then it declares which rows are about which table, and says what it cannot know.
Run it again with the answers; they are added to what is declared:

  --rows NAME=TABLE             rows of this name are about this table
  --attribute TABLE.ATTR=COLUMN an attribute whose column has another name; an
                                empty COLUMN for one that is no column of it
  --enum TABLE.COLUMN=CLASS     the name of each member is the value, as it is
                                by default in SQLAlchemy
  --enum TABLE.COLUMN=CLASS.MEMBER:VALUE,…
  --timezone ZONE               where the Python processes ran: they took
                                timestamps without time zone for local time

Tables are tracked afterwards, keeping their column for the version:
chrononaut track TABLE --version-column version.`,
		Example: `  chrononaut adopt --schema public --dry-run
  chrononaut adopt --schema public
  chrononaut adopt --schema public --attribute todos.due=due_at --enum todos.priority=Priority.HIGH:high,Priority.LOW:low`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			apply, err := a.applyOpts(&f.apply)
			if err != nil {
				return err
			}
			opts := &chronomigrate.AdoptOpts{ApplyOpts: *apply, Timezone: f.timezone}
			if opts.Rows, err = f.declared(); err != nil {
				return err
			}
			if !a.json && !apply.DryRun {
				opts.Progress = func(s chronomigrate.AdoptStep) { a.out.line("%s", strings.ReplaceAll(s.Comment, "\n", " ")) }
			}
			ctx := a.writeContext(cmd.Context(), w)
			return a.withDatabase(ctx, false, func(db *database) error {
				result, err := db.migrator.Adopt(ctx, opts)
				if err != nil {
					return err
				}
				return a.printAdopted(result, apply.DryRun)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.rows, "rows", nil, "whose rows they are: NAME=TABLE")
	flags.StringArrayVar(&f.attributes, "attribute", nil, "an attribute of a model and its column: TABLE.ATTRIBUTE=COLUMN")
	flags.StringArrayVar(&f.enums, "enum", nil, "what members of an enum stand for: TABLE.COLUMN=CLASS or CLASS.MEMBER:VALUE,…")
	flags.StringVar(&f.timezone, "timezone", "", "the time zone in which the Python processes ran (default UTC)")
	f.apply.add(cmd)
	w = a.writeFlags(cmd)
	return cmd
}

// declared puts the flags together, by table; rows without --rows have the
// name of their table.
func (f *adoptFlags) declared() (map[chrononaut.Table][]chronomigrate.PythonRows, error) {
	declared := map[chrononaut.Table][]chronomigrate.PythonRows{}
	for _, flag := range f.rows {
		name, arg, ok := strings.Cut(flag, "=")
		if !ok || name == "" {
			return nil, usagef("", "--rows %s: write NAME=TABLE", flag)
		}
		table, err := parseTable(arg)
		if err != nil {
			return nil, err
		}
		declared[table] = append(declared[table], chronomigrate.PythonRows{Name: name})
	}
	// of calls set for every declaration of the table in an argument TABLE.NAME=VALUE.
	of := func(flag, arg string, set func(rows *chronomigrate.PythonRows, name, value string)) error {
		left, value, ok := strings.Cut(arg, "=")
		dot := strings.LastIndexByte(left, '.')
		if !ok || dot <= 0 || dot == len(left)-1 {
			return usagef("", "--%s %s: write TABLE.NAME=VALUE", flag, arg)
		}
		table, err := parseTable(left[:dot])
		if err != nil {
			return err
		}
		if len(declared[table]) == 0 {
			declared[table] = []chronomigrate.PythonRows{{}}
		}
		for i := range declared[table] {
			set(&declared[table][i], left[dot+1:], value)
		}
		return nil
	}
	for _, arg := range f.attributes {
		err := of("attribute", arg, func(rows *chronomigrate.PythonRows, name, value string) {
			if rows.Attributes == nil {
				rows.Attributes = map[string]string{}
			}
			rows.Attributes[name] = value
		})
		if err != nil {
			return nil, err
		}
	}
	for _, arg := range f.enums {
		var wrong error
		err := of("enum", arg, func(rows *chronomigrate.PythonRows, name, value string) {
			if rows.Enums == nil {
				rows.Enums = map[string]map[string]string{}
			}
			if rows.Enums[name] == nil {
				rows.Enums[name] = map[string]string{}
			}
			for part := range strings.SplitSeq(value, ",") {
				member, is, ok := strings.Cut(part, ":")
				if member == "" || ok != strings.Contains(member, ".") {
					wrong = usagef("", "--enum %s: write TABLE.COLUMN=CLASS, or TABLE.COLUMN=CLASS.MEMBER:VALUE,…", arg)
				}
				rows.Enums[name][member] = is
			}
		})
		if err != nil || wrong != nil {
			return nil, firstError(err, wrong)
		}
	}
	return declared, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printAdopted(result *chronomigrate.AdoptResult, dryRun bool) error {
	if a.json {
		shape := adoptJSON{DryRun: dryRun, Steps: []adoptStepJSON{}, Rows: []adoptRowsJSON{}}
		for _, s := range result.Steps {
			shape.Steps = append(shape.Steps, adoptStepJSON{s.Comment, s.Lock, !s.Alone, s.SQL})
		}
		for _, r := range result.Rows {
			rows := adoptRowsJSON{Name: r.Name, Tables: []tableJSON{}, Notes: append([]string{}, r.Notes...)}
			for _, t := range r.Tables {
				rows.Tables = append(rows.Tables, newTableJSON(t))
			}
			shape.Rows = append(shape.Rows, rows)
		}
		return a.out.json(shape)
	}
	if dryRun {
		for _, s := range result.Steps {
			printAdoptStep(a.out.w, s)
		}
	}
	switch {
	case len(result.Steps) == 0 && len(result.Rows) == 0:
		a.out.line("nothing to adopt: the history table has no rows of Python")
	case len(result.Steps) == 0:
		a.out.line("the table is adopted already")
	}
	for _, r := range result.Rows {
		var tables []string
		for _, t := range r.Tables {
			tables = append(tables, t.String())
		}
		if len(tables) > 0 {
			a.out.line("rows of %s are about %s", r.Name, strings.Join(tables, ", "))
		} else {
			a.out.line("rows of %s:", r.Name)
		}
		for _, note := range r.Notes {
			a.out.line("  %s", note)
		}
	}
	return nil
}

// printAdoptStep prints a step; the many statements that touch nothing of the
// application's are not printed out.
func printAdoptStep(w io.Writer, s chronomigrate.AdoptStep) {
	for line := range strings.SplitSeq(s.Comment, "\n") {
		fmt.Fprintf(w, "-- %s\n", line)
	}
	fmt.Fprintf(w, "-- Lock: %s.\n", s.Lock)
	const long = 4000
	if len(s.SQL) > long {
		fmt.Fprint(w, "-- (Many statements; --json prints them.)\n\n")
		return
	}
	fmt.Fprintf(w, "%s\n", s.SQL)
}
