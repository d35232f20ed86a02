package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// records shows how many records are written.
func (p *progress) records(done, total int) {
	p.show(chronomigrate.BaselineProgress{Rows: int64(done), Recorded: int64(done), Total: int64(total)})
}

// restoreJSON is what the commands print with --json.
type restoreJSON struct {
	Plan   *chrononaut.RestorePlan   `json:"plan"`
	DryRun bool                      `json:"dry_run"`
	Result *chrononaut.RestoreResult `json:"result"`
	// Conflicts are those that arose after the plan was made.
	Conflicts []chrononaut.RestoreConflict `json:"conflicts,omitempty"`
	Error     string                       `json:"error,omitempty"`
}

func (a *app) printRestorePlan(p *chrononaut.RestorePlan, f *bringBack) {
	for _, problem := range p.Problems {
		a.out.line("%s %s", a.out.paint(changed, "!"), clean(problem.String()))
	}
	for n, s := range p.Steps {
		note := ""
		if s.Link {
			note = ", foreign keys that were left NULL"
		}
		a.out.line("%d. %s %s: %s%s", n+1, s.Action, clean(s.Table.String()), plural(int64(s.Records), "record", "records"), note)
		if f.sql {
			for line := range strings.Lines(s.SQL) {
				a.out.line("   %s", clean(strings.TrimRight(line, "\n")))
			}
		}
	}
	const most = 50
	for n, item := range p.Items {
		if n == most {
			a.out.line("… and %s; --json has all", plural(int64(len(p.Items)-most), "more record", "more records"))
			break
		}
		a.printRestoreItem(item)
	}
}

func (a *app) printRestoreItem(i *chrononaut.RestoreItem) {
	text := fmt.Sprintf("%s %s %s", i.Action, clean(i.Table.String()), clean(formatKey(i.Key)))
	if i.Action == chrononaut.RestoreNone {
		text = fmt.Sprintf("%s %s", clean(i.Table.String()), clean(formatKey(i.Key)))
	}
	if i.ToVersion != nil {
		text += fmt.Sprintf(", as of version %d", *i.ToVersion)
	}
	if i.Conflict {
		text += ": " + a.out.paint(bad, "conflict")
	}
	a.out.line("%s", text)
	for _, c := range i.Columns {
		name := clean(quoteColumn(c.Column))
		switch i.Action {
		case chrononaut.RestoreInsert:
			a.out.line("    %s=%s", name, a.out.shorten(raw(c.To)))
		case chrononaut.RestoreDelete:
			a.out.line("    %s was %s", name, a.out.shorten(raw(c.From)))
		default:
			a.out.line("    %s: %s → %s", name, a.out.shorten(raw(c.From)), a.out.shorten(raw(c.To)))
		}
	}
	a.printLater(i.Later, i.Conflict)
	for _, problem := range i.Problems {
		t := changed
		if problem.Blocking {
			t = bad
		}
		a.out.line("    %s %s", a.out.paint(t, "!"), clean(problem.String()))
	}
}

// isHeld tells whether a record of the plan is held.
func isHeld(p *chrononaut.RestorePlan) bool {
	return slices.ContainsFunc(p.Items, func(i *chrononaut.RestoreItem) bool {
		return slices.ContainsFunc(i.Problems, func(problem chrononaut.RestoreProblem) bool { return problem.Kind == chrononaut.ProblemHeld })
	})
}

func (a *app) printLater(later []chrononaut.RestoreLater, conflict bool) {
	for _, l := range later {
		verb := "undoes"
		if !l.Undone {
			verb = "keeps"
			if conflict {
				verb = "conflicts with"
			}
		}
		who := ""
		if l.Actor != "" {
			who = " by " + clean(l.Actor)
		}
		why := ""
		if l.Rationale != "" {
			why = " (" + clean(l.Rationale) + ")"
		}
		operation := string(l.Operation)
		if operation == "" {
			operation = "changed" // Python chrononaut does not say how.
		}
		columns := ""
		if len(l.Columns) > 0 {
			columns = ": " + clean(strings.Join(l.Columns, ", "))
		}
		a.out.line("    %s version %d, %s%s at %s%s%s", verb, l.Version, operation, who, a.out.time(l.Changed), why, columns)
	}
}

// printRestored prints what was done, or why it was not.
func (a *app) printRestored(p *chrononaut.RestorePlan, f *bringBack, result *chrononaut.RestoreResult, err error) error {
	var conflict *chrononaut.RestoreConflictError
	var partial *chrononaut.PartialError
	isNo := errors.As(err, &conflict) || errors.Is(err, chrononaut.ErrRestoreBlocked)
	if err != nil && !isNo {
		if errors.As(err, &partial) {
			return hinted(err, "the same command again: what is done is not done again.")
		}
		return err
	}
	if a.json {
		shape := restoreJSON{Plan: p, DryRun: f.dryRun, Result: result}
		if conflict != nil {
			shape.Conflicts = conflict.Conflicts
		}
		if err != nil {
			shape.Error = err.Error()
		}
		if failed := a.out.json(shape); failed != nil || err == nil {
			return failed
		}
		return errNo
	}
	switch {
	case conflict != nil:
		if len(p.Conflicts()) == 0 {
			for _, c := range conflict.Conflicts {
				a.out.line("%s %s: %s", clean(c.Table.String()), clean(formatKey(c.Key)), a.out.paint(bad, "has changed since"))
				a.printLater(c.Changes, true)
			}
		}
		return &noError{err: err, reason: "conflict", try: "--on-conflict skip leaves such records as they are, --on-conflict overwrite brings them back all the same."}
	case err != nil:
		try := "--skip-blocked leaves such records out."
		if isHeld(p) {
			try = "chrononaut release ID --rationale TEXT ends a hold; " + try
		}
		return &noError{err: err, reason: "blocked", try: try}
	case p.Empty():
		a.out.remark("nothing to do")
		return nil
	}
	done := "done"
	if f.dryRun {
		done = "dry run"
	}
	text := fmt.Sprintf("%s: %d inserted, %d updated, %d deleted", done, result.Inserted, result.Updated, result.Deleted)
	if n := len(result.Skipped); n > 0 {
		text += fmt.Sprintf(", %d skipped", n)
	}
	a.out.line("%s", text)
	for _, d := range result.Differences {
		what := "is not as the plan wanted it"
		if len(d.Columns) > 0 {
			what += ": " + strings.Join(d.Columns, ", ")
		}
		a.out.line("%s %s %s %s", a.out.paint(changed, "!"), clean(d.Table.String()), clean(formatKey(d.Key)), clean(what))
	}
	if !f.dryRun && len(result.Transactions) == 1 {
		a.out.remark("chrononaut revert --tx %d undoes it", result.Transactions[0])
	}
	return nil
}
