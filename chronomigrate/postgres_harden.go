package chronomigrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

var _ hardener = (*postgresEngine)(nil)

// hardenState is what harden/state.sql says.
type hardenState struct {
	Runner         string   `json:"runner"`
	Superuser      bool     `json:"superuser"`
	Bypasses       bool     `json:"bypasses"`
	Existing       []string `json:"existing"`
	Acting         []string `json:"acting"`
	HiddenRows     bool     `json:"hidden_rows"`
	WriterBypasses bool     `json:"writer_bypasses"`
	Problems       []struct {
		Role   string `json:"role"`
		Reason string `json:"reason"`
	} `json:"problems"`
	Moves []struct {
		Schema    string   `json:"schema"`
		Name      string   `json:"name"`
		From      string   `json:"from"`
		Creates   bool     `json:"creates"`
		Tables    []string `json:"tables"`
		Sequences []string `json:"sequences"`
	} `json:"moves"`
}

// normalize sorts what is a set and fills in what is not given.
func (o HardenOptions) normalize(schema string) HardenOptions {
	if o.Owner == "" {
		o.Owner = schema + "_owner"
	}
	if o.Writer == "" {
		o.Writer = schema + "_writer"
	}
	for _, roles := range []*[]string{&o.Admins, &o.Applications, &o.Readers, &o.PastReaders, &o.Holders, &o.Leasers, &o.Suppressors} {
		// Never null in JSON.
		*roles = append([]string{}, slices.Compact(slices.Sorted(slices.Values(*roles)))...)
	}
	return o
}

func (e *postgresEngine) hardened(ctx context.Context, q chronodriver.Queryer) (*HardenOptions, error) {
	sql, err := postgres.PlanSQL(e.schema, "hardened", postgres.PlanArgs{})
	if err != nil {
		return nil, err
	}
	var value string
	if err := queryRow(ctx, q, []any{&value}, sql); err != nil {
		return nil, err
	}
	var opts *HardenOptions
	if err := json.Unmarshal([]byte(value), &opts); err != nil {
		return nil, fmt.Errorf("read the roles that history is hardened with: %w", err)
	}
	return opts, nil
}

// keepHardened ends a plan that makes something new with what gives it to the roles
// of a hardened database.
func (e *postgresEngine) keepHardened(ctx context.Context, q chronodriver.Queryer, plan *Plan) error {
	if plan.Empty() || plan.hardens {
		return nil
	}
	opts, err := e.hardened(ctx, q)
	if err != nil || opts == nil {
		return err
	}
	sql, err := e.keepHardenedSQL()
	if err != nil {
		return err
	}
	plan.Steps = append(plan.Steps, Step{Comment: "What is new belongs to the roles of history, as chrononaut harden has set them.", SQL: sql})
	return nil
}

func (e *postgresEngine) keep(ctx context.Context, tx chronodriver.Tx) error {
	opts, err := e.hardened(ctx, tx)
	if err != nil || opts == nil {
		return err
	}
	sql, err := e.keepHardenedSQL()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sql)
	return err
}

func (e *postgresEngine) keepHardenedSQL() (string, error) {
	closed, err := postgres.ClosedFunctions(e.schema)
	if err != nil {
		return "", err
	}
	return postgres.PlanSQL(e.schema, "keep_hardened", postgres.PlanArgs{Closed: closed})
}

