package chronomigrate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Attacker is who might do something to history.
type Attacker string

// The attackers of [Attack].
const (
	AttackerApplication Attacker = "application" // the role that the application logs in as
	AttackerTableOwner  Attacker = "table owner" // the owner of the application's tables
	AttackerSuperuser   Attacker = "superuser"
)

// Outcome is what becomes of an [Attack].
type Outcome string

// The outcomes. Refused also says that the attack came to nothing.
const (
	OutcomeRefused  Outcome = "refused"
	OutcomeDetected Outcome = "detected" // Check finds it
	OutcomeNeither  Outcome = "neither"
	// OutcomeUntried is that of an attack that could not be tried.
	OutcomeUntried Outcome = "untried"
)

// Attack is something that somebody might do to history, and what becomes of it in
// a hardened database, as docs/security.md has it.
type Attack struct {
	Attacker Attacker
	Action   string
	Outcome  Outcome
	By       string // what refuses or detects it, or what there is to say

	sql   string
	proof string // a query that says whether it came to anything
}

// Attacks lists what [Migrator.CheckHardened] tries.
func Attacks() ([]Attack, error) { return parseAttacks(attackArgs{schema: DefaultSchema}) }

// AttackResult is what became of an attack.
type AttackResult struct {
	Attack
	Role string // the attacker
	// Got is the outcome in this database, and Detail what refused or detected it:
	// a SQLSTATE, or kinds of problems.
	Got    Outcome
	Detail string
}

// OK reports whether the outcome is the published one, or a better one. What could not
// be tried is neither good nor bad.
func (r *AttackResult) OK() bool {
	order := []Outcome{OutcomeUntried, OutcomeRefused, OutcomeDetected, OutcomeNeither}
	return slices.Index(order, r.Got) <= slices.Index(order, r.Outcome)
}

// ErrNotHardened is returned by CheckHardened where Harden did not run.
var ErrNotHardened = errors.New("history is not hardened")

// CheckHardenedOpts are the options of [Migrator.CheckHardened].
type CheckHardenedOpts struct {
	// Attackers are those whose attacks are tried. Defaults to all.
	Attackers []Attacker
}

// CheckHardened tries every attack of [Attacks] as the roles of the database, in one
// transaction that is rolled back: on history, and on a table that it makes for that.
// Nothing of it stays, save that sequences have moved on. Locks that a superuser's
// attacks take on history are held for milliseconds; waiting for one is given up after
// a second, and the attack is untried then. It needs a role that may act for all of
// these, as a superuser or one that ran Harden: what it may not, is untried.
//
// Errors: ErrNotHardened, ErrNoHistory, ErrNewerHistory, ErrPrivilege, and
// [errors.ErrUnsupported] on SQLite.
func (m *Migrator) CheckHardened(ctx context.Context, opts *CheckHardenedOpts) ([]AttackResult, error) {
	if opts == nil {
		opts = &CheckHardenedOpts{}
	}
	e, ok := m.engine.(hardener)
	if !ok {
		return nil, fmt.Errorf("check what is hardened: %w", noRoles())
	}
	if err := m.requireInstalled(ctx, m.driver); err != nil {
		return nil, fmt.Errorf("check what is hardened: %w", m.engine.wrap(err))
	}
	var results []AttackResult
	err := m.engine.withLock(ctx, func(tx chronodriver.Tx) error {
		var err error
		if results, err = e.attack(ctx, tx, opts.Attackers); err != nil {
			return err
		}
		return errRolledBack
	})
	if err != nil && !errors.Is(err, errRolledBack) {
		return nil, fmt.Errorf("check what is hardened: %w", m.engine.wrap(err))
	}
	return results, nil
}

// errRolledBack ends the transaction of the attacks, and nothing else.
var errRolledBack = errors.New("rolled back")
