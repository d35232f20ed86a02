package chronomigrate

import (
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// Plan is what a change of tracking would run, in order, as data: it can be
// printed, reviewed and tested before it is applied.
type Plan struct {
	Table chronodriver.Table
	Steps []Step
	// Transactional reports whether all steps run in one transaction. It is
	// always true today.
	Transactional bool

	// hardens says that the plan itself sets up the roles.
	hardens bool
}

// Step is one statement of a [Plan].
type Step struct {
	// Comment says for a database administrator what the statement does.
	Comment string
	SQL     string
	// Reverse undoes the statement; empty where nothing needs to be undone.
	Reverse string
	// Args are bound to the placeholders of SQL. Plans that are printed have
	// none: their values are literals.
	Args []any

	// object is what the statement makes or repairs: the function or column, or
	// the table and the trigger on it.
	object string
}

// Empty reports whether the plan has nothing to do.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// SQL prints the plan as a script, each statement under its comment.
func (p *Plan) SQL() string {
	var b strings.Builder
	for i, step := range p.Steps {
		if i > 0 {
			b.WriteByte('\n')
		}
		for line := range strings.SplitSeq(step.Comment, "\n") {
			b.WriteString("-- " + line + "\n")
		}
		b.WriteString(strings.TrimRight(strings.TrimSpace(step.SQL), ";") + ";\n")
	}
	return b.String()
}