func (e *postgresEngine) planHarden(ctx context.Context, tx chronodriver.Tx, opts HardenOptions) (*Plan, error) {
	opts = opts.normalize(e.schema)
	for _, name := range slices.Concat([]string{opts.Owner, opts.Writer}, opts.Applications) {
		if !usableName(name) {
			return nil, hint(fmt.Errorf("%w: no role can have the name %q", ErrOption, name), "Name another role, of at most 63 bytes.")
		}
	}
	if opts.Owner == opts.Writer || slices.Contains(opts.Applications, opts.Owner) || slices.Contains(opts.Applications, opts.Writer) {
		return nil, hint(fmt.Errorf("%w: one role is named twice", ErrOption), "The owner of history, the owner of its triggers and the application are different roles.")
	}
	encoded, err := json.Marshal(opts)
	if err != nil {
		return nil, err
	}
	state, err := e.hardenState(ctx, tx, opts, encoded)
	if err != nil {
		return nil, err
	}
	if len(state.Problems) > 0 {
		return nil, state.problem()
	}

	h := &hardening{e: e, opts: opts, state: state, plan: &Plan{Transactional: true, hardens: true}}
	h.roles()
	now, err := e.hardened(ctx, tx)
	if err != nil {
		return nil, err
	}
	var present []byte
	if now != nil {
		if present, err = json.Marshal(now.normalize(e.schema)); err != nil {
			return nil, err
		}
	}
	wanted := string(encoded)
	if now != nil {
		if wanted, err = withFormer(encoded, now.named(), opts.named()); err != nil {
			return nil, err
		}
	}
	if string(present) != string(encoded) {
		h.add("The roles, which track, migrate and check go by.", "set_hardened", postgres.PlanArgs{Options: string(encoded)})
	}
	h.moves()
	if err := h.rest(ctx, tx, wanted); err != nil {
		return nil, err
	}
	if !h.plan.Empty() {
		h.add("Record in history itself who may do what.", "record_hardened", postgres.PlanArgs{Options: string(encoded)})
	}
	return h.plan, h.err
}

// named are the roles that read history or the past.
func (o HardenOptions) named() []string {
	return slices.Concat(o.Applications, o.Readers, o.PastReaders, o.Holders, o.Leasers)
}

// withFormer adds to roles, in JSON, those that were named and are no longer.
func withFormer(encoded []byte, before, after []string) (string, error) {
	roles := map[string]any{}
	if err := json.Unmarshal(encoded, &roles); err != nil {
		return "", err
	}
	former := []string{}
	for _, name := range before {
		if !slices.Contains(after, name) {
			former = append(former, name)
		}
	}
	roles["former"] = former
	with, err := json.Marshal(roles)
	return string(with), err
}

func (e *postgresEngine) hardenState(ctx context.Context, q chronodriver.Queryer, opts HardenOptions, encoded []byte) (*hardenState, error) {
	asked := map[string]any{}
	if err := json.Unmarshal(encoded, &asked); err != nil {
		return nil, err
	}
	asked["table_owner"] = opts.TableOwner
	encoded, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	sql, err := postgres.Query(e.schema, "harden/state.sql", nil)
	if err != nil {
		return nil, err
	}
	var document string
	if err := queryRow(ctx, q, []any{&document}, sql, string(encoded)); err != nil {
		return nil, err
	}
	state := &hardenState{}
	if err := json.Unmarshal([]byte(document), state); err != nil {
		return nil, fmt.Errorf("read the state of roles: %w", err)
	}
	return state, nil
}

// problem is the error for what no privilege can put right.
func (s *hardenState) problem() error {
	var reasons []string
	advice := "Let the application log in as a role of its own that owns nothing and is a member of no owner."
	for _, p := range s.Problems {
		if p.Role != "" {
			reasons = append(reasons, p.Role+" "+p.Reason)
			if strings.HasPrefix(p.Reason, "owns ") {
				advice = "Name a role that is to own the application's tables: --table-owner NAME."
			}
			continue
		}
		advice = "Change that first; docs/security.md says what hardening needs."
		reasons = append(reasons, p.Reason)
	}
	slices.Sort(reasons)
	return hint(fmt.Errorf("%w: %s", ErrRole, strings.Join(reasons, "; ")), advice)
}

// hardening collects the steps of a plan.
type hardening struct {
	e     *postgresEngine
	opts  HardenOptions
	state *hardenState
	plan  *Plan
	err   error
}

func (h *hardening) add(comment, statement string, args postgres.PlanArgs) {
	if h.err != nil {
		return
	}
	step := Step{Comment: comment}
	step.SQL, h.err = postgres.PlanSQL(h.e.schema, statement, args)
	h.plan.Steps = append(h.plan.Steps, step)
}

