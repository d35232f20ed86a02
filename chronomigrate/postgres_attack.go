package chronomigrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// canary is the table that is attacked, which is there in that transaction only.
var canary = chronodriver.Table{Schema: "chrononaut_attack", Name: "canary"}

// attackArgs are what the statements of attacks are made of.
type attackArgs struct {
	schema        string
	Owner, Writer string
	Role          string // the attacker
	Applications  []string
	TableOwner    string
	Past          string // the canary's view
	Closed        []string
}

// Schema is that of the canary.
func (attackArgs) Schema() string { return canary.Schema }

// Canary is the canary's name.
func (attackArgs) Canary() string {
	return postgres.QuoteIdent(canary.Schema) + "." + postgres.QuoteIdent(canary.Name)
}

// Capture is the canary's capture function.
func (a attackArgs) Capture() string {
	t := postgres.Table{HistorySchema: a.schema, Schema: canary.Schema, Name: canary.Name}
	return t.Function(postgres.Capture)
}

// Record is the function that writes the history of one of the canary's rows.
func (a attackArgs) Record() string {
	t := postgres.Table{HistorySchema: a.schema, Schema: canary.Schema, Name: canary.Name}
	return t.Function(postgres.Record)
}

// parseAttacks reads attacks.sql; see there.
func parseAttacks(args attackArgs) ([]Attack, error) {
	text, err := postgres.Query(args.schema, "harden/attacks.sql", args)
	if err != nil {
		return nil, err
	}
	var attacks []Attack
	for section := range strings.SplitSeq(text, "-- attack: ") {
		head, sql, ok := strings.Cut(section, "\n")
		parts := strings.Split(head, "; ")
		if !ok || len(parts) < 4 {
			continue
		}
		sql, proof, _ := strings.Cut(sql, "-- proof: ")
		for who := range strings.SplitSeq(parts[0], ", ") {
			attacks = append(attacks, Attack{
				Attacker: Attacker(who), Action: parts[1], Outcome: Outcome(parts[2]), By: strings.Join(parts[3:], "; "),
				sql: strings.TrimSpace(sql), proof: strings.TrimSpace(proof),
			})
		}
	}
	return attacks, nil
}

// battle is a transaction in which attacks are tried.
type battle struct {
	e      *postgresEngine
	tx     chronodriver.Tx
	role   string // to go back to
	path   string
	before map[string]bool // problems that were there before
}

func (e *postgresEngine) attack(ctx context.Context, tx chronodriver.Tx, attackers []Attacker) ([]AttackResult, error) {
	opts, err := e.hardened(ctx, tx)
	if err != nil {
		return nil, err
	}
	if opts == nil {
		return nil, hint(ErrNotHardened, "Run chrononaut harden --application ROLE.")
	}
	args := attackArgs{schema: e.schema, Owner: opts.Owner, Writer: opts.Writer, Applications: opts.Applications}
	if args.Closed, err = postgres.ClosedFunctions(e.schema); err != nil {
		return nil, err
	}
	b := &battle{e: e, tx: tx}
	runner, superuser := "", false
	if err := b.query(ctx, "runner", args, &runner, &b.role, &b.path, &superuser, &args.TableOwner); err != nil {
		return nil, err
	}
	owned := args.TableOwner != ""
	if !owned {
		args.TableOwner = runner
	}
	if err := b.prepare(ctx, *opts, args); err != nil {
		return nil, err
	}
	if err := b.query(ctx, "past", args, &args.Past); err != nil {
		return nil, err
	}

	roles := map[Attacker][]string{AttackerApplication: opts.Applications, AttackerTableOwner: {args.TableOwner}, AttackerSuperuser: {runner}}
	why := map[Attacker]string{}
	if !owned {
		why[AttackerTableOwner] = "tracked tables belong to a superuser"
	}
	if !superuser {
		why[AttackerSuperuser] = "the program is not one"
	}
	var results []AttackResult
	for _, who := range []Attacker{AttackerApplication, AttackerTableOwner, AttackerSuperuser} {
		if len(attackers) > 0 && !slices.Contains(attackers, who) {
			continue
		}
		for _, role := range roles[who] {
			args.Role = role
			attacks, err := parseAttacks(args)
			if err != nil {
				return nil, err
			}
			for _, a := range attacks {
				if a.Attacker != who {
					continue
				}
				result := AttackResult{Attack: a, Role: role, Got: OutcomeUntried, Detail: why[who]}
				if slices.Contains(opts.Suppressors, role) && strings.Contains(a.sql, ".suppress(") {
					result.Detail = "it was granted"
				}
				if result.Detail == "" {
					if result.Got, result.Detail, err = b.try(ctx, a, role); err != nil {
						return nil, fmt.Errorf("try as %s: %s: %w", who, a.Action, err)
					}
				}
				results = append(results, result)
			}
		}
	}
	return results, nil
}

func (b *battle) query(ctx context.Context, name string, args attackArgs, dest ...any) error {
	sql, err := postgres.Query(b.e.schema, "harden/canary.sql#"+name, args)
	if err != nil {
		return err
	}
	return queryRow(ctx, b.tx, dest, sql)
}

