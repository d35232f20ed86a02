package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

type hardenJSON struct {
	Roles   *chronomigrate.HardenOptions `json:"roles"`
	DryRun  bool                         `json:"dry_run"`
	Changed bool                         `json:"changed"`
	Steps   []stepJSON                   `json:"steps"`
}

type attackJSON struct {
	Attacker  chronomigrate.Attacker `json:"attacker"`
	Role      string                 `json:"role"`
	Action    string                 `json:"action"`
	Outcome   chronomigrate.Outcome  `json:"outcome"`
	Published chronomigrate.Outcome  `json:"published"`
	By        string                 `json:"by"`
	Detail    string                 `json:"detail"`
}

type attacksJSON struct {
	OK      bool         `json:"ok"`
	Attacks []attackJSON `json:"attacks"`
}

func (a *app) hardenCommand() *cobra.Command {
	apply := &applyFlags{}
	asked := &chronomigrate.HardenOptions{}
	var w *write
	cmd := &cobra.Command{
		Use:   "harden --application ROLE",
		Short: "Lock history: roles that the application cannot get around",
		Long: `Harden gives history to a role of its own, which nobody logs in as, and the
functions of the triggers to another, which may add to history and not change it.
The application's role keeps what it may do with the tables, and reads history; it
cannot rewrite it, or keep a change out of it. --table-owner names the role that is
given the tracked tables which the application owns: an owner can drop triggers.

It compares what the database has with what it should have and runs the difference,
in one transaction. --dry-run prints the statements. What track and migrate make
afterwards goes to the same roles; check finds what is changed by hand. Run again,
flags change what they name and nothing else; --holder= takes it from all.

It needs a superuser, or on a managed service the owner of history, with CREATEROLE
and CREATE on the database. Afterwards check --hardened tries what docs/security.md
says. On SQLite there are no roles.`,
		Example: `  chrononaut harden --application app --table-owner app_tables --dry-run
  chrononaut harden --application app --admin deploy --reader auditor
  chrononaut check --hardened`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := a.applyOpts(apply)
			if err != nil {
				return err
			}
			ctx := a.writeContext(cmd.Context(), w)
			return a.withDatabase(ctx, false, func(db *database) error {
				roles, err := db.roles(ctx, cmd, asked)
				if err != nil {
					return err
				}
				plan, err := db.migrator.Harden(ctx, roles, opts)
				if err != nil {
					return err
				}
				return a.printHardened(plan, roles, opts.DryRun)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&asked.Applications, "application", nil, "a role that the application logs in as")
	flags.StringVar(&asked.TableOwner, "table-owner", "", "the role that is given tracked tables which an application owns")
	flags.StringVar(&asked.Owner, "owner", "", "the role that owns history (default: chrononaut_owner)")
	flags.StringVar(&asked.Writer, "writer", "", "the role that owns the triggers' functions (default: chrononaut_writer)")
	flags.StringSliceVar(&asked.Admins, "admin", nil, "a role that goes on tracking and migrating")
	flags.StringSliceVar(&asked.Readers, "reader", nil, "a role that may read all of history")
	flags.StringSliceVar(&asked.PastReaders, "past-reader", nil, "a role that may read only the past")
	flags.StringSliceVar(&asked.Holders, "holder", nil, "a role that may place and release holds")
	flags.StringSliceVar(&asked.Leasers, "leaser", nil, "a role that may lease records")
	flags.StringSliceVar(&asked.Suppressors, "suppressor", nil, "a role that may open the unsafe door")
	apply.add(cmd)
	w = a.writeFlags(cmd)
	return cmd
}

// roles are those that the database is hardened with, changed by the flags that are
// given.
func (db *database) roles(ctx context.Context, cmd *cobra.Command, asked *chronomigrate.HardenOptions) (*chronomigrate.HardenOptions, error) {
	roles, err := db.migrator.Hardened(ctx)
	if err != nil {
		return nil, err
	}
	if roles == nil {
		return asked, nil
	}
	roles.TableOwner = asked.TableOwner
	for name, pair := range map[string][2]*string{"owner": {&roles.Owner, &asked.Owner}, "writer": {&roles.Writer, &asked.Writer}} {
		if cmd.Flags().Changed(name) {
			*pair[0] = *pair[1]
		}
	}
	for name, pair := range map[string][2]*[]string{
		"application": {&roles.Applications, &asked.Applications}, "admin": {&roles.Admins, &asked.Admins}, "reader": {&roles.Readers, &asked.Readers},
		"past-reader": {&roles.PastReaders, &asked.PastReaders}, "holder": {&roles.Holders, &asked.Holders}, "leaser": {&roles.Leasers, &asked.Leasers},
		"suppressor": {&roles.Suppressors, &asked.Suppressors},
	} {
		if cmd.Flags().Changed(name) {
			*pair[0] = *pair[1]
		}
	}
	return roles, nil
}

func (a *app) printHardened(plan *chronomigrate.Plan, roles *chronomigrate.HardenOptions, dryRun bool) error {
	if a.json {
		shape := newPlanJSON(plan, dryRun)
		return a.out.json(hardenJSON{roles, dryRun, shape.Changed, shape.Steps})
	}
	switch {
	case plan.Empty():
		a.out.line("history is hardened already; nothing to do")
	case dryRun:
		fmt.Fprint(a.out.w, plan.SQL())
	default:
		a.out.line("hardened history for %s (%s)", clean(strings.Join(roles.Applications, ", ")), plural(int64(len(plan.Steps)), "statement", "statements"))
		a.out.remark("chrononaut check --hardened tries to get around it")
	}
	return nil
}

// checkHardened tries the attacks of docs/security.md.
func (a *app) checkHardened(ctx context.Context, db *database, attackers []string) error {
	opts := &chronomigrate.CheckHardenedOpts{}
	known := []chronomigrate.Attacker{chronomigrate.AttackerApplication, chronomigrate.AttackerTableOwner, chronomigrate.AttackerSuperuser}
	for _, name := range attackers {
		if !slices.Contains(known, chronomigrate.Attacker(name)) {
			return usagef("--attacker application, 'table owner' or superuser", "there is no attacker %s", quoteArg(name))
		}
		opts.Attackers = append(opts.Attackers, chronomigrate.Attacker(name))
	}
	results, err := db.migrator.CheckHardened(ctx, opts)
	if err != nil {
		return err
	}
	bad := slices.ContainsFunc(results, func(r chronomigrate.AttackResult) bool { return !r.OK() })
	if a.json {
		shape := attacksJSON{OK: !bad, Attacks: []attackJSON{}}
		for _, r := range results {
			shape.Attacks = append(shape.Attacks, attackJSON{r.Attacker, r.Role, r.Action, r.Got, r.Outcome, r.By, r.Detail})
		}
		err = a.out.json(shape)
	} else {
		a.printAttacks(results)
	}
	if err == nil && bad {
		err = errNo
	}
	return err
}

func (a *app) printAttacks(results []chronomigrate.AttackResult) {
	p := a.out
	wrong := 0
	for start := 0; start < len(results); {
		first := results[start]
		counts := map[chronomigrate.Outcome]int{}
		var lines []string
		end := start
		for ; end < len(results) && results[end].Role == first.Role && results[end].Attacker == first.Attacker; end++ {
			r := results[end]
			counts[r.Got]++
			switch {
			case !r.OK():
				wrong++
				lines = append(lines, p.paint(bad, string(r.Got))+"  "+clean(r.Action)+"; published is "+string(r.Outcome)+": "+clean(r.By))
			case r.Got == chronomigrate.OutcomeNeither:
				lines = append(lines, "neither  "+clean(r.Action)+": "+clean(r.By))
			}
		}
		var parts []string
		for _, outcome := range []chronomigrate.Outcome{chronomigrate.OutcomeRefused, chronomigrate.OutcomeDetected, chronomigrate.OutcomeNeither, chronomigrate.OutcomeUntried} {
			if counts[outcome] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", counts[outcome], outcome))
			}
		}
		p.line("%s %s: %s", first.Attacker, p.paint(strong, clean(first.Role)), strings.Join(parts, ", "))
		if counts[chronomigrate.OutcomeUntried] == end-start {
			p.line("    untried: %s", clean(first.Detail))
		}
		for _, line := range lines {
			p.line("    %s", line)
		}
		start = end
	}
	if wrong > 0 {
		p.line("%s tried: %s", plural(int64(len(results)), "attack", "attacks"), p.paint(bad, plural(int64(wrong), "has an outcome", "have outcomes")+" that docs/security.md does not publish"))
		return
	}
	p.line("%s tried: %s", plural(int64(len(results)), "attack", "attacks"), p.paint(good, "history is locked"))
}