// run adds a statement that is made of names only.
func (h *hardening) run(comment, sql string) {
	if last := len(h.plan.Steps) - 1; last >= 0 && h.plan.Steps[last].Comment == comment {
		h.plan.Steps[last].SQL += ";\n" + sql
		return
	}
	h.plan.Steps = append(h.plan.Steps, Step{Comment: comment, SQL: sql})
}

func (h *hardening) roles() {
	made := []struct{ name, what string }{
		{h.opts.Owner, "Owns history. Nobody logs in as it."},
		{h.opts.Writer, "Owns the functions of the triggers, which add to history. Nobody logs in as it."},
		{h.opts.TableOwner, "Owns the application's tables."},
	}
	var acting []string
	for _, role := range made {
		if role.name == "" || role.name == h.opts.TableOwner && len(h.state.Moves) == 0 {
			continue
		}
		if !slices.Contains(h.state.Existing, role.name) {
			h.run(role.what, "CREATE ROLE "+postgres.QuoteIdent(role.name)+" NOLOGIN")
		}
		acting = append(acting, role.name)
	}
	if h.state.HiddenRows && !h.state.WriterBypasses && h.state.Bypasses {
		h.run("Tracked tables have row security, which must hide no row from their triggers.", "ALTER ROLE "+postgres.QuoteIdent(h.opts.Writer)+" BYPASSRLS")
	}
	admins := slices.Clone(h.opts.Admins)
	if !h.state.Superuser && !slices.Contains(admins, h.state.Runner) {
		admins = append(admins, h.state.Runner)
	}
	for _, admin := range admins {
		for _, role := range acting {
			if !slices.Contains(h.state.Acting, admin+"\n"+role) {
				h.run("Who tracks tables and migrates history acts for its roles.", "GRANT "+postgres.QuoteIdent(role)+" TO "+postgres.QuoteIdent(admin))
			}
		}
	}
}

// moves gives the tables that an application owns to another owner.
func (h *hardening) moves() {
	owner := postgres.QuoteIdent(h.opts.TableOwner)
	for _, m := range h.state.Moves {
		schema, from := postgres.QuoteIdent(m.Schema), postgres.QuoteIdent(m.From)
		if !m.Creates {
			h.run("The application writes its tables and does not own them: an owner can drop triggers.", "GRANT USAGE, CREATE ON SCHEMA "+schema+" TO "+owner)
		}
		for _, table := range m.Tables {
			h.run("The application writes its tables and does not own them: an owner can drop triggers.", "ALTER TABLE "+table+" OWNER TO "+owner)
			h.run("The application writes its tables and does not own them: an owner can drop triggers.", "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON "+table+" TO "+from)
		}
		for _, sequence := range m.Sequences {
			h.run("The application writes its tables and does not own them: an owner can drop triggers.", "GRANT USAGE, SELECT ON SEQUENCE "+sequence+" TO "+from)
		}
		h.add("Who may read a table may read its past.", "share", postgres.PlanArgs{From: &postgres.Table{Schema: m.Schema, Name: m.Name}})
	}
}

// rest adds what the database itself finds: owners and privileges.
func (h *hardening) rest(ctx context.Context, q chronodriver.Queryer, encoded string) error {
	steps, err := h.e.unhardened(ctx, q, encoded)
	for _, s := range steps {
		h.run(s.Comment, s.SQL)
	}
	return err
}

// unhardened lists what is not as roles, in JSON, want it.
func (e *postgresEngine) unhardened(ctx context.Context, q chronodriver.Queryer, encoded string) (steps []Step, err error) {
	closed, err := postgres.ClosedFunctions(e.schema)
	if err != nil {
		return nil, err
	}
	sql, err := postgres.PlanSQL(e.schema, "hardening", postgres.PlanArgs{Closed: closed})
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql, encoded)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s Step
		if err := rows.Scan(&s.Comment, &s.SQL); err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, rows.Err()
}