// prepare makes the canary, and hardens it, but nothing else.
func (b *battle) prepare(ctx context.Context, opts HardenOptions, args attackArgs) error {
	encoded, err := json.Marshal(opts.normalize(b.e.schema))
	if err != nil {
		return err
	}
	amiss, err := b.e.unhardened(ctx, b.tx, string(encoded))
	if err != nil {
		return err
	}
	exec := func(name string) error {
		sql, err := postgres.Query(b.e.schema, "harden/canary.sql#"+name, args)
		if err != nil {
			return err
		}
		_, err = b.tx.Exec(ctx, sql)
		return err
	}
	// Track would also repair history, of which the attacks are to find what is amiss.
	guards, err := b.e.planGuards(ctx, b.tx)
	if err != nil {
		return err
	}
	amiss = append(amiss, guards.Steps...)
	isAmiss := func(step Step) bool {
		return slices.ContainsFunc(amiss, func(s Step) bool { return s.SQL == step.SQL })
	}
	if _, err := b.tx.Exec(ctx, `SET LOCAL lock_timeout = '1s'`); err != nil {
		return err
	}
	if err := exec("canary"); err != nil {
		return err
	}
	plan, err := b.e.planTrack(ctx, b.tx, canary, TrackOptions{}.normalize())
	if err != nil {
		return err
	}
	for _, step := range plan.Steps {
		if isAmiss(step) {
			continue
		}
		if _, err := b.tx.Exec(ctx, step.SQL); err != nil {
			return err
		}
	}
	steps, err := b.e.unhardened(ctx, b.tx, string(encoded))
	if err != nil {
		return err
	}
	for _, step := range steps {
		if isAmiss(step) {
			continue
		}
		if _, err := b.tx.Exec(ctx, step.SQL); err != nil {
			return err
		}
	}
	if err := exec("rows"); err != nil {
		return err
	}
	b.before = map[string]bool{}
	problems, err := b.problems(ctx)
	if err != nil {
		return err
	}
	for _, p := range problems {
		b.before[string(p.Kind)+" "+p.Object] = true
	}
	return nil
}

// try makes an attack and says what became of it; everything is as before then.
func (b *battle) try(ctx context.Context, a Attack, role string) (got Outcome, detail string, err error) {
	if _, err := b.tx.Exec(ctx, `SAVEPOINT attack`); err != nil {
		return "", "", err
	}
	defer func() {
		if _, failed := b.tx.Exec(ctx, `ROLLBACK TO SAVEPOINT attack; RELEASE SAVEPOINT attack`); err == nil {
			err = failed
		}
	}()
	if _, err := b.tx.Exec(ctx, `SET LOCAL ROLE `+postgres.QuoteIdent(role)); err != nil {
		return OutcomeUntried, "it may not act as that role", nil //nolint:nilerror // the outcome says it
	}
	if _, err := b.tx.Exec(ctx, a.sql); err != nil {
		return refusal(err)
	}
	// Back to who runs it, for whom names mean what they did.
	if _, err := b.tx.Exec(ctx, `SELECT pg_catalog.set_config('role', $1::text, true), pg_catalog.set_config('search_path', $2::text, true)`, b.role, b.path); err != nil {
		return "", "", err
	}
	if a.proof != "" {
		var damage bool
		if err := queryRow(ctx, b.tx, []any{&damage}, a.proof); err != nil {
			return "", "", err
		}
		if !damage {
			return OutcomeRefused, "it came to nothing", nil
		}
	}
	problems, err := b.problems(ctx)
	if state := chronodriver.State(err); strings.HasPrefix(state, "42") || state == "3F000" {
		return OutcomeDetected, "history is not there", nil
	}
	if err != nil {
		return "", "", err
	}
	var kinds []string
	for _, p := range problems {
		if !b.before[string(p.Kind)+" "+p.Object] && !slices.Contains(kinds, string(p.Kind)) {
			kinds = append(kinds, string(p.Kind))
		}
	}
	if len(kinds) > 0 {
		return OutcomeDetected, strings.Join(kinds, ", "), nil
	}
	return OutcomeNeither, "", nil
}

// refusal says whether an error refuses an attack, or only shows that it was not one.
func refusal(err error) (Outcome, string, error) {
	state := chronodriver.State(err)
	switch {
	case state == "55P03":
		return OutcomeUntried, "the lock was taken", nil
	case state == "42501", strings.HasPrefix(state, "TM"):
		return OutcomeRefused, state, nil
	}
	return "", "", err
}

// problems are those of history and of the canary.
func (b *battle) problems(ctx context.Context) ([]Problem, error) {
	tables, err := b.e.tables(ctx, b.tx)
	if err != nil {
		return nil, err
	}
	problems, err := b.e.check(ctx, b.tx, TrackedTable{})
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if t.Table == canary {
			found, err := b.e.check(ctx, b.tx, t)
			if err != nil {
				return nil, err
			}
			problems = append(problems, found...)
		}
	}
	return problems, nil
}
