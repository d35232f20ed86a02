package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chrononaut-go/chrononaut"
)

// leaseVariable is the environment variable with the lease that a command uses.
const leaseVariable = "CHRONONAUT_LEASE"

const leaseHint = "LEASE is ID:TOKEN, as chrononaut lease prints it, or the environment variable " + leaseVariable + "."

func (a *app) leaseCommand() *cobra.Command {
	var ttl time.Duration
	var version int
	opts := &chrononaut.LeaseOpts{}
	var w *write
	cmd := &cobra.Command{
		Use:   "lease TABLE KEY --ttl DURATION",
		Short: "Say that you are editing a record, for a time",
		Long: `Lease takes an edit lease on a record: until it expires or is released, nobody
else gets one. With --enforce the database also refuses every write to the record
by anybody who does not have the lease. It expires by the database's clock, so
nothing stays locked when you go away.

It prints LEASE, which is ID:TOKEN, and the token is a secret: whoever knows it can
write under the lease, renew it and release it. Keep it in the environment variable
CHRONONAUT_LEASE, or give it to those commands, as an argument or as --lease.
--take-over ends the lease that somebody else has; its next write is refused.

The exit status is 1 when somebody else has the record. A table that is called
renew, release or list goes in double quotes: '"list"'.`,
		Example: `  export CHRONONAUT_LEASE=$(chrononaut lease todos 42 --ttl 10m --enforce)
  chrononaut restore todos 42 --to-version 3 --rationale 'overwritten'
  chrononaut lease renew --ttl 10m
  chrononaut lease release
  chrononaut lease todos 42 --ttl 10m --take-over --rationale 'Ann is on holiday'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return errors.New("give a table and a key, or renew, release or list")
			}
			return cobra.ExactArgs(2)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := parseTable(args[0])
			if err != nil {
				return err
			}
			switch {
			case opts.TakeOver && strings.TrimSpace(w.rationale) == "":
				return usagef("--rationale TEXT", "say why you take it over: --rationale")
			case version < 0:
				return usagef("", "--version must not be negative")
			}
			if err := checkTTL(ttl); err != nil {
				return err
			}
			if cmd.Flags().Changed("version") {
				opts.Version = &version
			}
			ctx := a.writeContext(cmd.Context(), w)
			return a.withRecord(ctx, name, args[1], func(r *record) error { return a.lease(ctx, r, ttl, opts) })
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&ttl, "ttl", 0, "how long it lasts unless it is renewed: 90s, 10m, 1h30m; required")
	flags.BoolVar(&opts.Enforce, "enforce", false, "refuse writes by everybody else")
	flags.BoolVar(&opts.TakeOver, "take-over", false, "end the lease that somebody else has; needs --rationale")
	flags.IntVar(&version, "version", 0, "only if the record is at this version")
	w = a.writeFlags(cmd)
	cmd.AddCommand(a.leaseRenewCommand(), a.leaseReleaseCommand(), a.leaseListCommand())
	return cmd
}

// shortDuration writes a duration as a person would.
func shortDuration(d time.Duration) string {
	text := d.String()
	if d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func checkTTL(ttl time.Duration) error {
	if ttl <= 0 {
		return usagef("--ttl 10m", "say how long: --ttl, a duration that is positive")
	}
	return nil
}

func (a *app) lease(ctx context.Context, r *record, ttl time.Duration, opts *chrononaut.LeaseOpts) error {
	l, err := r.db.client.Lease(ctx, r.entry.Table, r.key, ttl, opts)
	switch {
	case errors.Is(err, chrononaut.ErrLeased):
		return &noError{
			err: err, reason: "leased",
			try: "chrononaut lease " + r.args + " --ttl " + shortDuration(ttl) + " --take-over --rationale TEXT, or wait for it to end.",
		}
	case errors.Is(err, chrononaut.ErrNotFound):
		return &noError{err: err, reason: "not_found", try: "chrononaut log " + r.args + " shows what became of it."}
	case deniedTable(err, r.entry.Table):
		return err // Who leases a record reads it.
	case err != nil:
		return r.explain(ctx, err)
	}
	if a.json {
		shape := newLeaseJSON(l)
		shape.Token = &l.Token
		err = a.out.json(shape)
	} else {
		a.out.line("%d:%s", l.ID, l.Token)
	}
	if a.answer.err != nil {
		// Nobody has the token now, and until it expires nobody else the record.
		return errors.Join(a.answer.err, r.db.client.ReleaseLease(ctx, l))
	}
	if a.json {
		return err
	}
	enforced := ""
	if l.Enforced {
		enforced = ", enforced"
	}
	a.out.remark("lease %d on %s, version %d, until %s%s", l.ID, clean(l.Table.String()+" "+formatKey(l.Key)), l.Version, a.out.time(l.Expires), enforced)
	return nil
}

func (a *app) leaseRenewCommand() *cobra.Command {
	var ttl time.Duration
	var token string
	cmd := &cobra.Command{
		Use:   "renew [LEASE] --ttl DURATION",
		Short: "Let a lease go on",
		Long: `Renew lets a lease last for --ttl from now. It exits with 1 when the lease has
ended: it expired, was released, or somebody took it over.`,
		Example: `  chrononaut lease renew --ttl 10m             # that of CHRONONAUT_LEASE
  chrononaut lease renew 7 --token "$TOKEN" --ttl 10m`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.leaseArg(args, token)
			if err == nil {
				err = checkTTL(ttl)
			}
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return a.withDatabase(ctx, false, func(db *database) error {
				if err := db.client.RenewLease(ctx, l, ttl); err != nil {
					return err
				}
				if a.json {
					return a.out.json(newLeaseJSON(l))
				}
				a.out.line("lease %d lasts until %s", l.ID, a.out.time(l.Expires))
				return nil
			})
		},
	}
	cmd.Flags().DurationVar(&ttl, "ttl", 0, "how long it lasts from now: 90s, 10m, 1h30m; required")
	cmd.Flags().StringVar(&token, "token", "", "the token, where LEASE is only its id")
	return cmd
}

func (a *app) leaseReleaseCommand() *cobra.Command {
	var token string
	var w *write
	cmd := &cobra.Command{
		Use:   "release [LEASE]",
		Short: "End a lease",
		Long: `Release ends a lease before it expires. It exits with 1 when the lease has ended
already. To end a lease of somebody else, take it over and release that.`,
		Example: `  chrononaut lease release                     # that of CHRONONAUT_LEASE
  chrononaut lease release 7 --token "$TOKEN"`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.leaseArg(args, token)
			if err != nil {
				return err
			}
			ctx := a.writeContext(cmd.Context(), w)
			return a.withDatabase(ctx, false, func(db *database) error {
				if err := db.client.ReleaseLease(ctx, l); err != nil {
					return err
				}
				if a.json {
					return a.out.json(leaseReleasedJSON{ID: l.ID, Released: true})
				}
				a.out.line("released lease %d", l.ID)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&token, "token", "", "the token, where LEASE is only its id")
	w = a.writeFlags(cmd)
	return cmd
}

func (a *app) leaseListCommand() *cobra.Command {
	var holder string
	var limit int
	cmd := &cobra.Command{
		Use:   "list [TABLE [KEY]]",
		Short: "List the leases that run",
		Long: `List shows the leases that run now: of all tables, of one table, or of one record.
Tokens are not shown. An empty list is no error.`,
		Example: `  chrononaut lease list
  chrononaut lease list todos 42`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := optionalTable(args)
			if err != nil {
				return err
			}
			if limit < 0 {
				return usagef("", "--limit must not be negative")
			}
			ctx := cmd.Context()
			return a.withDatabase(ctx, false, func(db *database) error {
				table, key, err := db.optionalRecord(ctx, name, args)
				if err != nil {
					return err
				}
				leases, err := db.leases(ctx, table, key, holder, limit)
				if err != nil {
					return err
				}
				more := limit > 0 && len(leases) > limit
				if more {
					leases = leases[:limit]
				}
				if err := a.printLeases(leases); err != nil {
					return err
				}
				if more {
					a.out.remark("there are more: --limit 0 shows all")
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&holder, "holder", "", "only those of this holder")
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "the greatest number of leases; 0 is no limit")
	return cmd
}

// leases are those that run, one more than the limit if there are more.
func (db *database) leases(ctx context.Context, table chrononaut.Table, key chrononaut.Key, holder string, limit int) ([]chrononaut.Lease, error) {
	if key == nil {
		opts := &chrononaut.LeasesOpts{Table: table, Holder: holder}
		if limit > 0 {
			opts.Limit = limit + 1
		}
		return db.client.Leases(ctx, opts)
	}
	l, err := db.client.LeaseOf(ctx, table, key)
	if err != nil || l == nil || holder != "" && l.Holder != holder {
		return nil, err
	}
	return []chrononaut.Lease{*l}, nil
}

// leaseArg reads the argument LEASE, which the environment may have instead.
func (a *app) leaseArg(args []string, token string) (*chrononaut.Lease, error) {
	text := ""
	switch {
	case len(args) > 0:
		text = args[0]
	case token != "":
		return nil, usagef("the id of the lease and --token, or "+leaseVariable+"=ID:TOKEN.", "--token needs the id of the lease")
	default:
		if text = a.Env(leaseVariable); text == "" {
			return nil, usagef(leaseHint, "say which lease")
		}
	}
	if token != "" {
		if strings.Contains(text, ":") {
			return nil, usagef("", "give ID:TOKEN, or ID and --token")
		}
		text += ":" + token
	}
	return parseLease(text)
}

// parseLease reads ID:TOKEN. The token is a secret, so that no message has it.
func parseLease(s string) (*chrononaut.Lease, error) {
	number, token, _ := strings.Cut(strings.TrimSpace(s), ":")
	id, err := parseNumber(number)
	if err != nil || token == "" {
		return nil, usagef(leaseHint, "that is not ID:TOKEN of a lease")
	}
	return &chrononaut.Lease{ID: id, Token: token}, nil
}

// leaseContext returns a context for writes under the lease that a flag or the
// environment names, if one does.
func (a *app) leaseContext(ctx context.Context, flag string) (context.Context, error) {
	if flag == "" {
		flag = a.Env(leaseVariable)
	}
	if flag == "" {
		return ctx, nil
	}
	l, err := parseLease(flag)
	if err != nil {
		return nil, err
	}
	return chrononaut.WithLease(ctx, l), nil
}

func (a *app) printLeases(leases []chrononaut.Lease) error {
	if a.json {
		shape := leasesJSON{Leases: make([]leaseJSON, len(leases))}
		for i := range leases {
			shape.Leases[i] = newLeaseJSON(&leases[i])
		}
		return a.out.json(shape)
	}
	if len(leases) == 0 {
		a.out.remark("no leases")
		return nil
	}
	rows := make([][]cell, len(leases))
	for i := range leases {
		l := &leases[i]
		enforced := ""
		if l.Enforced {
			enforced = "yes"
		}
		rows[i] = []cell{
			{strconv.FormatInt(l.ID, 10), plain},
			{clean(l.Holder), strong},
			{a.out.tableName(l.Table), plain},
			{clean(formatKey(l.Key)), plain},
			{strconv.Itoa(l.Version), plain},
			{a.out.second(l.Granted), moment},
			{a.out.second(l.Expires), moment},
			{enforced, plain},
			{clean(l.Rationale), plain},
		}
	}
	return a.out.table([]string{"ID", "HOLDER", "TABLE", "KEY", "VERSION", "SINCE", "UNTIL", "ENFORCED", "RATIONALE"}, rows)
}

type leasesJSON struct {
	Leases []leaseJSON `json:"leases"`
}

type leaseReleasedJSON struct {
	ID       int64 `json:"id"`
	Released bool  `json:"released"`
}

// leaseJSON has the token only for whom the lease was granted to.
type leaseJSON struct {
	ID        int64          `json:"id"`
	Token     *string        `json:"token,omitempty"`
	Table     tableJSON      `json:"table"`
	Key       chrononaut.Key `json:"key"`
	Holder    *string        `json:"holder"`
	Version   int            `json:"version"`
	Granted   time.Time      `json:"granted"`
	Renewed   *time.Time     `json:"renewed"`
	Expires   time.Time      `json:"expires"`
	Enforced  bool           `json:"enforced"`
	Rationale *string        `json:"rationale"`
}

func newLeaseJSON(l *chrononaut.Lease) leaseJSON {
	return leaseJSON{
		ID: l.ID, Table: newTableJSON(l.Table), Key: l.Key, Holder: orNull(l.Holder), Version: l.Version,
		Granted: l.Granted.UTC(), Renewed: orNull(l.Renewed.UTC()), Expires: l.Expires.UTC(),
		Enforced: l.Enforced, Rationale: orNull(l.Rationale),
	}
}
